import Glibc
import Testing

@testable import LinuxIO

@Suite("DescriptorLimit")
struct DescriptorLimitTests {
  @Test("raising makes the soft limit the hard one, and a second time changes nothing")
  func raise() throws {
    for _ in 0..<2 {
      try DescriptorLimit.raise()
      var limit = rlimit()
      #expect(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
      #expect(limit.rlim_cur == limit.rlim_max)
      #expect(DescriptorLimit.soft == UInt64(limit.rlim_max))
    }
  }
}
