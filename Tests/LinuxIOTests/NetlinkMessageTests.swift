import Testing

@testable import LinuxIO

@Suite("netlink messages")
struct NetlinkMessageTests {
  @Test("attributes are padded, nested ones closed, and the length covers everything")
  func layout() {
    var message = NetlinkMessage(type: 16, flags: 4)
    message.sequence = 7
    message.append(3, text: "ab")
    message.appendNested(18) { nested in
      nested.append(1, [0xFF])
      nested.appendNested(2) { $0.append(4, UInt32(0x0102_0304)) }
    }
    // Written for a little-endian host.
    let expected: [[UInt8]] = [
      [48, 0, 0, 0, 16, 0, 5, 0, 7, 0, 0, 0, 0, 0, 0, 0],  // flags: request and acknowledgement
      [7, 0, 3, 0, 0x61, 0x62, 0, 0],
      [24, 0, 18, 0x80, 5, 0, 1, 0, 0xFF, 0, 0, 0],
      [12, 0, 2, 0x80, 8, 0, 4, 0, 0x04, 0x03, 0x02, 0x01],
    ]
    #expect(message.bytes == expected.flatMap { $0 })
  }

  @Test("what is built is read back")
  func roundTrip() throws {
    var message = NetlinkMessage(type: 99, flags: 0)
    message.append(structure: UInt64(5))
    message.append(1, text: "name")
    message.appendNested(2) { $0.append(3, UInt32(0xDEAD_BEEF)) }
    let replies = try NetlinkReply.messages(in: (message.bytes + message.bytes)[...])
    #expect(replies.count == 2)
    for reply in replies {
      let attributes = try reply.attributes(after: 8)
      #expect(reply.type == 99 && attributes.text(1) == "name")
      #expect(try attributes.nested(2)?.integer(3) == UInt32(0xDEAD_BEEF))
      #expect(attributes.bytes(9) == nil)
      let tooLong: UInt64? = try attributes.nested(2)?.integer(3)
      #expect(tooLong == nil)
    }
  }

  @Test("a message length of 16 and of all there is are read, 15 and one more are refused")
  func messageLengthBounds() throws {
    func datagram(_ length: UInt8) -> ArraySlice<UInt8> {
      ([length, 0, 0, 0] + [UInt8](repeating: 0, count: 16))[...]
    }
    #expect(try NetlinkReply.messages(in: datagram(20)).first?.payload.count == 4)
    // 16 leaves four bytes, too few for another header.
    for length: UInt8 in [0, 15, 16, 21, 255] {
      #expect(throws: Errno.self) { try NetlinkReply.messages(in: datagram(length)) }
    }
  }

  @Test("an attribute length of 4 and of all there is are read, 3 and one more are refused")
  func attributeLengthBounds() throws {
    #expect(try NetlinkAttributes(parsing: [4, 0, 1, 0]).bytes(1)?.isEmpty == true)
    #expect(try NetlinkAttributes(parsing: [5, 0, 1, 0, 9]).bytes(1) == [9])
    for bytes: ArraySlice<UInt8> in [[3, 0, 1, 0], [0, 0, 1, 0], [6, 0, 1, 0, 9], [4, 0, 1], [4]] {
      #expect(throws: Errno.self) { try NetlinkAttributes(parsing: bytes) }
    }
  }

  @Test("the kernel's sentence is found behind a capped error and in the end of a list")
  func extendedAcknowledgement() throws {
    let text: [UInt8] = [8, 0, 1, 0, 0x6E, 0x6F, 0x21, 0]  // NLMSGERR_ATTR_MSG "no!"
    let number: [UInt8] = [0xEA, 0xFF, 0xFF, 0xFF]  // -22 on a little-endian host
    let header = [UInt8](repeating: 0, count: 16)
    let error = NetlinkReply(type: 2, flags: 0x200, sequence: 1, payload: (number + header + text)[...])
    let done = NetlinkReply(type: 3, flags: 0x202, sequence: 1, payload: (number + text)[...])
    for reply in [error, done] {
      let outcome = try reply.outcome()
      #expect(outcome.number == 22 && outcome.text == "no!")
    }
    let bare = NetlinkReply(type: 2, flags: 0, sequence: 1, payload: [0, 0, 0, 0])
    #expect(try bare.outcome().number == 0)
    let positive = NetlinkReply(type: 2, flags: 0, sequence: 1, payload: [1, 0, 0, 0])
    #expect(throws: Errno.self) { try positive.outcome() }
  }

  @Test("100,000 random and damaged messages are read or refused, never trapped on")
  func damagedMessages() {
    let seed: UInt64 = 0x5EED
    var state = seed
    func random() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    var valid = NetlinkMessage(type: 16, flags: 0)
    valid.append(structure: (UInt64(1) << 32, UInt64(1)))
    valid.append(3, text: "eth0")
    valid.append(4, UInt32(1500))
    valid.appendNested(18) { $0.append(1, text: "veth") }
    valid.append(9, [8, 0, 0, 0, 1, 0, 0, 0])
    var readCount = 0
    for _ in 0..<100_000 {
      var bytes = valid.bytes
      for _ in 0..<(1 + random() % 4) { bytes[Int(random()) % bytes.count] = UInt8(truncatingIfNeeded: random()) }
      bytes.removeLast(Int(random() % 4) == 0 ? Int(random()) % bytes.count : 0)
      guard let replies = try? NetlinkReply.messages(in: bytes[...]) else { continue }
      for reply in replies {
        if (try? Link(parsing: reply)) != nil { readCount += 1 }
        _ = try? Route(parsing: NetlinkReply(type: 24, flags: 0, sequence: 0, payload: reply.payload), "test")
        _ = try? reply.outcome()
      }
    }
    #expect(readCount > 1000, "seed \(seed): the damage left too little to read")
  }
}
