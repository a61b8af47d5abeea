import Testing
import Verify

@Suite struct SeverityTests {
  @Test func `A severity is named as in the report`() {
    #expect([Severity.error, .warning].map(\.rawValue) == ["error", "warning"])
  }
}
