import Glibc
import VXLAN

@testable import LinuxIO

/// A UDP socket as the kernel lists it in /proc/net/udp.
struct UDPKernelSocket {
  /// Bytes that were received and not read.
  let waitingByteCount: Int
  let dropCount: Int

  /// The socket with a local port in the calling thread's namespace; nil when there is none.
  init?(_ family: AddressFamily, port: UInt16) throws(Errno) {
    let suffix = ":" + String(port, radix: 16, uppercase: true)
    for line in try Self.list(family).split(separator: "\n").dropFirst() {
      let fields = line.split(separator: " ")
      guard fields.count > 12, fields[1].hasSuffix(suffix) else { continue }
      let queues = fields[4].split(separator: ":")
      waitingByteCount = Int(queues[1], radix: 16) ?? -1
      dropCount = Int(fields[12]) ?? -1
      return
    }
    return nil
  }

  private static func list(_ family: AddressFamily) throws(Errno) -> String {
    try text(of: family == .ipv4 ? "/proc/thread-self/net/udp" : "/proc/thread-self/net/udp6")
  }

  /// The beginning of a file of the kernel's.
  static func text(of path: String) throws(Errno) -> String {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { throw .current("open(/proc)") }
    defer { _ = close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = read(descriptor, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }
}
