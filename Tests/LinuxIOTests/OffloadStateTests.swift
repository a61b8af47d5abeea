import Glibc
import Testing

@testable import LinuxIO

@Suite("OffloadState")
struct OffloadStateTests {
  private func expect(
    _ state: borrowing OffloadState, isOn: Bool, _ text: String, _ location: SourceLocation = #_sourceLocation
  ) {
    let (found, foundText) = (state.isOn, state.text)
    #expect(found == isOn && foundText == text, sourceLocation: location)
  }

  @Test("on until refused, then off for good, with the first reason")
  func refusal() {
    let state = OffloadState(isWanted: true)
    expect(state, isOn: true, "on")
    state.refuse(EIO)
    expect(state, isOn: false, "refused: Input/output error")
    state.refuse(EINVAL)
    expect(state, isOn: false, "refused: Input/output error")
  }

  @Test("off by configuration stays that, whatever the kernel says")
  func configured() {
    let state = OffloadState(isWanted: false)
    expect(state, isOn: false, "off")
    state.refuse(EIO)
    expect(state, isOn: false, "off")
  }
}
