import CAllocationCount
import Sealing
import Testing

/// Opening a capture with a key log allocates nothing for a datagram, whichever key it takes, whatever becomes of it.
/// Keys and datagrams are those of docs/sealing-format.md.
@Suite("Opening with a key log, in steady state")
struct KeyRingAllocationTests {
  private static let roundCount = 100_000

  private static let log = """
    VTEP_TRANSPORT_KEY 12345 chacha20poly1305 \
    a403973e9df9edc9a19adc17c89be1ce9165439f69cd3c291848fa87f04244c6 2026-01-31T09:00:00Z -
    VTEP_TRANSPORT_KEY 12345 chacha20poly1305 \
    cf2cbf8818e3b740ea1a96b73c756453da9c58eed62fa857bf9d707bd41de47b 2026-01-31T09:00:00Z -
    VTEP_TRANSPORT_KEY abcde chacha20poly1305 \
    a403973e9df9edc9a19adc17c89be1ce9165439f69cd3c291848fa87f04244c6 2026-01-31T09:00:00Z -

    """

  private static let frame: [UInt64] = [
    0x0c00_00fe_0102_0300, 0x1123_4500_0000_0001, 0x34fd_af21_7252_dd0a, 0x04b2_6c1e_990c_c917, 0x41bd_3d62_d27b_a57b,
    0x911a_3189_309d_1982, 0xf144_c3aa_a443_ce04, 0xee28_891d_45f9_9827, 0x06bf_84ff_6f5e_423e, 0xbf61_17e8_9e5a_851a,
    0x82a9_302b_3b11_e153, 0xcb37_50b8_0000_0000,
  ]

  @Test("opens, refuses and passes over without one allocation")
  func steady() throws {
    let ring = try KeyRing(parsing: Array(Self.log.utf8), file: "keys")
    #expect(ring.keyCount == 3)
    let good = Self.frame.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) } }
      .dropLast(4)
    let datagrams = [
      Array(good), good.dropLast() + [0], good.prefix(9) + [0] + good.dropFirst(10), good.prefix(20) + [],
    ]
    let expected: [KeyRing.Verdict] = [.opened(byteCount: 60), .failed, .noKey, .framing]
    var plaintext = [UInt8](repeating: 0, count: 128)
    func round() -> Bool {
      plaintext.withUnsafeMutableBytes { plaintext in
        for index in datagrams.indices {
          let verdict = datagrams[index].withUnsafeBytes { datagram -> KeyRing.Verdict in
            guard let start = datagram.baseAddress, let room = plaintext.baseAddress else { return .framing }
            return ring.open(start, byteCount: datagram.count, into: room)
          }
          guard verdict == expected[index] else { return false }
        }
        return true
      }
    }
    #expect(round())
    let before = allocation_count()
    var count = 0
    while count < Self.roundCount, round() { count += 1 }
    let after = allocation_count()
    #expect(count == Self.roundCount && after == before)
  }
}
