import Glibc
import LinuxIO
import Logging
import Synchronization
import VXLAN

/// What an agent before this one has left, or still has: descriptors, and the connection to it while it runs.
///
/// *Threads.* The main thread's.
package final class Predecessor: Sendable {
  /// What it had open.
  let descriptors: InheritedDescriptors
  /// What it had open, by name.
  let names: Set<DescriptorName>
  /// Names of devices that it has.
  private let tapNames: Set<String>
  /// Nil: it does not run any more, or there was none.
  private let client: TakeoverClient?
  /// It has ended, perhaps just now, and may hold for a moment what this one wants to open.
  private let isEnding: Bool
  private let frozenAt = Mutex<Instant?>(nil)

  /// How long one that was just killed holds what it had open, at most.
  private static let endTime = Duration.seconds(2)
  /// In microseconds.
  private static let retryPause: UInt32 = 20_000

  /// None, or one that has left descriptors with the service manager.
  package convenience init(descriptors: InheritedDescriptors = InheritedDescriptors()) {
    self.init(descriptors: descriptors, isEnding: false)
  }

  private init(descriptors: InheritedDescriptors, isEnding: Bool) {
    self.descriptors = descriptors
    self.isEnding = isEnding
    (client, tapNames, names) = (nil, descriptors.tapNames(), descriptors.names)
  }

  private init(descriptors: InheritedDescriptors, client: TakeoverClient) {
    self.descriptors = descriptors
    self.client = client
    isEnding = false
    (tapNames, names) = (descriptors.tapNames(), descriptors.names)
  }

  /// The agent that runs with this control socket, or what the service manager has kept of one that did.
  /// - Parameter kept: used when none runs.
  package static func find(
    controlSocket path: String, orElse kept: InheritedDescriptors
  ) throws(AgentError) -> Predecessor {
    let deadline = ContinuousClock.now + endTime
    while true {
      let descriptors = InheritedDescriptors()
      do {
        if let client = try TakeoverClient.connect(besideControlSocket: path, into: descriptors) {
          return Predecessor(descriptors: descriptors, client: client)
        }
      } catch {
        throw AgentError(.failed, "cannot take over from the agent on \(path), which goes on: \(error)")
      }
      // One that starts or ends at this moment has the one socket without the other.
      guard UnixAddress.hasListener(at: path), ContinuousClock.now < deadline else { break }
      usleep(retryPause)
    }
    return Predecessor(descriptors: kept, isEnding: true)
  }

  /// Opens what one that is just ending may still hold.
  func patiently<Value>(_ open: () throws(Errno) -> Value) throws(Errno) -> Value {
    let deadline = ContinuousClock.now + Self.endTime
    while true {
      do throws(Errno) {
        return try open()
      } catch {
        guard isEnding, [EADDRINUSE, EBUSY].contains(error.number), ContinuousClock.now < deadline else { throw error }
        usleep(Self.retryPause)
      }
    }
  }

  /// Still runs, and has what this one wants until `takeOver`.
  var isRunning: Bool { client != nil }

  /// Whether it has a device of this name, or the service manager for it, which cannot be made before they let go.
  func has(tap name: String) -> Bool { tapNames.contains(name) }

  /// Has it stop and takes what it leaves. From the return on it does nothing more; it ends after `finish`. Nil when
  /// there was none, or it has ended meanwhile without leaving anything.
  /// - Parameter entries: called with each part of its tables.
  func takeOver(entries: (CarriedState, [CarriedEntry]) -> Void) throws(AgentError) -> CarriedState? {
    guard let client else { return nil }
    frozenAt.withLock { $0 = Instant(nanoseconds: Clock.now()) }
    do {
      let state = try client.freeze(entries: entries)
      try client.take()
      return state
    } catch {
      throw AgentError(.failed, "cannot take over from the running agent, which goes on: \(error)")
    }
  }

  /// For how long nobody reads: since it was told to stop. Nil before.
  var pause: Duration? { frozenAt.withLock { $0.map { Instant(nanoseconds: Clock.now()).since($0) } } }

  /// Nobody asks at its control socket any more.
  func finish() { client?.finish() }

  /// Closes what was of no use, and tells of it.
  func closeRest(_ log: Logger) {
    for misfit in descriptors.takeMisfits() {
      log.notice("an inherited descriptor does not fit and is made anew", metadata: ["reason": "\(misfit)"])
    }
    let rest = descriptors.closeAll().map(\.description).sorted()
    if !rest.isEmpty {
      log.notice("inherited descriptors that nothing is configured for", metadata: ["closed": "\(rest.count)"])
    }
  }
}
