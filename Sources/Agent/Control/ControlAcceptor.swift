import Glibc
import LinuxIO
import NIOCore
import NIOHTTP1
import Synchronization

/// Decides about each new connection and sets up the pipeline of those that may stay.
final class ControlAcceptor: Sendable {
  private struct TooManyClients: Error {}

  private let path: ControlSocketPath
  private let limits: ControlLimits
  private let responder: ControlResponder
  private let clientCount = Mutex(0)

  init(path: ControlSocketPath, limits: ControlLimits, responder: ControlResponder) {
    self.path = path
    self.limits = limits
    self.responder = responder
  }

  /// Called on the event loop before the connection becomes active. A failed future closes it.
  func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
    guard admit() else { return channel.eventLoop.makeFailedFuture(TooManyClients()) }
    channel.closeFuture.whenComplete { _ in self.clientCount.withLock { $0 -= 1 } }
    return channel.eventLoop.makeCompletedFuture {
      let mayAsk = try self.mayAsk(channel)
      let budget = RequestBudget(byteCountMax: self.limits.requestByteCountMax)
      let connection = ControlConnection(
        budget: budget, limits: self.limits, responder: self.responder, mayAsk: mayAsk)
      let pipeline = channel.pipeline.syncOperations
      try pipeline.addHandler(budget)
      try pipeline.addHandler(HTTPResponseEncoder())
      try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
      try pipeline.addHandler(connection)
    }
  }

  private func admit() -> Bool {
    clientCount.withLock { count in
      guard count < limits.clientCountMax else { return false }
      count += 1
      return true
    }
  }

  private func mayAsk(_ channel: any Channel) throws -> Bool {
    let peer = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
      try PeerCredentials(of: $0)
    }
    // The group of the file as it is now, so that a chgrp by the administrator is honoured as its mode is.
    guard let peer, let file = try path.existing() else { return false }
    return ControlAccess(uid: geteuid(), gid: file.gid).admits(peer)
  }
}
