import Dataplane
import Foundation
import LinuxIO
import Logging
import Synchronization
import Testing
import VXLAN

@testable import Agent

/// An agent of two workers that carries what a test says.
private final class ScriptedSource: CaptureSource {
  private struct State {
    var rings: [CaptureRing] = []
    var filter: CaptureFilter?
    var endCount = 0
    var peers = [0: "a", 3: "b"]
    var changeCount = 1
    var writers: [CaptureRingWriter] = []
  }

  private let state = Mutex(State())

  var captureChangeCount: Int { state.withLock { $0.changeCount } }
  var endCount: Int { state.withLock { $0.endCount } }
  var filter: CaptureFilter? { state.withLock { $0.filter } }
  func capturePeers() -> [Int: String] { state.withLock { $0.peers } }

  func change(_ peers: [Int: String]) {
    state.withLock { state in
      state.peers = peers
      state.changeCount += 1
    }
  }

  func captureTerms(ringByteCount: Int) -> CaptureMessage.Accepted {
    CaptureMessage.Accepted(
      workerCount: 2, ringByteCount: ringByteCount, address: "192.0.2.1", plainPort: 4789, sealedPort: nil,
      sourcePorts: [50_001, 50_002], sealedSourcePorts: [],
      reasons: DropReason.allCases.map { "agent says \($0.name)" })
  }

  func filter(for request: CaptureRequest) -> CaptureFilter? {
    let slot = capturePeers().first { $0.value == request.peer }?.key
    guard request.peer == nil || slot != nil else { return nil }
    return CaptureFilter(wantsOuter: request.wantsOuter, vni: request.vni, peer: slot)
  }

  func beginCapture(into rings: [CaptureRing], _ filter: CaptureFilter) -> Bool {
    state.withLock { state in
      (state.rings, state.filter, state.writers) = (rings, filter, rings.map { $0.makeWriter() })
    }
    return true
  }

  func changeCapture(into rings: [CaptureRing], _ filter: CaptureFilter) { state.withLock { $0.filter = filter } }
  func endCapture(into rings: [CaptureRing]) { state.withLock { $0.endCount += 1 } }

  /// One worker carries something.
  func write(worker: Int, _ record: CaptureRecord, _ bytes: [UInt8]) {
    state.withLock { state in
      guard let place = state.writers[worker].reserve(bytes.count) else { return }
      state.writers[worker].put(record, capturedByteCount: bytes.count, at: place)
      for (index, byte) in bytes.enumerated() {
        place.storeBytes(of: byte, toByteOffset: CaptureRecord.byteCount + index, as: UInt8.self)
      }
      state.writers[worker].publish()
    }
  }
}

@Suite("captures of a running agent")
struct CaptureTalkTests {
  private final class Ends {
    let source = ScriptedSource()
    let offer: CaptureOffer
    let path: String

    init() throws {
      path = FileManager.default.temporaryDirectory.appending(path: "vtep-\(UUID().uuidString.prefix(8))").path()
      offer = try CaptureOffer(besideControlSocket: path, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
      try offer.start(source)
    }

    deinit { offer.stop() }

    func client(_ change: (inout CaptureRequest) -> Void = { _ in }) throws -> CaptureClient {
      var request = CaptureRequest()
      change(&request)
      return try CaptureClient(controlSocket: path, request)
    }
  }

  /// What the next record shows.
  private func takeAll(_ client: CaptureClient) throws -> [(frame: CapturedFrame, bytes: [UInt8])] {
    var taken: [(CapturedFrame, [UInt8])] = []
    let outcome = try client.take(within: .seconds(5)) { frame, bytes in
      taken.append((frame, bytes.indices.map { bytes[$0] }))
    }
    #expect(outcome == .taken)
    return taken
  }

  private func take(_ client: CaptureClient) throws -> (frame: CapturedFrame, bytes: [UInt8])? {
    try takeAll(client).first
  }

  private func record(_ kind: CaptureRecord.Kind, time: UInt64, peer: Int32, _ bytes: [UInt8]) -> CaptureRecord {
    var record = CaptureRecord(kind, direction: 1, byteCount: bytes.count)
    (record.time, record.peer, record.vni) = (time, peer, 42)
    return record
  }

  @Test("frames of all workers come with what is known of them, the earliest first")
  func frames() throws {
    let ends = try Ends()
    let client = try ends.client()
    ends.source.write(worker: 1, record(.inner, time: 9, peer: 3, [2]), [2])
    var dropped = record(.inner, time: 5, peer: 0, [1, 1])
    dropped.reason = DropReason.staticMove.rawValue
    ends.source.write(worker: 0, dropped, [1, 1])
    let first = try #require(try take(client))
    #expect(first.bytes == [1, 1] && first.frame.peer == "a" && first.frame.reason == "agent says static-move")
    let second = try #require(try take(client))
    #expect(second.bytes == [2] && second.frame.peer == "b" && second.frame.reason == nil && second.frame.vni == 42)
    #expect(try client.take(within: .milliseconds(5)) { _, _ in } == .idle)
  }

