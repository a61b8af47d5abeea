import Sealing
import VXLAN

extension SessionPeer {
  /// The smallest packet that a path is ever asked about.
  private static let pathMTUMin = 128

  /// With what the state of another agent says of it, where that is of use.
  func remembered(by state: CarriedState?) -> SessionPeer {
    let known = state?.peers.first { $0.name == name && $0.publicKey == publicKey.base64 }
    guard let known, (Self.pathMTUMin...Overhead.underlayMTUMax).contains(known.pathMTU) else { return self }
    var peer = self
    let present = known.presentEndpoint.flatMap { $0.address.family == endpoint.address.family ? $0 : nil }
    peer.formerly = (present, known.pathMTU)
    return peer
  }
}
