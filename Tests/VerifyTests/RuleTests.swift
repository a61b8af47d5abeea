import Testing
import Verify

@Suite struct RuleTests {
  @Test func `The rules have the names and severities of the contract`() {
    let errors = """
      outer-length outer-ipv4-checksum outer-udp-checksum outer-fragment header-short no-vni-flag reserved-bits \
      inner-short inner-source oversize plain-on-sealed-port sealed-on-plain-port sealed-framing control-with-vni \
      nonce-reused authentication clear-traffic unknown-vni
      """
    let warnings = "source-port-range df-clear flow-port-unstable vlan-tag duplicate mac-moved"
    #expect(Rule.allCases.filter { $0.severity == .error }.map(\.name).joined(separator: " ") == errors)
    #expect(Rule.allCases.filter { $0.severity == .warning }.map(\.name).joined(separator: " ") == warnings)
  }
}
