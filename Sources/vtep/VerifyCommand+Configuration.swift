import Agent
import ArgumentParser
import VXLAN
import Verify

extension VerifyCommand {
  /// What the agent's configuration of `--config` says of the underlay; without it, the defaults.
  /// - Throws: `ExitCode` 78 after a message.
  func configuredPlan() throws -> VerifyPlan {
    var plan = VerifyPlan()
    guard let config else { return plan }
    let configuration: Configuration
    do {
      configuration = try Configuration.load(path: config)
    } catch {
      StandardErrorLogHandler.writeToStandardError(Array((error.description + "\n").utf8))
      throw ExitCode(78)
    }
    plan.ports = Self.distinct([configuration.local.udpPort] + configuration.peers.map(\.udpPort))
    plan.sealedPorts = Self.distinct([configuration.local.sealedUDPPort] + configuration.peers.map(\.sealedUDPPort))
    plan.segments = Set(configuration.segments.map(\.vni))
    plan.sealedSegments = Set(configuration.segments.filter(\.sealed).map(\.vni))
    plan.mtu = Self.largest(configuration.segments.map(\.mtu))
    return plan
  }

  private static func distinct(_ ports: [UInt16]) -> [UInt16] { Set(ports).sorted() }

  /// Nil where one is not fixed: what the underlay carries then.
  private static func largest(_ mtus: [Configuration.MTU]) -> Int? {
    var largest: Int?
    for mtu in mtus {
      guard case .fixed(let byteCount) = mtu else { return nil }
      largest = max(largest ?? 0, byteCount)
    }
    return largest
  }
}
