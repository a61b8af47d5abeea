import TestKit
import Testing

@testable import Dataplane

@Suite("Slots")
struct SlotPlanTests {
  private func slots(_ elements: [String?]) -> Slots<String> {
    var slots = Slots<String>()
    for (slot, element) in elements.enumerated() where element != nil { slots[slot] = element ?? "" }
    return slots
  }

  @Test("a collection of what is there: vacant slots are passed over, and the last one ends it")
  func collection() {
    var slots = slots([nil, "b", nil, "d"])
    #expect(Array(slots) == ["b", "d"] && Array(slots.indices) == [1, 3])
    #expect(slots.startIndex == 1 && slots.endIndex == 4 && slots.count == 2)
    #expect(slots.firstIndex(of: "d") == 3 && slots.element(at: 0) == nil && slots.element(at: 4) == nil)
    #expect(slots.isOccupied(1) && !slots.isOccupied(2) && !slots.isOccupied(-1))
    slots.vacate(3)
    #expect(slots.endIndex == 2 && Array(slots) == ["b"])
    slots.vacate(9)
    slots.vacate(1)
    #expect(slots.isEmpty && slots.endIndex == 0 && slots == Slots())
  }

  @Test("what stays keeps its slot, what is new gets the first that was free, what has left vacates its own")
  func plan() throws {
    let plan = try #require(
      SlotPlan(inUse: slots(["a", nil, "c", "d"]), wanted: ["e", "d", "a", "f"], slotCount: 8))
    #expect(plan.slots == ["a": 0, "d": 3, "e": 1, "f": 4])
    #expect(plan.kept == [0, 3] && plan.fresh == [1, 4] && plan.vacated == [2])
  }

  @Test("what is replaced leaves its slot and gets another; a busy slot is given to nobody")
  func replacing() throws {
    let plan = try #require(
      SlotPlan(inUse: slots(["a", "b"]), wanted: ["a", "b"], replacing: ["a"], busy: [2], slotCount: 8))
    #expect(plan.slots == ["a": 3, "b": 1] && plan.vacated == [0] && plan.fresh == [3])
  }

  @Test("as many as there are slots find one, and one more has no plan")
  func bounds() {
    #expect(SlotPlan(inUse: slots(["a"]), wanted: ["a", "b"], slotCount: 2) != nil)
    #expect(SlotPlan(inUse: slots(["a"]), wanted: ["a", "b"], slotCount: 1) == nil)
    #expect(SlotPlan(inUse: slots(["a"]), wanted: ["b"], slotCount: 1) == nil)
    #expect(SlotPlan(inUse: slots([nil]), wanted: ["b"], busy: [0], slotCount: 1) == nil)
  }

  @Test("over many changes no two things share a slot, and what stays never moves")
  func manyChanges() throws {
    var generator = SeededGenerator(seed: TestSeed.next("slot plans"))
    var inUse = Slots<Int>()
    for _ in 0..<500 {
      let wanted = (0..<40).filter { _ in generator.isOne(in: 2) }.shuffled(using: &generator)
      let replaced = Set(wanted.filter { _ in generator.isOne(in: 10) })
      let busy = Set((0..<60).filter { _ in generator.isOne(in: 8) }).subtracting(inUse.indices)
      let plan = try #require(
        SlotPlan(inUse: inUse, wanted: wanted, replacing: replaced, busy: busy, slotCount: 100))
      #expect(Set(plan.slots.values).count == wanted.count && busy.isDisjoint(with: plan.slots.values))
      for slot in inUse.indices {
        let stays = wanted.contains(inUse[slot]) && !replaced.contains(inUse[slot])
        #expect(stays == (plan.slots[inUse[slot]] == slot) && stays == plan.kept.contains(slot))
        #expect(stays != plan.vacated.contains(slot) && !plan.fresh.contains(slot))
      }
      inUse = Slots()
      for (key, slot) in plan.slots { inUse[slot] = key }
    }
  }
}
