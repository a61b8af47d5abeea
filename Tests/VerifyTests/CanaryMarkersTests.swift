import Testing

@testable import Verify

struct CanaryMarkersTests {
  @Test(arguments: [0, 1, 700]) func `a marker is found wherever it lies`(offset: Int) {
    var markers = CanaryMarkers()
    _ = markers.next()
    let (number, marker) = markers.next()
    let bytes = [UInt8](repeating: marker[0], count: offset) + marker
    #expect(markers.find(in: bytes.span) == number)
    #expect(markers.find(in: bytes.span.extracting(0..<offset + 15)) == -1, "a part of one")
    #expect(markers.find(in: bytes.span.extracting(0..<offset + 7)) == nil)
  }

  @Test func `what fills a payload ends within a marker`() {
    var markers = CanaryMarkers()
    let (number, marker) = markers.next()
    let payload = CanaryMarkers.payload(marker, byteCount: 1_000)
    #expect(payload.count == 1_000 && markers.find(in: payload.span) == number)
    #expect(CanaryMarkers.payload(marker, byteCount: 1) == marker)
  }
}
