import Forwarding
import Sealing
import TestKit
import Testing
import VXLAN

@testable import Dataplane

@Suite("Keyring")
struct KeyringTests {
  private let until = Instant(nanoseconds: 5_000)

  private func keyring(_ gracePeriod: GracePeriod = GracePeriod(readerCount: 0)) -> Keyring {
    Keyring(peerCount: 2, gracePeriod: gracePeriod)
  }

  @Test("a key that was accepted is found by its index with its peer, and no other index finds anything")
  func accepts() {
    let keyring = keyring()
    let key = SessionPair().keys[0].opening
    #expect(keyring.opening(key.index) == nil)
    keyring.accept(key, fromPeer: 1, until: until)
    let found = keyring.opening(key.index)
    #expect(found?.pointee.peer == 1 && found?.pointee.until == until.nanoseconds)
    #expect(keyring.opening(key.index ^ 1) == nil && keyring.opening(key.index ^ 0x8_0000) == nil)
    keyring.retire(index: key.index)
    #expect(keyring.opening(key.index) == nil)
    keyring.retire(index: key.index)
  }

  @Test("a key to seal with is the peer's alone, until nil is given")
  func seals() {
    let keyring = keyring()
    let key = SessionPair().keys[0].sealing
    #expect(keyring.sending(toPeer: 0) == nil)
    keyring.seal(with: key, until: until, toPeer: 0)
    #expect(keyring.sending(toPeer: 0)?.pointee.until == until.nanoseconds && keyring.sending(toPeer: 1) == nil)
    keyring.seal(with: nil, until: until, toPeer: 0)
    #expect(keyring.sending(toPeer: 0) == nil)
  }

  @Test("a retired key lives while a worker may use it, and is let go of when the worker has passed a boundary")
  func gracePeriod() {
    let readers = GracePeriod(readerCount: 1)
    let keyring = keyring(readers)
    weak var opening: OpeningKey?
    weak var sealing: SealingKey?
    do {
      let keys = SessionPair().keys[0]
      opening = keys.opening
      sealing = keys.sealing
      keyring.accept(keys.opening, fromPeer: 0, until: until)
      keyring.seal(with: keys.sealing, until: until, toPeer: 0)
    }
    #expect(opening != nil && sealing != nil)
    readers.enter(reader: 0)
    if let index = opening?.index { keyring.retire(index: index) }
    keyring.seal(with: nil, until: until, toPeer: 0)
    #expect(!keyring.collect() && opening != nil && sealing != nil)
    readers.pass(reader: 0)
    #expect(keyring.collect() && opening == nil && sealing == nil)
    readers.leave(reader: 0)
  }

  @Test("nothing leaks: with the keyring go all keys that are in it or wait to be let go of")
  func deinitialises() {
    weak var kept: OpeningKey?
    weak var retired: SealingKey?
    let readers = GracePeriod(readerCount: 1)
    readers.enter(reader: 0)
    do {
      let keyring = keyring(readers)
      let keys = SessionPair().keys[0]
      (kept, retired) = (keys.opening, keys.sealing)
      keyring.accept(keys.opening, fromPeer: 0, until: until)
      keyring.seal(with: keys.sealing, until: until, toPeer: 0)
      keyring.seal(with: nil, until: until, toPeer: 0)
      keyring.move(peer: 1, to: Endpoint(address: peerAddress(0), udpPort: 4790))
    }
    #expect(kept == nil && retired == nil)
  }

  @Test("three hundred sessions that come and go: exactly those are found that are there, in whatever order")
  func manyKeys() {
    let seed = TestSeed.next("keyring")
    var generator = SeededGenerator(seed: seed)
    let keyring = keyring()
    var there: [UInt32: OpeningKey] = [:]
    var gone: [UInt32] = []
    for round in 0..<300 {
      let key = SessionPair(seed: seed &+ UInt64(round)).keys[0].opening
      keyring.accept(key, fromPeer: round % 2, until: until)
      there[key.index] = key
      gone.removeAll { $0 == key.index }
      while there.count > 40 || generator.isOne(in: 3), let index = there.keys.sorted().randomElement(using: &generator)
      {
        keyring.retire(index: index)
        there[index] = nil
        gone.append(index)
      }
      #expect(keyring.collect())
      let isRight = there.allSatisfy { keyring.opening($0.key)?.pointee.key === $0.value }
      #expect(isRight && gone.allSatisfy { keyring.opening($0) == nil }, "seed \(seed), round \(round)")
    }
  }
}
