import Dataplane
import Glibc
import Testing

@testable import Agent

@Suite("BrokenSegments")
struct BrokenSegmentsTests {
  private let failure = Worker.Failure(segment: 3, number: EBADFD)

  @Test("a failure is new once and broken until it is mended")
  func life() {
    let broken = BrokenSegments()
    broken.note(failure)
    broken.note(Worker.Failure(segment: nil, number: EIO))
    #expect(broken.takeNew().map(\.segment) == [3, nil])
    #expect(broken.takeNew().isEmpty && broken.segments == [3])
    broken.mended(3)
    #expect(broken.segments.isEmpty)
  }

  @Test("a failure that comes after the mending stays broken")
  func afterMending() {
    let broken = BrokenSegments()
    broken.note(failure)
    broken.mended(3)
    broken.note(failure)
    #expect(broken.segments == [3] && broken.takeNew().count == 2)
  }

  @Test("a slot that is put back is broken without being a new failure")
  func putBack() {
    let broken = BrokenSegments()
    broken.note(failure)
    _ = broken.takeNew()
    broken.mended(3)
    broken.putBack(3)
    #expect(broken.segments == [3] && broken.takeNew().isEmpty)
  }
}
