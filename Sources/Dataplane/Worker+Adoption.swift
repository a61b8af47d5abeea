import LinuxIO

extension Worker {
  /// A port of a worker, and what its poller waits for. The port is the worker's alone once it is adopted.
  package struct Queue<Port>: @unchecked Sendable {
    package let port: Port
    package let descriptor: Int32

    package init(_ port: Port, descriptor: Int32) {
      self.port = port
      self.descriptor = descriptor
    }
  }

  /// What a worker goes by from some moment on.
  ///
  /// *Threads.* Handed from one thread to another: the ports are used by the worker alone.
  package struct Adoption: Sendable {
    package let topology: Topology
    /// Of segments that are new, by slot.
    package var added: [Int: Queue<any FramePort>] = [:]
    /// Where the worker has none yet, and the first sealed segment or peer with keys comes.
    package var sealed: Queue<SealedSide>?

    package init(of topology: Topology) {
      self.topology = topology
    }
  }

  /// Waits for the new ports from now on, so that adopting them cannot fail. What comes meanwhile stays where it is.
  package func prepare(_ adoption: Adoption) throws(Errno) {
    do throws(Errno) {
      for (slot, queue) in adoption.added { try poller.add(queue.descriptor, token: Self.token(slot)) }
      if let sealed = adoption.sealed { try poller.add(sealed.descriptor, token: UInt64(Self.sealedToken)) }
    } catch {
      cancel(adoption)
      throw error
    }
  }

  /// Undoes `prepare`: the ports may be closed.
  package func cancel(_ adoption: Adoption) {
    for queue in adoption.added.values { poller.remove(queue.descriptor) }
    if let sealed = adoption.sealed { poller.remove(sealed.descriptor) }
  }

  /// Goes by another generation, from some moment between two batches on, for which everything was prepared. When the
  /// answer is there, ports of segments that have left may be closed.
  /// - Parameter seconds: for how long the answer can be waited for.
  package func adopt(_ adoption: Adoption, within seconds: Int = 60) -> Answer<Bool> {
    ask(within: seconds) { [self] engine in
      take(adoption, &engine)
      return true
    }
  }

  /// On the worker's thread.
  private func take(_ adoption: Adoption, _ engine: inout Engine) {
    let next = adoption.topology
    tapDescriptors.withLock { descriptors in
      for (slot, descriptor) in descriptors where !next.segments.isOccupied(slot) {
        poller.remove(descriptor)
        descriptors[slot] = nil
        clear(token: slot + Self.firstTAPToken)
      }
      for (slot, queue) in adoption.added { descriptors[slot] = queue.descriptor }
    }
    engine.adopt(next, framePorts: adoption.added.mapValues(\.port), sealed: adoption.sealed?.port)
    // Of what is prepared and not adopted yet: its poller tells again.
    for slot in next.segments.endIndex..<max(next.segments.endIndex, segmentEnd) {
      clear(token: slot + Self.firstTAPToken)
    }
    segmentEnd = next.segments.endIndex
  }

  private func clear(token: Int) {
    guard isReady[token] else { return }
    isReady[token] = false
    readyCount -= 1
  }
}
