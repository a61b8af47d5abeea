import Sealing
import Synchronization
import TestKit
import Testing
import VXLAN

@testable import Dataplane

@Suite("What waits for the thread of the sessions")
struct SealedInboxTests {
  private let source = Endpoint(address: peerAddress(0), udpPort: 4790)

  private func handshake() -> SealedInbox.Item { .handshake([1], from: source) }

  @Test("1,024 handshakes and 1,024 control messages are taken, and not one more of either")
  func bounds() {
    let inbox = SealedInbox {}
    let control = SealedInbox.Item.control([0], SealedHeader.Word(rawValue: 0), from: source)
    for _ in 0..<1024 { #expect(inbox.offer(handshake()) && inbox.offer(control)) }
    #expect(!inbox.offer(handshake()) && !inbox.offer(control))
    for _ in 0..<64 { #expect(inbox.offer(.unknownSession(from: source))) }
    #expect(!inbox.offer(.unknownSession(from: source)))
    #expect(inbox.take().items.count == 2 * 1024 + 64)
    #expect(inbox.offer(handshake()) && inbox.take().items.count == 1 && inbox.take().items.isEmpty)
  }

  @Test("32 cookie replies are taken beside them, and not one more, and they are no load")
  func cookies() {
    let inbox = SealedInbox {}
    for _ in 0..<32 { #expect(inbox.offer(handshake(), isCookie: true)) }
    #expect(!inbox.offer(handshake(), isCookie: true))
    for _ in 0..<128 { #expect(inbox.offer(handshake())) }
    let (items, isUnderLoad) = inbox.take()
    #expect(items.count == 160 && !isUnderLoad && inbox.offer(handshake(), isCookie: true))
  }

  @Test("the load begins above an eighth of the bound", arguments: [(128, false), (129, true)])
  func load(count: Int, isUnderLoad: Bool) {
    let inbox = SealedInbox {}
    for _ in 0..<count { #expect(inbox.offer(handshake())) }
    #expect(inbox.take().isUnderLoad == isUnderLoad)
  }

  @Test("the reader is woken once for all that comes before it takes")
  func wakes() {
    let count = Atomic(0)
    let box = Shared(count)
    let inbox = SealedInbox { box.count.wrappingAdd(1, ordering: .relaxed) }
    for _ in 0..<3 {
      for _ in 0..<10 { _ = inbox.offer(handshake()) }
      _ = inbox.take()
    }
    #expect(box.count.load(ordering: .relaxed) == 3)
  }

  private final class Shared: Sendable {
    let count: Atomic<Int>
    init(_ count: consuming Atomic<Int>) { self.count = count }
  }

  @Test("what the thread of the sessions judged is in the sums, and the identity holds")
  func counters() {
    let counters = SealedCounters()
    let sum = Counters(segmentCount: 1, peerCount: 1).snapshot()
    for _ in 0..<3 { counters.noteConsumed(bytes: 176) }
    counters.noteRefused(bytes: 104)
    let all = counters.added(to: sum)
    #expect(all.total(.framesIn, .underlay) == 4 && all.total(.consumed, .underlay) == 3)
    #expect(all.total(.handshake, .underlay) == 1 && all.imbalance(.underlay) == 0)
    #expect(all.total(.bytesIn, .underlay) == 3 * 176 + 104)
  }
}

@Suite("How much may wait for sessions")
struct WaitingBudgetTests {
  @Test("128 frames of one peer and not one more; what is given back may be taken again")
  func frames() {
    let budget = WaitingBudget(peerCount: 2)
    for _ in 0..<128 { #expect(budget.take(60, peer: 0)) }
    #expect(!budget.take(60, peer: 0) && budget.take(60, peer: 1))
    budget.give(60, peer: 0)
    #expect(budget.take(60, peer: 0) && !budget.take(60, peer: 0))
  }

  @Test("256 KiB of one peer and not one byte more")
  func bytes() {
    let budget = WaitingBudget(peerCount: 1)
    for _ in 0..<4 { #expect(budget.take(64 * 1024, peer: 0)) }
    #expect(!budget.take(1, peer: 0))
    budget.give(64 * 1024, peer: 0)
    #expect(!budget.take(64 * 1024 + 1, peer: 0) && budget.take(64 * 1024, peer: 0))
  }

  @Test("16 MiB in all and not one byte more, and a refusal takes nothing")
  func total() {
    let budget = WaitingBudget(peerCount: 1)
    #expect(!budget.hasAny)
    for _ in 0..<256 { #expect(budget.takeOfTotal(64 * 1024)) }
    for _ in 0..<1000 { #expect(!budget.takeOfTotal(14)) }
    budget.giveToTotal(64 * 1024)
    #expect(budget.takeOfTotal(64 * 1024) && !budget.takeOfTotal(1) && budget.hasAny)
    for _ in 0..<256 { budget.giveToTotal(64 * 1024) }
    #expect(!budget.hasAny)
  }
}
