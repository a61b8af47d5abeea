import VXLAN

/// What a capture is judged by, beyond the capture itself.
package struct VerifyPlan: Equatable, Sendable {
  /// Of an Ethernet without jumbo frames.
  package static let underlayMTUDefault = 1500

  /// Where plain VXLAN is received.
  package var ports: [UInt16] = [Specification.vxlanUDPPort]
  /// Where sealed VXLAN is received.
  package var sealedPorts: [UInt16] = [4790]
  /// The segments that there are; empty: any.
  package var segments: Set<VNI> = []
  /// The segments that never go in clear.
  package var sealedSegments: Set<VNI> = []
  /// The largest inner IP packet, in bytes, of every segment; nil: what the underlay carries.
  package var mtu: Int?
  /// The largest outer IP packet, in bytes.
  package var underlayMTU = underlayMTUDefault

  package init() {}

  /// The largest UDP payload that the path carries whole.
  func payloadByteCountMax(isIPv4: Bool, isSealed: Bool) -> Int {
    let header = isIPv4 ? Specification.ipv4HeaderByteCount : Specification.ipv6HeaderByteCount
    let payload = underlayMTU - header - Specification.udpHeaderByteCount
    guard let mtu else { return payload }
    let overhead = isSealed ? SizeOfSealing.byteCountMin : VXLANHeader.byteCount
    return max(payload, mtu + EthernetHeader.byteCount + Specification.vlanTagByteCount + overhead)
  }

  /// The longest inner frame, its Ethernet header included.
  /// - Parameter overhead: what of the UDP payload is not frame.
  func frameByteCountMax(isIPv4: Bool, overhead: Int, isTagged: Bool) -> Int {
    if let mtu { return mtu + EthernetHeader.byteCount + (isTagged ? Specification.vlanTagByteCount : 0) }
    return payloadByteCountMax(isIPv4: isIPv4, isSealed: false) - overhead
  }
}