  @Test("an agent that states more workers than there can be is not understood", arguments: [0, 127, Int.max, .min])
  func lies(workerCount: Int) throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "vtep-\(UUID().uuidString.prefix(8))").path()
    let listener = try MessageListener(path: path + CaptureOffer.suffix)
    defer { listener.remove() }
    let liar = Thread {
      guard let socket = try? listener.accept() else { return }
      let accepted = CaptureMessage.Accepted(
        workerCount: workerCount, ringByteCount: 4_096, address: "192.0.2.1", plainPort: 4789, sourcePorts: [],
        sealedSourcePorts: [])
      let answer = try? ReportJSON.encode(CaptureMessage(accepted: accepted))
      try? socket.send(answer ?? [], within: .seconds(5))
    }
    liar.start()
    #expect(throws: CaptureFailure("the agent's answer is not understood")) {
      _ = try CaptureClient(controlSocket: path, CaptureRequest())
    }
  }

  @Test("a record of joined datagrams comes as one packet for each, with headers in front")
  func datagrams() throws {
    let ends = try Ends()
    let client = try ends.client { $0.wantsOuter = true }
    #expect(ends.source.filter?.wantsOuter == true)
    var joined = record(.outer, time: 1, peer: 3, [1, 2, 3, 4, 5])
    (joined.gsoByteCount, joined.direction, joined.localPortIndex) = (3, 0, 1)
    (joined.remote, joined.remotePort) = (IPAddress(ipv4: 0xC000_0202), 4789)
    ends.source.write(worker: 0, joined, [1, 2, 3, 4, 5])
    let all = try takeAll(client)
    #expect(all.count == 2)
    for (payload, taken) in zip([[1, 2, 3], [4, 5]] as [[UInt8]], all) {
      #expect(taken.bytes.count == 42 + payload.count && Array(taken.bytes[42...]) == payload)
      #expect(taken.frame.byteCount == taken.bytes.count)
      let outer = try #require(taken.frame.outer)
      #expect("\(outer.source) \(outer.destination)" == "192.0.2.1:50002 192.0.2.2:4789")
      #expect(Array(taken.bytes[34..<38]) == [0xC3, 0x52, 0x12, 0xB5])
      #expect(Checksum.finish(Checksum.sum(Array(taken.bytes[14..<34]).span)) == 0, "of the IP header")
    }
  }

  @Test("names are followed, and the filter with them; a peer that nobody has is refused")
  func names() throws {
    let ends = try Ends()
    #expect(throws: CaptureFailure.self) { _ = try ends.client { $0.peer = "c" } }
    let client = try ends.client { $0.peer = "b" }
    #expect(ends.source.filter?.peer == 3)
    ends.source.change([0: "a", 5: "b"])
    let deadline = ContinuousClock.now + .seconds(5)
    while ends.source.filter?.peer != 5, ContinuousClock.now < deadline { usleep(10_000) }
    #expect(ends.source.filter?.peer == 5)
    #expect(try client.take(within: .milliseconds(50)) { _, _ in } == .idle)
    ends.source.write(worker: 0, record(.inner, time: 1, peer: 5, [1]), [1])
    #expect(try take(client)?.frame.peer == "b")
    ends.source.change([0: "a"])
    while ends.source.filter?.peer != .max, ContinuousClock.now < deadline { usleep(10_000) }
    #expect(ends.source.filter?.peer == .max)
  }

  @Test("four at once and no fifth; a place is free again when one has gone")
  func places() throws {
    let ends = try Ends()
    var clients = try (0..<CaptureOffer.captureCountMax).map { _ in try ends.client() }
    #expect(throws: CaptureFailure.self) { _ = try ends.client() }
    clients.removeLast()
    let deadline = ContinuousClock.now + .seconds(5)
    while ends.source.endCount == 0, ContinuousClock.now < deadline { usleep(10_000) }
    #expect(ends.source.endCount == 1)
    usleep(20_000)
    clients.append(try ends.client())
  }

  @Test("whoever connects and asks for nothing holds nobody up when the agent ends")
  func silence() throws {
    let ends = try Ends()
    let silent = try MessageSocket.connect(to: ends.path + CaptureOffer.suffix)
    usleep(50_000)
    let start = ContinuousClock.now
    ends.offer.stop()
    #expect(ContinuousClock.now - start < .seconds(2))
    silent.interrupt()
  }

  @Test("when the agent ends, what it left is shown, then that it has ended")
  func ending() throws {
    let ends = try Ends()
    let client = try ends.client()
    ends.source.write(worker: 0, record(.inner, time: 1, peer: 0, [1]), [1])
    ends.offer.stop()
    #expect(try take(client)?.bytes == [1])
    #expect(try client.take(within: .seconds(5)) { _, _ in } == .ended("the agent has ended"))
    #expect(ends.source.endCount == 1)
    #expect(throws: CaptureFailure("no agent answers at \(ends.path)")) { _ = try ends.client() }
  }
}
