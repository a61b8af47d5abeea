@testable import Sealing

/// Tests hold bytes in arrays.
extension PublicKey {
  init?(_ bytes: [UInt8]) {
    self.init(bytes.span)
  }
}

extension SealedHeader {
  init?(_ bytes: [UInt8]) {
    self.init(parsing: bytes.span)
  }
}

extension HandshakeMessage {
  init?(_ bytes: [UInt8]) {
    self.init(parsing: bytes.span)
  }
}

extension InitiationPayload {
  init?(_ bytes: [UInt8]) {
    self.init(parsing: bytes.span)
  }
}

extension ResponsePayload {
  init?(_ bytes: [UInt8]) {
    self.init(parsing: bytes.span)
  }
}

extension ControlMessage {
  init?(_ bytes: [UInt8]) {
    self.init(parsing: bytes.span)
  }
}
