import CLinuxIO
import VXLAN

/// Where a run of datagrams goes, as the kernel wants to be told.
package struct Destination: Sendable {
  // First, for `address(_:)`.
  private let address: clinuxio_address
  package let endpoint: Endpoint

  package init(_ endpoint: Endpoint) {
    address = UDPUnderlay.address(endpoint)
    self.endpoint = endpoint
  }

  // HOT
  // SAFETY: a value begins with its first field, and lives as long as its owner keeps it.
  static func address(_ destination: UnsafePointer<Destination>) -> UnsafePointer<clinuxio_address> {
    UnsafeRawPointer(destination).assumingMemoryBound(to: clinuxio_address.self)
  }
}
