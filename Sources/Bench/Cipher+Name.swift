import Sealing

extension Cipher {
  /// As configurations and reports name it: its case.
  var name: String { "\(self)" }
}
