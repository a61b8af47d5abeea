/// Why a capture cannot be read or written, for people.
package struct CaptureError: Error, Equatable, Sendable {
  package let message: String

  package init(_ message: String) {
    self.message = message
  }

  // SAFETY: a text of the shim that stays.
  static func missingLibrary(_ reason: UnsafePointer<CChar>) -> CaptureError {
    CaptureError("libpcap is missing (Debian: apt install libpcap0.8): \(String(cString: reason))")
  }
}

extension CaptureError: CustomStringConvertible {
  package var description: String { message }
}
