import Glibc
import VXLAN

/// Addresses that this network namespace has, and those that it knows of others.
package enum HostAddresses {
  /// The IPv4 neighbours on `device` whose MAC this host knows.
  package static func neighbors(on device: String) -> [(address: IPAddress, mac: MACAddress)] {
    guard let file = fopen("/proc/net/arp", "re") else { return [] }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 512)
    var found: [(address: IPAddress, mac: MACAddress)] = []
    while fgets(&line, Int32(line.count), file) != nil {
      // IP address, HW type, flags, HW address, mask, device.
      let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      let words = text.split { $0 == " " || $0 == "\n" }
      guard words.count == 6, words[5] == device, words[2] != "0x0", let address = IPAddress(String(words[0])),
        let mac = MACAddress(words[3])
      else { continue }
      found.append((address, mac))
    }
    return found
  }

  /// The device that has an address of this host; nil: none has.
  package static func device(of address: String) -> String? {
    // SAFETY: the list is freed behind the last look at it.
    var first: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&first) == 0 else { return nil }
    defer { freeifaddrs(first) }
    var next = first
    while let entry = next?.pointee {
      next = entry.ifa_next
      guard let name = entry.ifa_addr else { continue }
      let size =
        name.pointee.sa_family == sa_family_t(AF_INET6)
        ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
      var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      guard getnameinfo(name, socklen_t(size), &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 else {
        continue
      }
      if String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self) == address {
        return String(cString: entry.ifa_name)
      }
    }
    return nil
  }
}
