import Sealing
import TestKit
import VXLAN

/// What a simulated world is made of: hosts with one agent each, segments that some of them have, and stations behind
/// their TAPs.
package struct WorldPlan: Sendable {
  package struct Segment: Sendable {
    package var isSealed: Bool
    /// Hosts that have it, in order.
    package var hosts: [Int]
    package var stationsPerHost: Int
    package var ageingTime = Duration.seconds(300)
    package var fdbLimit = 65_536

    package init(isSealed: Bool, hosts: [Int], stationsPerHost: Int) {
      self.isSealed = isSealed
      self.hosts = hosts
      self.stationsPerHost = stationsPerHost
    }
  }

  package var hostCount: Int
  package var segments: [Segment]
  /// Of each agent.
  package var workerCount = 1
  package var cipher: Cipher
  /// One step of the world when something is under way.
  package var stepDuration = Duration.milliseconds(20)
  /// The same when nothing is.
  package var idleStepDuration = Duration.milliseconds(20)
  /// What a route of the underlay takes, in bytes of an IP packet.
  package var routeMTU = 1500
  package var seed: UInt64

  package init(hostCount: Int, segments: [Segment], seed: UInt64) {
    precondition(hostCount <= NonceLedger.hostCountMax)
    self.hostCount = hostCount
    self.segments = segments
    self.seed = seed
    cipher = Cipher.aes256gcm.isAvailable ? .aes256gcm : .chacha20poly1305
  }

  /// Segments that all hosts have, the plain ones first.
  package static func mesh(
    hostCount: Int, plain: Int, sealed: Int, stationsPerHost: Int, ageingTime: Duration, seed: UInt64
  ) -> WorldPlan {
    let segments = (0..<plain + sealed).map { number in
      var segment = Segment(
        isSealed: number >= plain, hosts: Array(0..<hostCount), stationsPerHost: stationsPerHost)
      segment.ageingTime = ageingTime
      // A small table is looked through in no time.
      segment.fdbLimit = 1000
      return segment
    }
    return WorldPlan(hostCount: hostCount, segments: segments, seed: seed)
  }

  static func vni(ofSegment segment: Int) -> VNI { VNI(unchecked: 1000 + UInt32(segment)) }
  static func segment(ofVNI vni: UInt32) -> Int { Int(vni) - 1000 }
  static func address(ofHost host: Int) -> IPAddress { IPAddress(ipv4: 0x0A00_0001 + UInt32(host)) }
  static func host(at address: IPAddress) -> Int { Int(address.low & 0xFFFF_FFFF) - 0x0A00_0001 }

  /// Of a host's TAP.
  static func mac(ofHost host: Int, segment: Int) -> MACAddress {
    MACAddress(rawValue: 0x02FF_0000_0000 | UInt64(segment) << 16 | UInt64(host))
  }

  static func mac(ofStation station: Int) -> MACAddress { MACAddress(rawValue: 0x0200_0000_0000 | UInt64(station)) }
}
