import Testing

@testable import Bench

@Test func theMedianOfAnOddNumberIsTheMiddleOne() {
  #expect(Statistics.median([9, 1, 2]) == 2)
}

@Test func theMedianOfAnEvenNumberIsTheMeanOfTheTwoMiddleOnes() {
  #expect(Statistics.median([10, 1, 2, 4]) == 3)
}

@Test func nothingHasNoMedian() {
  #expect(Statistics.median([]) == nil)
}
