import Dispatch
import Synchronization
import Testing

@testable import Agent

@Suite("What other threads ask of the main thread")
struct MainThreadTests {
  private let woken = DispatchSemaphore(value: 0)
  private let main: MainThread

  init() {
    let woken = woken
    main = MainThread { woken.signal() }
  }

  /// Asks on another thread, and hands out the answer when it is there.
  private func ask(
    within time: Duration = .seconds(10), _ body: @escaping @Sendable () throws(ControlError) -> Int
  ) -> () -> Result<Int, ControlError>? {
    let (answer, done) = (Handed<Result<Int, ControlError>?>(nil), DispatchSemaphore(value: 0))
    let main = main
    DispatchQueue.global().async {
      let result: Result<Int, ControlError>
      do throws(ControlError) {
        result = .success(try main.perform(within: time, body))
      } catch {
        result = .failure(error)
      }
      answer.value.withLock { $0 = result }
      done.signal()
    }
    return {
      _ = done.wait(timeout: .now() + .seconds(20))
      return answer.value.withLock { $0 }
    }
  }

  @Test("it is woken for each, does them in order, and hands back what they answer or throw")
  func order() throws {
    let order = Handed<[Int]>([])
    let first = ask { () throws(ControlError) in
      order.value.withLock {
        $0 += [1]; return $0.count
      }
    }
    #expect(woken.wait(timeout: .now() + .seconds(10)) == .success)
    let second = ask { () throws(ControlError) in throw ControlError(.exists, "is there") }
    #expect(woken.wait(timeout: .now() + .seconds(10)) == .success)
    main.run()
    #expect(try first()?.get() == 1)
    #expect(second() == .failure(ControlError(.exists, "is there")))
  }

  @Test("what it does not come to in time is not done afterwards")
  func withdrawn() {
    let isDone = Handed(false)
    let answer = ask(within: .milliseconds(50)) { () throws(ControlError) in
      isDone.value.withLock { $0 = true }
      return 1
    }
    guard case .failure(let error)? = answer() else {
      Issue.record("it should not be done")
      return
    }
    #expect(error.code == .busy && error.message.contains("nothing was changed"))
    main.run()
    #expect(!isDone.value.withLock { $0 })
  }

  @Test("who waits for what has begun hears that it goes on")
  func running() {
    let (begun, gate) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let answer = ask(within: .seconds(2)) { () throws(ControlError) in
      begun.signal()
      _ = gate.wait(timeout: .now() + .seconds(20))
      return 1
    }
    let main = main
    DispatchQueue.global().async { [woken] in
      _ = woken.wait(timeout: .now() + .seconds(10))
      main.run()
    }
    #expect(begun.wait(timeout: .now() + .seconds(10)) == .success)
    let result = answer()
    gate.signal()
    guard case .failure(let error)? = result else {
      Issue.record("the time should be over")
      return
    }
    #expect(error.code == .busy && error.message.contains("still at it"))
  }

  private final class Handed<Value: Sendable>: Sendable {
    let value: Mutex<Value>

    init(_ value: Value) {
      self.value = Mutex(value)
    }
  }
}
