import VXLAN

/// What a capture has of one VTEP, by its underlay address.
package struct PeerTally: Equatable, Sendable {
  package let address: IPAddress
  package var sentDatagramCount = 0
  package var sentByteCount = 0
  package var receivedDatagramCount = 0
  package var receivedByteCount = 0

  init(address: IPAddress) { self.address = address }
}

extension PeerTally: Encodable {
  private enum CodingKeys: String, CodingKey {
    case address
    case sent = "tx-datagrams"
    case sentBytes = "tx-bytes"
    case received = "rx-datagrams"
    case receivedBytes = "rx-bytes"
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(address.description, forKey: .address)
    try container.encode(sentDatagramCount, forKey: .sent)
    try container.encode(sentByteCount, forKey: .sentBytes)
    try container.encode(receivedDatagramCount, forKey: .received)
    try container.encode(receivedByteCount, forKey: .receivedBytes)
  }
}
