import VXLAN

/// What somebody named and the agent does not have, with the command that lists what it has.
extension ControlError {
  package static func unknown(_ vni: VNI) -> ControlError {
    ControlError(.unknownVNI, "no segment has VNI \(vni); `vtep segments` lists those there are")
  }

  package static func unknown(peer name: String) -> ControlError {
    ControlError(.unknownPeer, "no peer has the name \(name); `vtep peers` lists those there are")
  }

  package static func unknown(_ mac: MACAddress, vni: VNI) -> ControlError {
    ControlError(.unknownMAC, "segment \(vni) has no entry for \(mac); `vtep fdb` lists those there are")
  }
}
