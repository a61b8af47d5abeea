import TestKit
import Testing
import VXLAN

@testable import Sealing

@Suite("Key log lines")
struct KeyLogTests {
  static let time = "2026-01-31T09:00:00.123Z"
  static let receiver = Endpoint(address: IPAddress(ipv4: 0xC000_0201), udpPort: 4790)

  static func line(
    index: String = "0abcd", cipher: Cipher = .chacha20poly1305, key: String? = nil, time: String = time,
    receiver: String = "192.0.2.1:4790"
  ) -> String {
    let key = key ?? String(repeating: "3f", count: cipher.keyByteCount)
    return "VTEP_TRANSPORT_KEY \(index) \(cipher.configurationName) \(key) \(time) \(receiver)"
  }

  static func key(_ cipher: Cipher, index: UInt32 = 0xABCD, first: UInt8 = 1) -> TransportKey {
    let bytes = (0..<cipher.keyByteCount).map { first &+ UInt8(truncatingIfNeeded: $0) }
    return TransportKey(index: index, cipher: cipher, secret: bytes.withUnsafeBytes { SecretBytes(copying: $0) })
  }

  static func shown(_ text: borrowing SecretText) -> String {
    text.withBytes { bytes in String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self) }
  }

  private func parsed(_ line: String) throws(KeyLogProblem) -> KeyLogLine {
    try KeyLogLine(parsing: Array(line.utf8).span)
  }

  private func problem(_ line: String) -> KeyLogProblem? {
    do throws(KeyLogProblem) {
      _ = try parsed(line)
      return nil
    } catch {
      return error
    }
  }

  @Test("a line is label, index, cipher, key, time and receiver, with one space between and a newline")
  func written() {
    let line = KeyLogLine(Self.key(.aegis128l, index: 0xF), time: Self.time, receiver: Self.receiver)
    let key = "0102030405060708090a0b0c0d0e0f10"
    #expect(
      Self.shown(line.text) == "VTEP_TRANSPORT_KEY 0000f aegis128l \(key) \(Self.time) 192.0.2.1:4790\n")
  }

  @Test("what is written is read as it was", arguments: Cipher.allCases)
  func roundTrip(_ cipher: Cipher) throws {
    let six = Endpoint(address: IPAddress(ipv6High: 0x2001_0DB8 << 32, low: 1), udpPort: 1)
    for receiver in [nil, Self.receiver, six] {
      for index: UInt32 in [0, 0xABCD, 0xFFFFF] {
        let line = KeyLogLine(Self.key(cipher, index: index), time: Self.time, receiver: receiver)
        let read = try parsed(String(Self.shown(line.text).dropLast()))
        #expect(read.key.index == index && read.key.cipher == cipher && read.time == line.time)
        #expect(read.receiver == receiver && SecretBytes.areEqual(read.key.secret, line.key.secret))
      }
    }
  }

  @Test("each field is judged, and what is wrong with it is said")
  func refused() {
    let cases: [(String, KeyLogProblem)] = [
      ("CLIENT_RANDOM 1 2", .label), ("hello", .label), (" " + Self.line(), .label),
      ("VTEP_TRANSPORT_KEY", .fieldCount(1)), (Self.line() + " more", .fieldCount(7)),
      (Self.line() + " ", .fieldCount(7)), (Self.line(index: "abcd"), .index), (Self.line(index: "0abcde"), .index),
      (Self.line(index: "0xabc"), .index), (Self.line().replacing("chacha20poly1305", with: "rot13"), .cipher),
      (Self.line(key: String(repeating: "3f", count: 31)), .keyLength(.chacha20poly1305)),
      (Self.line(cipher: .aegis128l, key: String(repeating: "3f", count: 32)), .keyLength(.aegis128l)),
      (Self.line(key: String(repeating: "3g", count: 32)), .keyDigits),
      (Self.line(time: "yesterday"), .time), (Self.line(time: "2026-01-31_09:00:00Z"), .time),
      (Self.line(time: "2026-01-31T09:00:00.Z"), .time), (Self.line(receiver: "192.0.2.1"), .receiver),
      (Self.line(receiver: "192.0.2.1:65536"), .receiver), (Self.line(receiver: "2001:db8::1:4790"), .receiver),
      (Self.line(receiver: "[192.0.2.1]:4790"), .receiver), (Self.line(receiver: "host:4790"), .receiver),
      (String(repeating: "V", count: 513), .tooLong),
    ]
    for (line, expected) in cases { #expect(problem(line) == expected, "\(line)") }
    #expect(problem(Self.line()) == nil && problem(Self.line(time: "2026-01-31T09:00:00Z")) == nil)
    #expect(problem(Self.line(receiver: "-")) == nil && problem(Self.line(receiver: "[2001:db8::1]:4790")) == nil)
  }

  @Test("no error and no description repeats a byte of the key")
  func secrecy() {
    let key = String(repeating: "5e", count: 32)
    let faults = [
      Self.line(key: key + "x"), Self.line(key: key, time: "5e5e"), Self.line(key: key, receiver: "5e5e"),
      Self.line(key: key).replacing("poly", with: "5e5e"),
    ]
    for fault in faults { #expect(problem(fault).map { !"\($0)".contains("5e5e") } == true) }
    #expect(!"\(Self.key(.chacha20poly1305, first: 0x30))".contains("31"))
  }

  @Test("both ends of a session log the same two keys, each by its receiver's index")
  func sessionKeys() {
    let secrets = (0..<2).map { Self.key(.chacha20poly1305, first: UInt8($0)).secret }
    let initiators = SessionSecrets(toResponder: secrets[0], toInitiator: secrets[1])
      .transportKeys(initiator: true, cipher: .aes256gcm, sendIndex: 7, receiveIndex: 9)
    let responders = SessionSecrets(toResponder: secrets[0], toInitiator: secrets[1])
      .transportKeys(initiator: false, cipher: .aes256gcm, sendIndex: 9, receiveIndex: 7)
    #expect(initiators.map(\.index) == [7, 9] && responders.map(\.index) == [9, 7])
    #expect(SecretBytes.areEqual(initiators[0].secret, responders[1].secret))
    #expect(SecretBytes.areEqual(initiators[1].secret, responders[0].secret))
    #expect(!SecretBytes.areEqual(initiators[0].secret, initiators[1].secret))
  }
}
