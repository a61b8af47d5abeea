import Testing

@testable import Agent
@testable import Sealing

@Suite("Keys that live shorter in tests")
struct TestKeyLifeTests {
  @Test("the variable shortens the life of keys to 3 to 179 s, all ages in proportion", arguments: [3, 9, 45, 179])
  func shorter(seconds: Int) throws {
    let life = try #require(try TestKeyLife.read("\(seconds)"))
    #expect(life.end == .seconds(seconds) && life != .standard)
    let (ages, whole) = (Self.ages(of: life), Self.ages(of: .standard))
    for (age, standard) in zip(ages, whole) { #expect(age == standard * seconds / 180) }
    #expect(ages.sorted() == ages && whole == [115, 120, 140, 180].map { Duration.seconds($0) })
  }

  private static func ages(of life: KeyLife) -> [Duration] {
    [life.rekeyAges.lowerBound, life.rekeyAges.upperBound, life.takeoverAge, life.end]
  }

  @Test("not set it changes nothing")
  func unset() throws {
    #expect(try TestKeyLife.read(nil) == nil)
    #expect(KeyLife.standard.end == .seconds(180))
  }

  @Test(
    "nothing makes keys live as long or longer, and what is no number stops the start",
    arguments: ["2", "0", "-9", "180", "181", "9999999999999999999", "", " 9", "9s", "1e1", "inf"])
  func refused(value: String) throws {
    let error = try #require(throws: AgentError.self) { _ = try TestKeyLife.read(value) }
    #expect(error.exitStatus == 1 && error.message.contains("VTEP_TEST_KEY_SECONDS"))
    #expect(error.message.contains("3 to 179"))
  }
}
