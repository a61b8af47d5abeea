import Testing

@testable import Sealing

/// The expected values come from Python's hmac and hashlib.
@Suite("HMAC and HKDF over BLAKE2b")
struct HMACTests {
  private func hmac(key: [UInt8], _ message: [UInt8]) -> String {
    var output = [UInt8](repeating: 0xA5, count: 64)
    output.withUnsafeMutableBytes { output in
      key.withUnsafeBytes { key in message.withUnsafeBytes { HMAC.authenticate(key: key, $0, into: output) } }
    }
    return Hex.text(output)
  }

  @Test("HMAC is that of RFC 2104 with a block of 128, not the keyed hash")
  func known() {
    let key = (0..<64).map { UInt8($0) }
    #expect(
      hmac(key: key, Array("what do ya want for nothing?".utf8))
        == "e33fddf8992f619b8fc74af98a787f16606b9a7f588bda065006ac8c7e6fd3f4"
        + "5ff64fd7ea59c43847f32dd569d7db654d7b77715e7bf2d0fe7afa0f0ec75bc4")
    #expect(
      hmac(key: [], []) == "198cd2006f66ff83fbbd913f78aca2251caf4f19fe9475aade8cf2091b99a684"
        + "66775177424f58286886cbae8229644cec747237d4b721735485e17372fdf59c")
    #expect(
      hmac(key: [UInt8](repeating: 0xAA, count: 128), [1])
        == "f79385aa69ec95c0953c42dbdb1c58e1e7abfe3ab238180ff7debfcc11aa74d4"
        + "244b3a0202800312e20e6af2d8dd747ffd9d35ffd457df18d585f70c2f659a17")
    var keyed = BLAKE2b(byteCount: 64, key: key)
    keyed.update("what do ya want for nothing?")
    let hash = Hex.text(keyed.finish())
    #expect(hmac(key: key, Array("what do ya want for nothing?".utf8)) != hash)
  }

  @Test("HKDF chains two or three outputs", arguments: [2, 3])
  func derive(count: Int) {
    let expected = [
      "5582e19788d050e23b063f6d320951b67f5514abca698e06afb4d480fb86f9f1"
        + "9a104100b504e13699f0a1bd17e8451a0ae166050bb1e54fc168bc251cbed6da",
      "ade2f1530b6da88cc037f79a24179a311f19b4fb2a5d3127130a4438727b7322"
        + "aafe76cf2cd3af310e01a03e218584a9ccf72b9f8b27c0d57aebf580c5b79551",
      "e565a21be0dfb991a769599c156f18652745d7878781984991c3946cadace923"
        + "153813904daace792216f41549735122eb4944325ff46de52444154868e99bb1",
    ]
    var outputs = [UInt8](repeating: 0xA5, count: 64 * count)
    outputs.withUnsafeMutableBytes { outputs in
      [UInt8](repeating: 7, count: 64).withUnsafeBytes { chainingKey in
        [UInt8](repeating: 9, count: 32).withUnsafeBytes { input in
          HMAC.deriveKeys(chainingKey: chainingKey, input: input, into: outputs)
        }
      }
    }
    #expect(Hex.text(outputs) == expected.prefix(count).joined())
  }
}
