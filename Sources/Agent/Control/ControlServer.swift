import Dispatch
import Glibc
import LinuxIO
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// HTTP/1.1 with JSON on a Unix socket: the agent's control socket.
///
/// It has one event loop thread of its own and calls its handler on a serial queue of its own, so that nothing here
/// can delay a worker, and a slow handler delays neither `accept` nor the limits of other clients.
///
/// Does not do: TLS, TCP, streaming.
package final class ControlServer: Sendable {
  /// Answers one request. Called off the event loop, one call at a time.
  package typealias Handler = @Sendable (ControlRequest) -> ControlResponse

  package let path: String

  /// Where it was bound; not `path` until it takes its place there.
  private let socketPath: ControlSocketPath
  private let identity: FileIdentity?
  private let group: MultiThreadedEventLoopGroup
  private let responder: ControlResponder
  private let isStopped = Mutex(false)

  private init(
    _ path: String, _ socketPath: ControlSocketPath, identity: FileIdentity?, group: MultiThreadedEventLoopGroup,
    responder: ControlResponder
  ) {
    self.path = path
    self.socketPath = socketPath
    self.identity = identity
    self.group = group
    self.responder = responder
  }

  deinit { stop() }

  /// Listens on `path` with mode 0660 and answers until `stop`. Blocks; not for an event loop's thread.
  ///
  /// A missing parent directory is made (0755). A socket file on which nobody listens is replaced. One on which
  /// somebody does is left to it when `isReplacing`, until `takePlace`.
  /// - Throws: `socket-path`, `socket-in-use` or `socket-failed`; nothing stays behind then.
  package static func start(
    path: String, limits: ControlLimits = ControlLimits(), isReplacing: Bool = false, handler: @escaping Handler
  ) throws(ControlError) -> ControlServer {
    let socketPath = try ControlSocketPath(isReplacing ? path + ControlSocketPath.nextSuffix : path)
    try socketPath.createParentDirectory()
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let responder = ControlResponder(limits: limits, handler: handler)
    do {
      try removeStale(socketPath, group: group)
      try listen(on: socketPath, as: ControlSocketPath(path), group: group, limits: limits, responder: responder)
      return ControlServer(
        path, socketPath, identity: try socketPath.existing(), group: group, responder: responder)
    } catch {
      shutDown(group)
      throw error
    }
  }

  /// Stands at its path from now on, in the place of whoever did, without a moment in which nobody does.
  package func takePlace() throws(ControlError) {
    guard socketPath.text != path else { return }
    guard rename(socketPath.text, path) == 0 else {
      throw ControlError(.socketFailed, "cannot put the control socket at \(path): \(Errno.current("rename"))")
    }
  }

  /// Removes the socket file, closes every connection and ends the threads. A second call does nothing.
  ///
  /// Returns within 1 s, also while the handler is still at work; its answer is then thrown away.
  package func stop() {
    let isFirst = isStopped.withLock { stopped in
      defer { stopped = true }
      return !stopped
    }
    guard isFirst else { return }
    // Only the file that this server made: another agent may have taken the path since.
    for path in Set([path, socketPath.text]) {
      if let current = try? ControlSocketPath(path).existing(), current == identity { _ = unlink(path) }
    }
    responder.close()
    Self.shutDown(group)
  }

  /// Ends the event loop with its connections, or stops waiting for that in time.
  static func shutDown(_ group: MultiThreadedEventLoopGroup) {
    let done = DispatchSemaphore(value: 0)
    group.shutdownGracefully(queue: DispatchQueue(label: "vtep.control.stop")) { _ in done.signal() }
    _ = done.wait(timeout: .now() + .nanoseconds(Int(ControlLimits.stopTime / .nanoseconds(1))))
  }

  private static func removeStale(
    _ path: ControlSocketPath, group: MultiThreadedEventLoopGroup
  ) throws(ControlError) {
    guard try path.existing() != nil else { return }
    do {
      let channel = try ClientBootstrap(group: group).connectTimeout(.seconds(1)).connect(to: path.address).wait()
      channel.close(promise: nil)
    } catch let error as IOError where error.errnoCode == ECONNREFUSED || error.errnoCode == ENOENT {
      return try path.remove()
    } catch {
      throw ControlError(.socketFailed, "cannot tell whether an agent listens on \(path.text): \(error)")
    }
    throw ControlError(.socketInUse, "another agent listens on \(path.text); stop it or name another socket")
  }

  private static func mayAsk(_ channel: any Channel, at path: ControlSocketPath) throws -> Bool {
    let peer = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
      try PeerCredentials(of: $0)
    }
    // The group of the file as it is now, so that a chgrp by the administrator is honoured as its mode is.
    guard let peer, let file = try path.existing() else { return false }
    return ControlAccess(uid: geteuid(), gid: file.gid).admits(peer)
  }

  private static func listen(
    on path: ControlSocketPath, as final: ControlSocketPath, group: MultiThreadedEventLoopGroup,
    limits: ControlLimits, responder: ControlResponder
  ) throws(ControlError) {
    let acceptor = ControlAcceptor(limits: limits, responder: responder) { try mayAsk($0, at: final) }
    // Bound here and not by NIO, which would remove whatever stands at the path when it closes the socket.
    let descriptor = try path.listen()
    do {
      _ = try acceptor.bootstrap(on: group).withBoundSocket(descriptor).wait()
    } catch {
      // Whether NIO closed the descriptor already cannot be told; at a start that fails, one more does no harm.
      try path.remove()
      throw ControlError(.socketFailed, "cannot listen on \(path.text): \(error)")
    }
  }
}
