import Dispatch
import Forwarding
import Foundation
import Glibc
import LinuxIO
import Synchronization
import Testing
import VXLAN

@testable import Agent

/// An agent that can be taken over from, as far as the talk knows it.
private final class FakeSource: TakeoverSource {
  let events = Mutex<[String]>([])
  let descriptors: [Int32]
  let entryCount: Int
  let freezes: Bool

  init(descriptorCount: Int = 1, entryCount: Int = 3, freezes: Bool = true) {
    descriptors = (0..<descriptorCount).map { _ in dup(0) }
    self.entryCount = entryCount
    self.freezes = freezes
  }

  deinit { for descriptor in descriptors { _ = close(descriptor) } }

  private func note(_ event: String) { events.withLock { $0.append(event) } }

  func descriptorsToHandOver() -> [(name: DescriptorName, descriptor: Int32)] {
    descriptors.enumerated().map { (.source($0), $1) }
  }

  func whileUnchanged<Value>(_ body: () throws(TakeoverError) -> Value) throws(TakeoverError) -> Value { try body() }

  func freeze() throws(TakeoverError) {
    note("freeze")
    if !freezes { throw TakeoverError("a worker is held up") }
  }

  func stateToHandOver() throws(TakeoverError) -> CarriedState {
    var state = CarriedState()
    state.peers = [.init(name: "b", address: "192.0.2.2", publicKey: nil, pathMTU: 1500)]
    return state
  }

  func forEachEntry(
    in state: CarriedState, _ body: ([CarriedEntry]) throws(TakeoverError) -> Void
  ) throws(TakeoverError) {
    let all = (0..<entryCount).map {
      CarriedEntry(vni: 42, mac: MACAddress(rawValue: UInt64($0)), peer: 0, origin: .learned, stamp: 7)
    }
    for start in stride(from: 0, to: all.count, by: TakeoverMessage.entryCountMax) {
      try body(Array(all[start..<min(all.count, start + TakeoverMessage.entryCountMax)]))
    }
  }

  func thaw() { note("thaw") }
  func handedOver(to pid: pid_t) { note("handed over to \(pid == getpid() ? "us" : "\(pid)")") }
  func end() { note("end") }
}

/// Both ends of a takeover in this process, over a real socket.
@Suite("the talk of a takeover")
final class TakeoverTalkTests {
  private let directory: ControlTestDirectory
  private var offer: TakeoverOffer?

  init() throws { directory = try ControlTestDirectory() }

  deinit { offer?.stop() }

  private func offer(_ source: FakeSource, freeze: Duration = .seconds(5)) throws {
    var times = TakeoverOffer.Times()
    times.freeze = freeze
    times.greeting = .seconds(5)
    times.end = .seconds(5)
    let offer = try TakeoverOffer(
      besideControlSocket: directory.socket, times: times,
      log: StandardErrorLogHandler.logger(isJournal: false) { _ in })
    try offer.start(source)
    self.offer = offer
  }

  private func connect(_ inherited: InheritedDescriptors = InheritedDescriptors()) throws -> TakeoverClient {
    try #require(try TakeoverClient.connect(besideControlSocket: directory.socket, into: inherited))
  }

  /// A client that may say anything.
  private func rawConnection() throws -> TakeoverConnection {
    TakeoverConnection(try MessageSocket.connect(to: directory.socket + TakeoverOffer.suffix))
  }

  private func wait(for events: [String], _ source: FakeSource) {
    let deadline = ContinuousClock.now + .seconds(10)
    while source.events.withLock({ $0 }) != events, ContinuousClock.now < deadline { usleep(1000) }
    #expect(source.events.withLock { $0 } == events)
  }

  @Test(
    "descriptors, state and every entry cross, in order, and then the one before is over", arguments: [0, 3, 10_000])
  func whole(_ entryCount: Int) throws {
    let source = FakeSource(descriptorCount: 600, entryCount: entryCount)
    try offer(source)
    let inherited = InheritedDescriptors()
    let client = try connect(inherited)
    #expect(inherited.names == Set((0..<600).map { DescriptorName.source($0) }))
    #expect(source.events.withLock { $0 } == [])
    var entries: [CarriedEntry] = []
    let state = try client.freeze { _, some in entries += some }
    #expect(state?.peers.first?.name == "b" && entries.count == entryCount)
    #expect(entries.map(\.mac.rawValue) == (0..<UInt64(entryCount)).map { $0 })
    wait(for: ["freeze"], source)
    try client.take()
    wait(for: ["freeze", "handed over to us"], source)
    client.finish()
    wait(for: ["freeze", "handed over to us", "end"], source)
  }

  @Test("nobody there is no failure")
  func nobody() throws {
    #expect(try TakeoverClient.connect(besideControlSocket: directory.socket, into: InheritedDescriptors()) == nil)
  }

  @Test("one that goes before it has taken over leaves the other as it was, whenever it goes")
  func goes() throws {
    let source = FakeSource()
    try offer(source)
    _ = try rawConnection()
    _ = try connect()
    #expect(source.events.withLock { $0 } == [])
    do {
      let client = try connect()
      _ = try client.freeze { _, _ in }
    }
    wait(for: ["freeze", "thaw"], source)
    // And the next one finds it as it was.
    let client = try connect()
    _ = try client.freeze { _, _ in }
    try client.take()
    wait(for: ["freeze", "thaw", "freeze", "handed over to us"], source)
  }

