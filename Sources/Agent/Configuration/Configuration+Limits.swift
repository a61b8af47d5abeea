import Forwarding
import VXLAN

extension Configuration {
  /// Our bounds on what a file may ask for. What a standard fixes stands with the thing itself.
  package enum Limits {
    /// A configuration with every table full is well below it.
    package static let fileByteCountMax = 4 << 20
    /// Each segment owns a TAP with a queue and a descriptor per worker.
    package static let segmentCountMax = 1_024
    /// A flooded frame is copied to each.
    package static let peerCountMax = 4_096
    /// In one segment; as many as its table takes by default.
    package static let staticEntryCountMax = 65_536
    /// The kernel is asked for each at every start and reload.
    package static let addressCountMax = 64
    /// Above it the nanoseconds between two frames are too few to count with.
    package static let stormLimitMax = StormBucket.perSecondMax
    /// 4 Mi entries: 26 bytes each, 109 MB of one table, and half as much again while addresses move.
    package static let fdbLimitMax = 1 << 22
    /// Each is a socket and a port that nothing else on the host can have.
    package static let sourcePortCountMax = 1_024
    /// Lanes 0...14 of the sealed format are workers.
    package static let workerCountMax = 15
    /// Stamps are seconds in 32 bits; a year is for ever enough.
    package static let ageingMax = Duration.seconds(365 * 86_400)
    /// Stamps have a resolution of one second.
    package static let ageingMin = Duration.seconds(1)
    /// A question takes a second or two; a day is for ever enough.
    package static let pathMTURaises = Duration.seconds(1)...Duration.seconds(86_400)
    /// `IFNAMSIZ` less the final zero.
    package static let deviceNameByteCountMax = 15
    /// A peer's name stands in tables, metrics and requests.
    package static let peerNameByteCountMax = 64
    /// LOGIN_NAME_MAX less the final zero.
    package static let userNameByteCountMax = 255
    /// `sun_path` less the final zero.
    package static let socketPathByteCountMax = 107
    /// The smallest to the largest size of an inner IP packet.
    package static let mtuRange = Overhead.overlayMTUMin...65_535
    /// The smallest MTU with which the kernel enables IPv6 on a device.
    /// - SeeAlso: RFC 8200, section 5.
    package static let mtuMinForIPv6 = 1_280
    /// More problems of one file are counted, not listed.
    package static let problemCountMax = 100
  }
}
