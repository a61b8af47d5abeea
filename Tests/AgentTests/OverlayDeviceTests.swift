import Testing
import VXLAN

@testable import Agent

@Suite("OverlayDevice")
struct OverlayDeviceTests {
  @Test(
    "a superframe has as many segments as one send takes, whatever is added to each",
    arguments: [
      (linkMTU: 1450, tag: Overhead.SealingTag?.none), (1430, nil), (1426, .bytes16), (1410, .bytes32),
      (8926, .bytes16),
    ])
  func superframes(linkMTU: Int, tag: Overhead.SealingTag?) {
    let overhead = Overhead(family: .ipv4, sealingTag: tag)
    let byteCountMax = OverlayDevice.gsoByteCountMax(linkMTU: linkMTU, overhead: overhead)
    let datagramByteCount = linkMTU + overhead.byteCount - 28
    // TCP with timestamps keeps 320 bytes of the limit for headers, and cuts to whole segments.
    let segmentCount = (byteCountMax - 320) / (linkMTU - 52)
    #expect(segmentCount == 65_507 / datagramByteCount)
    #expect(segmentCount * datagramByteCount <= 65_507)
  }
}
