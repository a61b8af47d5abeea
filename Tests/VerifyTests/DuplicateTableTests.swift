import Testing

@testable import Verify

@Suite struct DuplicateTableTests {
  @Test func `The last datagram with a digest is found, until four more came to its bucket`() {
    var table = DuplicateTable(entryCountMax: 4)
    var found: [UInt32?] = []
    for (number, digest) in ([7, 7, 7, 1, 2, 3, 7, 1, 2, 3, 4, 7] as [UInt64]).enumerated() {
      found.append(table.insert(digest, packet: UInt32(number + 1), stamp: 0)?.packet)
    }
    #expect(found == [nil, 1, 2, nil, nil, nil, 3, 4, 5, 6, nil, nil])
  }

  @Test func `A digest of zero is one like any other`() {
    var table = DuplicateTable(entryCountMax: 64)
    let first = table.insert(0, packet: 1, stamp: 5)
    let second = table.insert(0, packet: 2, stamp: 6)
    #expect(first == nil && second?.packet == 1 && second?.stamp == 5)
  }
}
