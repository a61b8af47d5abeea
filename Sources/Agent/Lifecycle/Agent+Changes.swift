import VXLAN

/// Changes that are asked for on the control socket: the main thread makes them, the control thread waits.
extension Agent: ChangeControl {
  package func reload() throws(ControlError) -> ChangeReport {
    try onMainThread { agent throws(ReloadFailure) in try agent.reloadConfiguration() }
  }

  package func addPeer(_ body: [UInt8]) throws(ControlError) -> ChangeReport {
    try add("peer has the name") { changes throws(ConfigurationProblem) in try changes.addPeer(body) }
  }

  package func removePeer(_ name: String) throws(ControlError) -> ChangeReport {
    try change { changes, agent throws(ControlError) in
      guard agent.generation.slot(ofPeer: name) != nil else {
        throw ControlError(.unknownPeer, "no peer has the name \(name)")
      }
      changes.removePeer(name)
    }
  }

  package func addSegment(_ body: [UInt8]) throws(ControlError) -> ChangeReport {
    try add("segment has the VNI") { changes throws(ConfigurationProblem) in try changes.addSegment(body) }
  }

  package func removeSegment(_ vni: VNI) throws(ControlError) -> ChangeReport {
    try change { changes, agent throws(ControlError) in
      guard agent.generation.slot(of: vni) != nil else {
        throw ControlError(.unknownVNI, "no segment has VNI \(vni)")
      }
      changes.removeSegment(vni)
    }
  }

  package func whileUnchanged(
    _ body: () throws(ControlError) -> ControlResponse
  ) throws(ControlError) -> ControlResponse {
    try access.withLock { _ throws(ControlError) in try body() }
  }

  /// - Parameter claim: what is true of something that is there already.
  private func add(
    _ claim: String, _ edit: @escaping @Sendable (inout RunTimeChanges) throws(ConfigurationProblem) -> Void
  ) throws(ControlError) -> ChangeReport {
    try change { changes, agent throws(ControlError) in
      do throws(ConfigurationProblem) {
        try edit(&changes)
      } catch {
        throw ControlError(.refused, error.message)
      }
      guard let name = agent.nameInUse(by: changes.additions.last?.identity) else { return }
      throw ControlError(.exists, "a \(claim) \(name) already; delete that one first, or choose another")
    }
  }

  /// The name or the VNI, where something there has it.
  private func nameInUse(by identity: RunTimeChanges.Addition.Identity?) -> String? {
    switch identity {
    case .peer(let name): generation.slot(ofPeer: name).map { _ in name }
    case .segment(let text): UInt32(text).flatMap { VNI($0) }.flatMap { generation.slot(of: $0) }.map { _ in text }
    case nil: nil
    }
  }

  private func change(
    _ edit: @escaping @Sendable (inout RunTimeChanges, Agent) throws(ControlError) -> Void
  ) throws(ControlError) -> ChangeReport {
    try mainThread.perform { [self] () throws(ControlError) in
      var changes = runTimeChanges
      try edit(&changes, self)
      return try Self.answering { () throws(ReloadFailure) in try change(changes) }
    }
  }

  private func onMainThread(
    _ body: @escaping @Sendable (Agent) throws(ReloadFailure) -> [ConfigurationChange]
  ) throws(ControlError) -> ChangeReport {
    try mainThread.perform { [self] () throws(ControlError) in
      try Self.answering { () throws(ReloadFailure) in try body(self) }
    }
  }

  private static func answering(
    _ body: () throws(ReloadFailure) -> [ConfigurationChange]
  ) throws(ControlError) -> ChangeReport {
    do {
      return ChangeReport(changes: try body())
    } catch {
      throw ControlError(error.kind == .refused ? .refused : .failed, error.description)
    }
  }
}
