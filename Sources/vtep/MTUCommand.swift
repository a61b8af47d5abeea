import ArgumentParser
import FoundationEssentials
import VXLAN

/// `vtep mtu`: the overhead of a tunnel header by header, and the overlay MTU that is left.
struct MTUCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mtu",
    abstract: "Show the tunnel's overhead, header by header, and the overlay MTU that is left.")

  @Option(help: "The underlay's IP MTU in bytes, as `ip link` shows it.")
  var underlayMtu: Int?

  @Flag(help: "The underlay is IPv6.")
  var ipv6 = false

  @Flag(help: "The segment is sealed with aes256gcm or chacha20poly1305 (a tag of 16 bytes).")
  var sealed = false

  @Flag(help: "The segment passes inner VLAN tags (`vlan: pass`).")
  var vlan = false

  @Flag(name: [.customShort("j"), .long], help: "Print one JSON object.")
  var json = false

  @Option(help: "Ask a running agent about this peer's path (not built yet).")
  var peer: String?

  @Option(help: "The agent's control socket, with --peer (not built yet).")
  var socket: String?

  func validate() throws {
    guard peer == nil, socket == nil else {
      throw ValidationError("--peer and --socket are not built yet; give --underlay-mtu N instead.")
    }
    guard let underlayMtu else {
      throw ValidationError("--underlay-mtu is missing; give the underlay's IP MTU, such as --underlay-mtu 1500.")
    }
    guard (1...Overhead.underlayMTUMax).contains(underlayMtu) else {
      throw ValidationError(
        "--underlay-mtu \(underlayMtu) is out of range; an IP MTU is 1 to \(Overhead.underlayMTUMax) bytes.")
    }
  }

  func run() throws {
    guard let underlayMtu else { return }
    let overhead = Overhead(
      family: ipv6 ? .ipv6 : .ipv4, sealingTag: sealed ? .bytes16 : nil, passesVLANTag: vlan)
    guard let overlayMTU = overhead.overlayMTU(underlayMTU: underlayMtu) else {
      throw UnderlayTooSmall(underlayMTU: underlayMtu, overhead: overhead)
    }
    let report = MTUReport(underlayMTU: underlayMtu, overhead: overhead, overlayMTU: overlayMTU)
    print(json ? try report.json() : report.table())
  }
}

/// An underlay that carries no packet of a tunnel. Shown as it is; the exit status is 1.
private struct UnderlayTooSmall: Error, CustomStringConvertible {
  let underlayMTU: Int
  let overhead: Overhead

  var description: String {
    "an underlay MTU of \(underlayMTU) is too small: the overhead is \(overhead.byteCount) bytes and no TAP takes an"
      + " MTU under \(Overhead.overlayMTUMin); the underlay needs \(overhead.underlayMTUMin) or more"
  }
}

/// What `vtep mtu` prints.
private struct MTUReport: Encodable {
  struct Header: Encodable {
    let name: String
    let bytes: Int
  }

  let underlayMTU: Int
  let overhead: Int
  let overlayMTU: Int
  let headers: [Header]

  private enum CodingKeys: String, CodingKey {
    case underlayMTU = "underlay-mtu"
    case overhead
    case overlayMTU = "overlay-mtu"
    case headers
  }

  init(underlayMTU: Int, overhead: Overhead, overlayMTU: Int) {
    self.underlayMTU = underlayMTU
    self.overhead = overhead.byteCount
    self.overlayMTU = overlayMTU
    self.headers = overhead.headers.map { Header(name: $0.name, bytes: $0.byteCount) }
  }

  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  /// Two columns, the numbers aligned to the right.
  func table() -> String {
    var rows = [("HEADER", "BYTES")]
    rows += headers.map { ($0.name, String($0.bytes)) }
    rows += [("overhead", String(overhead)), ("underlay MTU", String(underlayMTU)), ("overlay MTU", String(overlayMTU))]
    let nameWidth = rows.map(\.0.count).max() ?? 0
    let numberWidth = rows.map(\.1.count).max() ?? 0
    return rows.map { name, number in
      name + String(repeating: " ", count: nameWidth - name.count + 2 + numberWidth - number.count) + number
    }.joined(separator: "\n")
  }
}
