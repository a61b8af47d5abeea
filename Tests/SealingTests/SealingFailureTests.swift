import Testing
import VXLAN

@testable import Sealing

@Suite("Failures of sealing")
struct SealingFailureTests {
  /// A sealer whose cipher fails: this host does not have AEGIS-128L.
  private func withBrokenSealer(_ body: (Sealer) -> Void) {
    let (sealing, _) = TransportTests.direction(.chacha20poly1305)
    let sound = sealing.sealer(lane: 0)
    withExtendedLifetime(sealing) {
      body(
        Sealer(cipher: .aegis128l, preparedKey: sound.preparedKey, counter: sound.counter, base: sound.base))
    }
  }

  @Test(
    "where the cipher fails nothing is left of a datagram and nothing is to be sent",
    .enabled(if: !Cipher.aegis128l.isAvailable, "every cipher works on this host"))
  func datagram() {
    withBrokenSealer { sealer in
      let datagram = SealedDatagram(frame: [UInt8](repeating: 7, count: 60))
      #expect(!datagram.seal(with: sealer))
      #expect(datagram.buffer.prefix(16 + 60 + 32).allSatisfy { $0 == 0 })
      #expect(datagram.buffer.dropFirst(16 + 60 + 32).allSatisfy { $0 == 0xA5 })
    }
  }

  @Test(
    "where the cipher fails nothing is left of a whole run",
    .enabled(if: !Cipher.aegis128l.isAvailable, "every cipher works on this host"))
  func run() {
    withBrokenSealer { sealer in
      let run = SealedRunBuffer(cipher: .aegis128l, frameCount: 5, frameByteCount: 100, lastFrameByteCount: 30)
      #expect(!run.seal(with: sealer))
      #expect(run.buffer.dropLast().allSatisfy { $0 == 0 } && run.buffer.last == 0xA5)
    }
  }

  @Test("without a cipher to offer, or with three pre-shared keys, there is no local end, and it says why")
  func localEnd() throws {
    var entropy = SeededEntropy(seed: 1)
    let key = PrivateKey(from: &entropy)
    let presharedKeys = (0..<3).map { _ in PresharedKey(from: &entropy) }
    func failure(_ keys: [PresharedKey], _ choice: CipherChoice, _ available: CipherMask) -> SealingFailure? {
      do {
        _ = try LocalEnd(
          privateKey: key, presharedKeys: keys, choice: choice, available: available, entropy: SeededEntropy(seed: 2))
        return nil
      } catch {
        return error
      }
    }
    let chacha = CipherMask([.chacha20poly1305])
    #expect(failure([], .automatic, CipherMask([])) == .noCipher(.automatic))
    #expect(failure([], .automatic, CipherMask([.aegis128l])) == .noCipher(.automatic))
    #expect(failure([], .named(.aes256gcm), chacha) == .noCipher(.named(.aes256gcm)))
    #expect(failure(presharedKeys, .automatic, chacha) == .tooManyPresharedKeys(3))
    #expect(failure(Array(presharedKeys.prefix(2)), .automatic, chacha) == nil)
    #expect("\(SealingFailure.noCipher(.named(.aes256gcm)))" == "the cipher aes256gcm is not available on this host")
    #expect("\(SealingFailure.tooManyPresharedKeys(3))" == "3 pre-shared keys, where at most 2 may be")
  }

  @Test("two pre-shared keys are taken on, three change nothing")
  func rotation() throws {
    let peer = try ScriptedPeer()
    var entropy = SeededEntropy(seed: 1)
    let keys = (0..<3).map { _ in PresharedKey(from: &entropy) }
    #expect(peer.table.setPresharedKeys(Array(keys.prefix(2))) && !peer.table.setPresharedKeys(keys))
    #expect(peer.local.presharedKeys.map(\.id) == keys.prefix(2).map(\.id))
    let attempt = try peer.initiate(counter: 1)
    #expect(!peer.run(attempt), "a side that has a key never accepts none")
  }

  @Test("a page can be locked, and a thousand peers want less than 64 MiB at most")
  func locking() {
    #expect(SecretBytes.canLock(byteCount: 4096))
    #expect(SessionTable.lockedByteCountMax(peerCount: 1_000) < 64 << 20)
    #expect(SessionTable.lockedByteCountMax(peerCount: 1) > 12 * 4096)
  }
}
