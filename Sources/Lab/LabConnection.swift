import LinuxIO
import VXLAN

/// A TCP connection from one host of the lab to another, both of whose ends this process holds.
package struct LabConnection: ~Copyable, Sendable {
  /// Connecting takes a round trip; so long is for a lost packet or two.
  private static let acceptTime = Duration.seconds(5)

  package let sender: TCPSocket
  package let receiver: TCPSocket

  private init(sender: consuming TCPSocket, receiver: consuming TCPSocket) {
    self.sender = sender
    self.receiver = receiver
  }

  /// Connects from the namespace `source` to the address `destination` of the namespace `sink`.
  /// - Parameter check: called at least every 50 ms meanwhile; what it throws ends it.
  package static func open(
    from source: borrowing NetworkNamespace, to destination: IPAddress, in sink: borrowing NetworkNamespace,
    check: () throws(LabFailure) -> Void
  ) throws(LabFailure) -> LabConnection {
    let listener = try LabFailure.step("listen on \(destination)") { () throws(Errno) in
      try sink.run { () throws(Errno) in try TCPSocket.listening(at: destination) }
    }
    let port = try LabFailure.step("listen on \(destination)") { () throws(Errno) in try listener.tcpPort() }
    let sender = try LabFailure.step("connect to \(destination)") { () throws(Errno) in
      try source.run { () throws(Errno) in try TCPSocket.calling(destination, tcpPort: port) }
    }
    let receiver = try accept(from: listener, check)
    return LabConnection(sender: sender, receiver: receiver)
  }

  private static func accept(
    from listener: borrowing TCPSocket, _ check: () throws(LabFailure) -> Void
  ) throws(LabFailure) -> TCPSocket {
    let deadline = ContinuousClock.now + acceptTime
    while ContinuousClock.now < deadline {
      try check()
      let caller = try LabFailure.step("accept") { () throws(Errno) in try listener.accept() }
      if let caller { return caller }
      listener.awaitInput(milliseconds: 20, orRoomIn: listener, wanted: false)
    }
    throw .step("no TCP connection within \(acceptTime)")
  }
}
