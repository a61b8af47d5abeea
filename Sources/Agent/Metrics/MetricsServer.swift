import Glibc
import NIOCore
import NIOPosix
import Synchronization
import VXLAN

/// HTTP/1.1 on a TCP port for those who watch the agent: whatever `handler` answers, to anybody who can reach the port.
///
/// It has a thread and a queue of its own, as the control socket has, so neither delays the other nor a worker.
///
/// Does not do: TLS, or asking who somebody is.
final class MetricsServer: Sendable {
  /// The port that the system chose, where none was named.
  let address: ListenAddress

  private let group: MultiThreadedEventLoopGroup
  private let responder: ControlResponder
  private let isStopped = Mutex(false)

  private init(_ address: ListenAddress, group: MultiThreadedEventLoopGroup, responder: ControlResponder) {
    self.address = address
    self.group = group
    self.responder = responder
  }

  deinit { stop() }

  /// Those of the listener: few clients, small requests, and a page must be fetched in as long as a scraper may wait.
  static var limits: ControlLimits {
    var limits = ControlLimits()
    limits.clientCountMax = 16
    limits.requestByteCountMax = 16_384
    limits.answerTime = .seconds(10)
    return limits
  }

  /// Listens and answers until `stop`. Blocks; not for an event loop's thread.
  /// - Throws: `socket-in-use` or `socket-failed`, with what is in the way.
  static func start(
    at address: ListenAddress, limits: ControlLimits = limits, handler: @escaping ControlServer.Handler
  ) throws(ControlError) -> MetricsServer {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let responder = ControlResponder(limits: limits, handler: handler)
    let acceptor = ControlAcceptor(limits: limits, responder: responder) { _ in true }
    do {
      let bootstrap = acceptor.bootstrap(on: group).serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      let channel = try bootstrap.bind(host: "\(address.address)", port: Int(address.tcpPort)).wait()
      let port = channel.localAddress?.port.flatMap { UInt16(exactly: $0) } ?? address.tcpPort
      return MetricsServer(
        ListenAddress(address: address.address, tcpPort: port), group: group, responder: responder)
    } catch {
      ControlServer.shutDown(group)
      throw explain(error, address)
    }
  }

  /// Closes every connection and ends the thread, within 1 s. A second call does nothing.
  func stop() {
    let isFirst = isStopped.withLock { stopped in
      defer { stopped = true }
      return !stopped
    }
    guard isFirst else { return }
    responder.close()
    ControlServer.shutDown(group)
  }

  private static func explain(_ error: any Error, _ address: ListenAddress) -> ControlError {
    let what = "control.metrics \(address)"
    switch (error as? IOError)?.errnoCode {
    case EADDRINUSE:
      return ControlError(.socketInUse, "\(what): the port is in use; stop who listens there or name another one")
    case EADDRNOTAVAIL:
      return ControlError(.socketFailed, "\(what): no device of this host has the address")
    case EACCES, EPERM:
      return ControlError(.socketFailed, "\(what): not permitted; name a port from 1024 on")
    default:
      return ControlError(.socketFailed, "\(what): cannot listen: \(error)")
    }
  }
}
