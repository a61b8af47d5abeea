import Foundation
import Glibc

@testable import Agent
import VXLAN

/// A directory of its own for one test, with the path of a socket in it; removed with the value.
final class ControlTestDirectory {
  let path: String
  var socket: String { path + "/control.sock" }

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("vtep-\(UUID().uuidString.prefix(8))").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A client that sends any bytes, however wrong, and reads what comes until the end.
final class RawControlClient {
  private let descriptor: CInt

  convenience init(_ path: String) throws {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    try self.init(connectedTo: address, family: AF_UNIX)
  }

  /// Of the own host, over IPv4.
  convenience init(tcpPort: UInt16) throws {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = tcpPort.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    try self.init(connectedTo: address, family: AF_INET)
  }

  private init<Address>(connectedTo address: Address, family: Int32) throws {
    descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
    let result = withUnsafePointer(to: address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
      }
    }
    guard result == 0 else {
      let number = errno
      close(descriptor)
      throw POSIXError(POSIXErrorCode(rawValue: number) ?? .EIO)
    }
    var time = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  /// Whether all of it went out; a server that closed is no error here.
  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = Array(rest)
      let count = Glibc.send(descriptor, part, part.count, Int32(MSG_NOSIGNAL))
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  @discardableResult
  func send(_ text: String) -> Bool { send(Array(text.utf8)) }

  func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// What one `recv` gives; empty at the end, nil when nothing came within 10 s.
  func receive() -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    if count < 0 { return errno == ECONNRESET ? [] : nil }
    return Array(buffer.prefix(count))
  }

  /// All until the server closes; nil when it did not within 10 s of silence.
  func receiveAll() -> String? {
    var all: [UInt8] = []
    while true {
      guard let part = receive() else { return nil }
      if part.isEmpty { return String(decoding: all, as: UTF8.self) }
      all += part
    }
  }

  /// Answers of a connection that stays open: until the last line of a JSON document came `count` times.
  func receiveAnswers(_ count: Int) -> String? {
    var all: [UInt8] = []
    func isDocument(_ line: ArraySlice<UInt8>) -> Bool {
      line.first == UInt8(ascii: "{") || line.first == UInt8(ascii: "[")
    }
    while all.last != 0x0A || all.split(separator: 0x0A).filter(isDocument).count < count {
      guard let part = receive(), !part.isEmpty else { return nil }
      all += part
    }
    return String(decoding: all, as: UTF8.self)
  }
}

/// An agent that answers fixed reports.
struct FixedReports: ReportSource {
  var entries: [FDBReport] = [
    FDBReport(mac: "02:00:00:00:00:02", vni: 42, peer: "b", address: "192.0.2.2", state: .static, ageSeconds: 0),
    FDBReport(mac: "02:00:00:00:00:03", vni: 42, peer: nil, address: nil, state: .dynamic, ageSeconds: 75),
    FDBReport(mac: "02:00:00:00:00:04", vni: 7, peer: "c", address: "2001:db8::3", state: .control, ageSeconds: 3),
  ]

  func statusReport() throws(ControlError) -> StatusReport {
    StatusReport(
      pid: 1234, uptimeSeconds: 3_725, address: "192.0.2.1", udpPort: 4789, workers: 2,
      workerFrames: [7, 8], segments: 2, peers: 2,
      socket: "/run/vtep/control.sock", offload: ["udp-gso": "on", "udp-gro": "off"])
  }

  func segmentReports(vni: VNI?) throws(ControlError) -> [SegmentReport] {
    [
      SegmentReport(
        vni: 42, tap: "vx42", mtu: 1450, sealed: false, fdbEntries: 2, neighbors: 3, rxFrames: 10, txFrames: 20),
      SegmentReport(vni: 7, tap: "vx7", mtu: 1426, sealed: true, fdbEntries: 1, rxFrames: 0, txFrames: 0),
    ].filter { vni == nil || $0.vni == vni?.rawValue }
  }

  func fdbPage(vni: VNI?, after cursor: FDBCursor?) throws(ControlError) -> FDBPage {
    guard vni?.rawValue != 99 else { throw ControlError(.unknownVNI, "there is no segment 99") }
    let all = entries.filter { vni == nil || $0.vni == vni?.rawValue }
    let start = cursor.flatMap { last in all.firstIndex { $0.mac == "\(last.mac)" }.map { $0 + 1 } } ?? 0
    let page = all[start...].prefix(ControlLimits.pageEntryCountMax)
    guard page.endIndex < all.endIndex, let last = page.last, let mac = MACAddress(last.mac) else {
      return FDBPage(entries: Array(page))
    }
    return FDBPage(entries: Array(page), next: FDBCursor(vni: VNI(unchecked: last.vni), mac: mac))
  }

  func peerReports() throws(ControlError) -> [PeerReport] {
    [
      PeerReport(
        name: "b", address: "192.0.2.2", session: .up, cipher: "aes256gcm", keyAgeSeconds: 61,
        endpoint: "192.0.2.2:4790", pathMTU: 1500, pathMTUSource: .probe, lastReceiveSeconds: 2, rxBytes: 100,
        txBytes: 200),
      PeerReport(
        name: "c", address: "2001:db8::3", session: .none, pathMTU: 9000, lastReceiveSeconds: nil, rxBytes: 0,
        txBytes: 0),
    ]
  }

  func statsReport() throws(ControlError) -> StatsReport { .sample }
  func dropsReport() throws(ControlError) -> DropsReport { .sample }

  func mtuReport(peer name: String) throws(ControlError) -> MTUReport {
    guard name == "b",
      let report = MTUReport(
        underlayMTU: 1500, overhead: Overhead(family: .ipv4, sealingTag: .bytes16), peer: name, pathSource: .route)
    else { throw ControlError(.unknownPeer, "no peer has the name \(name)") }
    return report
  }
}

extension StatsReport {
  static var sample: StatsReport {
    var overlay = FrameCounts()
    overlay.framesIn = 10
    overlay.framesOut = 7
    overlay.drops = 2
    overlay.consumed = 1
    overlay.floodCopies = 5
    overlay.kernelDrops = 3
    var underlay = FrameCounts()
    underlay.framesIn = 4
    underlay.framesOut = 3
    underlay.drops = 1
    underlay.kernelDrops = 1
    return StatsReport(overlay: overlay, underlay: underlay)
  }
}

extension DropsReport {
  static var sample: DropsReport {
    DropsReport([("fragment", nil, 1), ("short-frame", 2, 0), ("no-peer", 0, nil), ("vlan-tag", 0, 0)])
  }
}

/// Starts a server with fixed reports, or with `handler`.
func startControlServer(
  _ path: String, limits: ControlLimits = ControlLimits(), handler: ControlServer.Handler? = nil
) throws -> ControlServer {
  let api = ControlAPI(source: FixedReports())
  return try ControlServer.start(path: path, limits: limits, handler: handler ?? { api.answer($0) })
}

/// What `{"error":...}` at the end of an HTTP answer says.
func errorCode(in answer: String?) -> String? {
  guard let body = answer?.components(separatedBy: "\r\n\r\n").last else { return nil }
  return (try? ReportJSON.decode(ControlFailure.self, from: Array(body.utf8)))?.error.code
}
