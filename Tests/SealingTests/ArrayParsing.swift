@testable import Sealing

/// Tests hold bytes in arrays.
extension PublicKey {
  init?(_ bytes: [UInt8]) {
    self.init(bytes.span)
  }
}
