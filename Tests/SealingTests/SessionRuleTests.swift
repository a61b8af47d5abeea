import TestKit
import Testing
import VXLAN

@testable import Sealing

@Suite("Bookkeeping of sessions")
struct SessionRuleTests {
  private let start = Instant(nanoseconds: 1_000_000_000)

  @Test("retries wait 1, 2, 4, 5, 5… seconds, 20 % more or less, and not always the same")
  func retries() {
    var entropy: any Entropy = SeededEntropy(seed: 1)
    for (number, seconds) in [(1, 1.0), (2, 2), (3, 4), (4, 5), (5, 5), (100, 5)] {
      let delays = (0..<500).map { _ in Double(RetrySchedule.delay(after: number, &entropy).nanosecondCount) / 1e9 }
      #expect(delays.allSatisfy { $0 >= seconds * 0.8 && $0 <= seconds * 1.2 })
      #expect((delays.min() ?? 0) < seconds * 0.85 && (delays.max() ?? 0) > seconds * 1.15)
    }
  }

  @Test("an index is unique, and free again 360 s after its release, not before")
  func indexes() throws {
    let owner = PrivateKey(SecretBytes(byteCount: 32)).publicKey
    // A source of the same number twice, then another.
    var entropy: any Entropy = ListedEntropy(words: [7, 7, 8, 7, 9, 7])
    var indexes = SessionIndexes()
    #expect(indexes.take(for: owner, from: &entropy, now: start) == 7)
    #expect(indexes.take(for: owner, from: &entropy, now: start) == 8)
    #expect(indexes.owner(of: 7) == owner && indexes.owner(of: 9) == nil)
    indexes.release(7, now: start)
    #expect(indexes.owner(of: 7) == nil && indexes.takenCount == 2)
    #expect(indexes.take(for: owner, from: &entropy, now: start + .seconds(359)) == 9)
    #expect(indexes.take(for: owner, from: &entropy, now: start + .seconds(360)) == 7)
  }

  @Test("an index has 20 bits; when none is found there is none")
  func indexRange() {
    let owner = PrivateKey(SecretBytes(byteCount: 32)).publicKey
    var entropy: any Entropy = ListedEntropy(words: [.max] + [UInt64](repeating: 0xF_FFFF, count: 64))
    var indexes = SessionIndexes()
    #expect(indexes.take(for: owner, from: &entropy, now: start) == 0xF_FFFF)
    #expect(indexes.take(for: owner, from: &entropy, now: start) == nil)
  }

  @Test("thousands of indexes go through rest without growing for ever")
  func indexChurn() throws {
    let owner = PrivateKey(SecretBytes(byteCount: 32)).publicKey
    var entropy: any Entropy = SeededEntropy(seed: 3)
    var indexes = SessionIndexes()
    var now = start
    for _ in 0..<5_000 {
      let index = try #require(indexes.take(for: owner, from: &entropy, now: now))
      indexes.release(index, now: now)
      now = now + .seconds(1)
      #expect(indexes.takenCount <= 361)
    }
  }

  @Test("an initiation is answered when its counter is above the highest answered of its process")
  func counters() {
    var boots = BootHistory()
    #expect(boots.mayAnswer(bootID: 1, counter: 5))
    boots.noteAnswered(bootID: 1, counter: 5)
    #expect(!boots.mayAnswer(bootID: 1, counter: 5) && !boots.mayAnswer(bootID: 1, counter: 4))
    #expect(boots.mayAnswer(bootID: 1, counter: 6) && boots.mayAnswer(bootID: 2, counter: 1))
    boots.noteProven(bootID: 1)
    for bootID in UInt64(2)...33 { boots.noteAnswered(bootID: bootID, counter: 9) }
    #expect(!boots.mayAnswer(bootID: 1, counter: 5), "a proven process is not forgotten")
    #expect(boots.mayAnswer(bootID: 2, counter: 9), "of 33, the oldest that proved nothing is")
    for bootID in UInt64(3)...33 { #expect(!boots.mayAnswer(bootID: bootID, counter: 9)) }
    #expect(boots.answered.count == 32)
  }

  @Test("a process that proves a session again is not one of the past")
  func rehabilitated() {
    var boots = BootHistory()
    for bootID: UInt64 in [1, 2, 1] { boots.noteProven(bootID: bootID) }
    #expect(boots.mayAnswer(bootID: 1, counter: 1) && !boots.mayAnswer(bootID: 2, counter: 1))
  }

  @Test("the last 16 superseded processes are refused, an unproven one supersedes nobody")
  func superseded() {
    var boots = BootHistory()
    boots.noteProven(bootID: 1)
    boots.noteAnswered(bootID: 2, counter: 1)
    #expect(boots.mayAnswer(bootID: 1, counter: 100))
    for bootID in UInt64(2)...17 { boots.noteProven(bootID: bootID) }
    for bootID in UInt64(1)...16 { #expect(!boots.mayAnswer(bootID: bootID, counter: .max)) }
    #expect(boots.mayAnswer(bootID: 17, counter: 1))
    boots.noteProven(bootID: 18)
    #expect(boots.mayAnswer(bootID: 1, counter: 1), "the seventeenth is forgotten")
    #expect(!boots.mayAnswer(bootID: 2, counter: .max) && !boots.mayAnswer(bootID: 17, counter: .max))
    boots.noteProven(bootID: 18)
    #expect(boots.superseded.count == 16 && !boots.superseded.contains(18))
  }

  @Test("marks tell since when frames are unanswered, and since when it is silent")
  func marks() {
    var marks = TrafficMarks(counting: .init(sent: 0, received: 0, receivedControl: 0))
    marks.sample(.init(sent: 0, received: 1, receivedControl: 0), now: start)
    marks.sample(.init(sent: 0, received: 2, receivedControl: 0), now: start + .seconds(1))
    #expect(marks.unansweredSince == start && marks.silentSince == nil)
    marks.sample(.init(sent: 1, received: 2, receivedControl: 0), now: start + .seconds(2))
    #expect(marks.unansweredSince == nil && marks.silentSince == start + .seconds(2))
    marks.sample(.init(sent: 2, received: 2, receivedControl: 0), now: start + .seconds(3))
    #expect(marks.silentSince == start + .seconds(2))
    marks.sample(.init(sent: 2, received: 2, receivedControl: 1), now: start + .seconds(4))
    #expect(marks.silentSince == nil && marks.unansweredSince == nil, "control ends silence, and wants no answer")
    marks.rebase(.init(sent: 0, received: 0, receivedControl: 0))
    marks.sample(.init(sent: 0, received: 0, receivedControl: 0), now: start + .seconds(5))
    #expect(marks.silentSince == nil && marks.unansweredSince == nil, "other keys are no traffic")
  }

  /// Words in a given order.
  private struct ListedEntropy: Entropy {
    var words: [UInt64]

    mutating func fill(_ bytes: UnsafeMutableRawBufferPointer) {
      let word = words.removeFirst()
      withUnsafeBytes(of: word) { bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<bytes.count])) }
    }
  }
}
