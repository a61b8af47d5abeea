import Foundation
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

  @Test("a page can be locked; a thousand peers want less than 8 MiB at most, 4,096 less than 2,000 mappings")
  func locking() {
    #expect(SecretBytes.canLock(byteCount: 4096))
    #expect(SessionTable.lockedByteCountMax(peerCount: 1_000) < 8 << 20)
    #expect(SessionTable.lockedByteCountMax(peerCount: 1) >= 6 * 1024 + 6 * 64)
    #expect(4 * SessionTable.lockedRegionCountMax(peerCount: 4_096) < 2_000)
  }

  @Test("40,000 secrets at once have bytes of their own, zero at first, and regions go when nobody needs them")
  func manySecrets() {
    let before = SecretPool.small.regionCount
    var secrets = (0..<40_000).map { _ in SecretBytes(byteCount: 32) }
    #expect(secrets.allSatisfy { $0.bytes.allSatisfy { $0 == 0 } })
    for (number, secret) in secrets.enumerated() {
      secret.bytes.storeBytes(of: number, as: Int.self)
      secret.bytes[31] = 0xA5
    }
    #expect(secrets.enumerated().allSatisfy { $1.bytes.load(as: Int.self) == $0 && $1.bytes[31] == 0xA5 })
    #expect(SecretPool.small.regionCount >= 39)
    secrets = []
    #expect(SecretPool.small.regionCount <= before + 5, "other tests run at the same time")
    // Kept: what nobody holds is another test's at once.
    let again = SecretBytes(byteCount: 64)
    #expect(withExtendedLifetime(again) { again.bytes.allSatisfy { $0 == 0 } }, "zero again")
  }

  /// The mappings of this process: first and last address, rights.
  private func mappings() throws -> [(range: Range<UInt>, rights: Substring)] {
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/maps"))
    let text = String(decoding: try #require(try file.readToEnd()), as: UTF8.self)
    return text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      let ends = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
      return ends.count == 2 ? (ends[0]..<ends[1], words[1]) : nil
    }
  }

  @Test("a region of secrets lies between pages that nobody may touch, and ends where the second begins")
  func guardPages() throws {
    for pool in [SecretPool.small, SecretPool.large] {
      let slot = try #require(pool.take())
      defer { pool.give(back: slot) }
      let all = try mappings()
      let index = try #require(all.firstIndex { $0.range.contains(UInt(bitPattern: slot.start)) })
      #expect(all[index].rights == "rw-p")
      for neighbour in [all[index - 1], all[index + 1]] { #expect(neighbour.rights.hasPrefix("---")) }
      #expect(all[index - 1].range.upperBound == all[index].range.lowerBound)
      #expect(all[index + 1].range.lowerBound == all[index].range.upperBound)
      #expect(all[index].range.count == SecretPool.regionByteCount + 64)
    }
  }

  @Test("a secret begins at a multiple of 64 where its size is one, in a pool or not", arguments: [64, 512, 4_096])
  func alignment(byteCount: Int) {
    let secret = SecretBytes(byteCount: byteCount)
    #expect(UInt(bitPattern: secret.bytes.baseAddress) % 64 == 0 && secret.byteCount == byteCount)
  }
}
