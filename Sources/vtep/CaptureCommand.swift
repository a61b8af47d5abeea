import ArgumentParser
import Capture
import Glibc
import LinuxIO

/// `vtep capture`.
struct CaptureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capture",
    abstract: "Show or write what VTEPs send each other, with the inner frames.",
    discussion: """
      Takes the UDP datagrams to the ports of plain and sealed VXLAN, from an interface or a capture file, and prints \
      a line for each in the style of tcpdump: the outer datagram, then the inner frame. Options are tcpdump's. Behind \
      them a filter in libpcap's language judges the outer packet; --inner judges the inner frame.

      Without -i and -r it asks the running agent for the frames of its segments, opened, or with --outer for its \
      datagrams. What the agent drops is shown with the reason; beside a file that is written, FILE.jsonl lists it.

      With --keys, the key log of an agent, sealed datagrams are opened; -w then writes the inner frames, those of \
      plain datagrams too, so that every tool can read them.

      Examples:
        vtep capture --vni 42
        vtep capture -i eth0
        vtep capture -i any --vni 42 --inner 'arp or icmp'
        vtep capture -i eth0 -w overlay.pcap -C 100 -W 10
        vtep capture -r overlay.pcap --keys keys.log -w inner.pcap
        vtep capture -r overlay.pcap -j | jq .vni

      Exit status: 0 done, also after SIGINT and SIGTERM; 1 no permission, no such file, no room, or a capture that is \
      cut short: what could be read of it was shown; 64 wrong usage.
      """)

  @OptionGroup var source: CaptureSourceOptions
  @OptionGroup var filter: CaptureFilterOptions
  @OptionGroup var output: CaptureOutputOptions

  func validate() throws {
    guard !source.isAgent || source.isOuter || filter.peer.count < 2 else {
      throw ValidationError("an agent is asked for the frames of one peer or of all: name one --peer, or add --outer")
    }
    if !source.isAgent { _ = try filter.addresses() }
  }

  func run() throws {
    StopSignal.catchAll()
    do {
      try capture()
    } catch let error as CaptureError {
      throw Output.failure(error.message)
    }
  }

  private func capture() throws {
    guard !source.isAgent else { return try captureAgent() }
    let live = try source.interface.map { try openInterface($0) }
    guard let packets: any PacketSource = try live ?? source.file.map({ try CaptureFile(path: $0) }) else { return }
    guard let linkName = packets.linkType.name else {
      throw CaptureError("link type \(packets.linkType.rawValue) is none of 1, 101, 113 and 276, which vtep reads")
    }
    // Keys may be read by root only.
    let selection = try selection(packets.linkType, isLive: live != nil)
    selection.peers = Set(try filter.addresses())
    if let user = output.user { try become(user) }
    let result = try CaptureOutput(
      output, linkType: packets.linkType,
      snapshotByteCount: source.snapshotByteCount > 0 ? source.snapshotByteCount : packets.snapshotByteCount,
      writesFrames: filter.keys != nil, isPrivate: filter.keys != nil)
    Output.say(
      live.map {
        "listening on \(source.interface ?? ""), link-type \(linkName), snapshot length \($0.snapshotByteCount)"
      }
        ?? "reading from file \(source.file ?? ""), link-type \(linkName)")
    defer { if let live { Self.tell(live, shownCount: result.packetCount) } }
    try finish(result) { try copy(packets, selection, to: result) }
  }

  private func captureAgent() throws {
    let agent = try AgentPackets(source, vnis: filter.vni, peers: filter.peer)
    let selection = try selection(.ethernet, isLive: false)
    if let user = output.user { try become(user) }
    let result = try CaptureOutput(
      output, linkType: .ethernet, snapshotByteCount: source.snapshotByteCount, writesFrames: filter.keys != nil,
      isPrivate: true)
    Output.say("listening to the agent on \(source.socketPath)")
    defer {
      Output.say("\(Self.counted(result.packetCount)) captured")
      Output.say("\(Self.counted(agent.missedCount)) missed, for which there was no room")
    }
    try finish(result) {
      try agent.forEach({ try take($0, selection, to: result) }) { try result.writeText() }
    }
  }

  /// Datagrams may be among frames: those that ended before there was one.
  private func take(
    _ captured: AgentPackets.Captured, _ selection: PacketSelection, to result: CaptureOutput
  ) throws -> Bool {
    guard let ports = captured.ports else {
      guard var view = selection.view(frame: captured.packet, vni: captured.vni) else { return true }
      view.note = captured.note
      return try result.take(view, linkType: .ethernet)
    }
    selection.ports = ports
    return try selection.forEachView(captured.packet, linkType: .ethernet) { view in
      var view = view
      view.note = captured.note
      return try result.take(view, linkType: .ethernet)
    }
  }

  /// Ends the output in any case: what came before a failure is not lost.
  private func finish(_ result: CaptureOutput, after work: () throws -> Void) throws {
    do {
      try work()
    } catch let error as CaptureError {
      try? result.close()
      throw error
    }
    try result.close()
    if result.framelessCount > 0 {
      Output.warn("\(Self.counted(result.framelessCount)) without a frame that could be opened, not written")
    }
  }

  private func openInterface(_ name: String) throws(CaptureError) -> LiveCapture {
    var options = LiveCapture.Options()
    options.snapshotByteCount = source.snapshotByteCount
    options.direction = source.direction ?? .inout
    options.isImmediate = source.isImmediate
    let live = try LiveCapture(interface: name, options: options)
    try live.filter(filter.outerExpression, ports: filter.ports)
    return live
  }

  private func selection(_ linkType: LinkType, isLive: Bool) throws -> PacketSelection {
    let selection = PacketSelection()
    selection.ports = filter.ports
    selection.vnis = Set(filter.vni)
    if !isLive, !filter.outerExpression.isEmpty {
      selection.outerFilter = try PacketFilter(filter.outerExpression, linkType: linkType)
    }
    selection.innerFilter = try filter.inner.map { try PacketFilter($0, linkType: .ethernet) }
    selection.opener = try filter.keys.map { PacketOpener(try KeyLogFile.keyRing(path: $0)) }
    return selection
  }

  private func copy(_ packets: any PacketSource, _ selection: PacketSelection, to output: CaptureOutput) throws {
    while !StopSignal.isRaised {
      switch try step(packets) {
      case .packet(let packet):
        let goesOn = try selection.forEachView(packet, linkType: packets.linkType) { view in
          try output.take(view, linkType: packets.linkType)
        }
        guard goesOn else { return }
        // Nobody knows when a pipe has more.
        if source.file == CaptureFile.standardInput { try output.writeText() }
      case .idle: try output.writeText()
      case .end: return
      }
    }
  }

  /// A signal that ends the capture also ends a read that waits, which is no error then.
  private func step(_ packets: any PacketSource) throws(CaptureError) -> PacketStep {
    do throws(CaptureError) {
      return try packets.step()
    } catch {
      guard StopSignal.isRaised else { throw error }
      return .end
    }
  }

  /// Gives up every right, so that what reads untrusted bytes has none.
  private func become(_ name: String) throws {
    do {
      guard let account = try UserAccount(named: name) else { throw Output.failure("there is no user \(name)") }
      try Capabilities.keepOnly([], becoming: account)
    } catch let error as Errno {
      throw Output.failure("-Z \(name): \(error)")
    }
  }

  private static func counted(_ count: some BinaryInteger) -> String { "\(count) packet\(count == 1 ? "" : "s")" }

  private static func tell(_ live: LiveCapture, shownCount: Int) {
    Output.say("\(counted(shownCount)) captured")
    guard let counts = live.counts() else { return }
    Output.say("\(counted(counts.received)) received by filter")
    Output.say("\(counted(counts.dropped)) dropped by kernel")
    if counts.droppedByInterface > 0 { Output.say("\(counted(counts.droppedByInterface)) dropped by interface") }
  }
}
