import Testing

@testable import Dataplane

@Suite("SpinPolicy")
struct SpinPolicyTests {
  /// One turn of a worker that has nothing to do: spins until nothing has come for so long, then sleeps until something
  /// comes. Answers whether it spun.
  private func turn(_ policy: inout SpinPolicy, somethingComesAfter idle: UInt64) -> Bool {
    var hasSpun = false
    var now: UInt64 = 0
    while now < idle, policy.looksAgain(idle: now, isLittle: true) {
      hasSpun = true
      now += 1_000
    }
    policy.noteWork()
    return hasSpun
  }

  @Test("it spins as long as answers come within a spin")
  func helps() {
    var policy = SpinPolicy()
    for _ in 0..<1_000 { #expect(turn(&policy, somethingComesAfter: SpinPolicy.nanoseconds / 2)) }
  }

  @Test("a spin ends after its time")
  func ends() {
    var policy = SpinPolicy()
    let first = policy.looksAgain(idle: SpinPolicy.nanoseconds - 1, isLittle: true)
    let second = policy.looksAgain(idle: SpinPolicy.nanoseconds, isLittle: true)
    #expect(first && !second)
  }

  @Test("amid a bulk it sleeps at once")
  func bulk() {
    var policy = SpinPolicy()
    let looksAgain = policy.looksAgain(idle: 0, isLittle: false)
    #expect(!looksAgain)
  }

  @Test("spins in vain become rare: of 1,000 turns of which none helps, 23 spin")
  func rare() {
    var policy = SpinPolicy()
    let spun = (0..<1_000).filter { _ in turn(&policy, somethingComesAfter: 10 * SpinPolicy.nanoseconds) }
    #expect(Array(spun.prefix(10)) == [0, 1, 2, 3, 5, 9, 17, 33, 65, 129])
    #expect(spun.count == 23)
  }

  @Test("one that helps brings them back")
  func back() {
    var policy = SpinPolicy()
    for _ in 0..<1_000 { _ = turn(&policy, somethingComesAfter: 10 * SpinPolicy.nanoseconds) }
    var turnCount = 0
    while !turn(&policy, somethingComesAfter: 1_000) { turnCount += 1 }
    #expect(turnCount <= 64)
    for _ in 0..<100 { #expect(turn(&policy, somethingComesAfter: 1_000)) }
  }
}