  @Test("one that is too slow is told so, and the other goes on")
  func slow() throws {
    let source = FakeSource()
    try offer(source, freeze: .milliseconds(200))
    let client = try connect()
    _ = try client.freeze { _, _ in }
    wait(for: ["freeze", "thaw"], source)
    #expect(throws: TakeoverError.self) { try client.take() }
    #expect(source.events.withLock { $0 } == ["freeze", "thaw"])
  }

  @Test("one that cannot stop says why and goes on")
  func cannotFreeze() throws {
    let source = FakeSource(freezes: false)
    try offer(source)
    let client = try connect()
    let error = #expect(throws: TakeoverError.self) { _ = try client.freeze { _, _ in } }
    #expect(error?.description.contains("a worker is held up") == true)
    #expect(source.events.withLock { $0 } == ["freeze"])
  }

  @Test(
    "what is out of order, of another version or no message ends the talk and changes nothing",
    arguments: [
      [[9]], [[4]], [[1, 0x76, 0x74, 0x65, 0x70, 0, 2]], [[0xFF]], [[1]],
      [TakeoverMessage.hello(version: 1).bytes, [8]], [TakeoverMessage.hello(version: 1).bytes, [0]],
      [TakeoverMessage.hello(version: 1).bytes, TakeoverMessage.state([1]).bytes],
    ] as [[[UInt8]]])
  func disorder(_ messages: [[UInt8]]) throws {
    let source = FakeSource()
    try offer(source)
    let socket = try MessageSocket.connect(to: directory.socket + TakeoverOffer.suffix)
    let descriptor = dup(0)
    defer { _ = close(descriptor) }
    for message in messages {
      // Descriptors that nobody asked for are closed.
      try? socket.send(message, descriptors: [descriptor], within: .seconds(5))
    }
    var last: TakeoverMessage?
    while let next = try socket.receive(within: .seconds(10)) { last = TakeoverMessage(parsing: next.bytes) }
    var hasReason = false
    if case .refused? = last { hasReason = true }
    #expect(hasReason, "\(String(describing: last))")
    #expect(source.events.withLock { $0 } == [])
    _ = try connect()
  }

  @Test("from one that lives nothing is taken when it hangs up, whatever it had said", arguments: [0, 1, 2, 3, 4])
  func hangsUp(_ step: Int) throws {
    let (ours, theirs) = try MessageSocket.pair()
    let answers: [TakeoverMessage] = [
      .hello(version: 1), .descriptors([.plain(worker: 0)]), .offered,
      step == 4 ? .refused("it took too long") : .state(Array("{".utf8)),
    ]
    for answer in answers.prefix(step + 1) {
      let descriptors: [Int32] = answer == answers[1] ? [0] : []
      try theirs.send(answer.bytes, descriptors: descriptors, within: .seconds(5))
    }
    let inherited = InheritedDescriptors()
    let connection = TakeoverConnection(ours)
    guard step >= 2 else {
      theirs.interrupt()
      #expect(throws: TakeoverError.self) { _ = try TakeoverClient.greet(connection, into: inherited) }
      return
    }
    let client = try #require(try TakeoverClient.greet(connection, into: inherited))
    #expect(inherited.names == [.plain(worker: 0)])
    theirs.interrupt()
    let error = #expect(throws: TakeoverError.self) { _ = try client.freeze { _, _ in } }
    if step == 4 { #expect(error?.description.contains("it took too long") == true) }
  }

  @Test("a refusal is heard also when its sender has closed with a message unread")
  func lateWord() throws {
    let ours: MessageSocket
    var theirs: MessageSocket?
    do { (ours, theirs) = try MessageSocket.pair() }
    for answer in [TakeoverMessage.hello(version: 1), .offered] {
      try theirs?.send(answer.bytes, within: .seconds(5))
    }
    let client = try #require(try TakeoverClient.greet(TakeoverConnection(ours), into: InheritedDescriptors()))
    try theirs?.send(TakeoverMessage.refused("no more").bytes, within: .seconds(5))
    theirs = nil
    let error = #expect(throws: TakeoverError.self) { try client.take() }
    #expect(error?.description.contains("no more") == true)
  }

  @Test("as many names as descriptors, or nothing of it is believed", arguments: [0, 2])
  func counts(_ count: Int) throws {
    let (ours, theirs) = try MessageSocket.pair()
    try theirs.send(TakeoverMessage.hello(version: 1).bytes, within: .seconds(5))
    try theirs.send(
      TakeoverMessage.descriptors([.plain(worker: 0)]).bytes, descriptors: Array(repeating: 0, count: count),
      within: .seconds(5))
    let inherited = InheritedDescriptors()
    #expect(throws: TakeoverError.self) { _ = try TakeoverClient.greet(TakeoverConnection(ours), into: inherited) }
    #expect(inherited.names.isEmpty)
  }
}
