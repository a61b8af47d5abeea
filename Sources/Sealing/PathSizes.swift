import VXLAN

/// Which sizes of IP packets are worth asking a path for. All of them in bytes, the outer IP header included.
enum PathSizes {
  /// What is asked for first when more does not pass: what every IPv6 link takes, and almost every path of IPv4.
  static let first = 1_280

  /// What links and tunnels take, in order: IPv6's least, tunnels over 1500 (WireGuard 1420, VXLAN 1450, GCP 1460, GRE
  /// 1476, IP in IP 1480, PPPoE 1492), Ethernet, FDDI, and jumbo frames of clouds and their tunnels.
  /// - SeeAlso: RFC 8899, section 5.3.2.
  private static let common = [
    576, 1_006, first, 1_300, 1_340, 1_360, 1_380, 1_400, 1_420, 1_436, 1_450, 1_460, 1_476, 1_480, 1_492, 1_500, 2_002,
    4_000, 4_352, 8_000, 8_500, 8_896, 8_926, 8_950, 8_996, 9_000, 9_001, 9_100, 9_216,
  ]

  /// What is taken to pass without being asked for. IPv6: what every link of it must take. IPv4: what every host must
  /// take; links are only bound to 68, where no tunnel would be left.
  /// - SeeAlso: RFC 8200, section 5; RFC 1122, section 3.3.2.
  static func floor(_ family: AddressFamily) -> Int {
    switch family {
    case .ipv4: 576
    case .ipv6: 1_280
    }
  }

  static func isCommon(_ byteCount: Int) -> Bool { common.contains(byteCount) }

  /// The size to ask for when `passed` passes and `failed` does not; nil when nothing lies between.
  ///
  /// Nearer to `passed`: an answer comes after a round trip, and only after more than a second is it clear that none
  /// does. Common sizes come first; between two of them it is mostly the lower one and nothing more.
  static func next(above passed: Int, below failed: Int) -> Int? {
    guard failed - passed > 1 else { return nil }
    if passed < first, first < failed { return first }
    let between = common.filter { $0 > passed && $0 < failed }
    if !between.isEmpty { return between[(between.count - 1) / 4] }
    return common.contains(passed) ? passed + 1 : passed + max(1, (failed - passed) / 4)
  }
}
