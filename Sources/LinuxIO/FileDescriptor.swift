import Glibc

/// A file descriptor that is closed when its owner goes.
package struct FileDescriptor: ~Copyable {
  package let rawValue: Int32

  /// Takes ownership of an open descriptor.
  package init(owning rawValue: Int32) {
    self.rawValue = rawValue
  }

  deinit {
    // The descriptor is gone whatever close answers, and nothing that we own is written behind it.
    _ = Glibc.close(rawValue)
  }
}
