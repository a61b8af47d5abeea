import VXLAN

/// What a capture has of one segment.
package struct SegmentTally: Equatable, Sendable {
  package let vni: VNI
  package var plainFrameCount = 0
  package var sealedFrameCount = 0
  /// Inner frames, their Ethernet header included; of sealed ones what the ciphertext has.
  package var byteCount = 0
  package var findingCount = 0

  init(vni: VNI) { self.vni = vni }
}

extension SegmentTally: Encodable {
  private enum CodingKeys: String, CodingKey {
    case vni, bytes, findings
    case plainFrames = "plain-frames"
    case sealedFrames = "sealed-frames"
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(vni.rawValue, forKey: .vni)
    try container.encode(plainFrameCount, forKey: .plainFrames)
    try container.encode(sealedFrameCount, forKey: .sealedFrames)
    try container.encode(byteCount, forKey: .bytes)
    try container.encode(findingCount, forKey: .findings)
  }
}
