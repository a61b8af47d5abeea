import LinuxIO
import Sealing
import VXLAN

/// What an engine needs for sealed segments: the sealed port, the keys, and who deals with the rest.
package struct SealedSide {
  package let port: any DatagramPort
  /// Shared by all workers, as the next three are.
  package let keyring: Keyring
  package let inbox: SealedInbox
  /// For handshakes to this agent.
  package fileprivate(set) var mac: HandshakeMAC
  package let waiting: WaitingBudget
  /// The worker's number; below `SealingKey.controlLane`.
  package let lane: UInt8

  package init(
    port: any DatagramPort, keyring: Keyring, inbox: SealedInbox, mac: HandshakeMAC, waiting: WaitingBudget, lane: UInt8
  ) {
    precondition(lane < SealingKey.controlLane)
    self.port = port
    self.keyring = keyring
    self.inbox = inbox
    self.mac = mac
    self.waiting = waiting
    self.lane = lane
  }
}

extension Engine {
  // COLD
  /// Handshakes to another own key are taken from now on, and none to the one before.
  package mutating func follow(handshakeMAC mac: HandshakeMAC) { sealed?.mac = mac }
}
