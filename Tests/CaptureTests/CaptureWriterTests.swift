import Foundation
import Testing

@testable import Capture

@Suite("Files of a capture")
struct CaptureWriterTests {
  private let directory = NSTemporaryDirectory() + "capture-\(UInt64.random(in: 0 ... .max))"

  private func inDirectory(_ body: (String) throws -> Void) throws {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try body(directory)
  }

  private func names(_ plan: (inout RotatingWriter.Plan) -> Void, packets: Int = 6, secondsEach: Int = 0) throws
    -> [String]
  {
    setenv("TZ", "UTC", 1)
    var opened: [String] = []
    try inDirectory { directory in
      var asked = RotatingWriter.Plan(path: directory + "/f")
      plan(&asked)
      let format = CaptureWriter.Format(linkType: .ethernet, precision: .micro, isPacketBuffered: false)
      let writer = try RotatingWriter(asked, format: format, time: 1_700_000_000) {
        opened.append(String($0.dropFirst(directory.count + 1)))
      }
      for number in 1...packets {
        guard try write(100, to: writer, time: 1_700_000_000 + number * secondsEach) else { break }
      }
      try writer.close()
    }
    return opened
  }

  private func write(_ byteCount: Int, to writer: RotatingWriter, time: Int) throws -> Bool {
    try [UInt8](repeating: 7, count: byteCount).withUnsafeBufferPointer { buffer in
      try writer.write(CapturedPacket(time: 5_000_000_001, bytes: buffer, wireByteCount: byteCount + 9), time: time)
    }
  }

  @Test("are named as tcpdump names them")
  func naming() throws {
    #expect(try names { _ in } == ["f"])
    // 24 bytes and 116 each: a file is beyond 200 bytes with its second packet.
    #expect(try names { $0.fileByteCount = 200 } == ["f", "f1", "f2"])
    let turning: [String] = try names {
      $0.fileByteCount = 1
      $0.fileCountMax = 3
    }
    // The header of a file counts, as it does for tcpdump: the first packet finds a file of 24 bytes.
    #expect(turning == ["f0", "f1", "f2", "f0", "f1", "f2", "f0"])
    let eleven = CaptureFileNames(pattern: "f", isTimed: false, fileCountMax: 11)
    #expect(eleven.name(number: 0, time: 0) == "f00" && eleven.name(number: 10, time: 0) == "f10")
    let timed = try names(
      {
        $0.path += "-%H%M%S"
        $0.seconds = 2
      }, secondsEach: 1)
    #expect(timed == ["f-221320", "f-221322", "f-221324", "f-221326"])
  }

  @Test("end with the last one that -W lets -G write")
  func last() throws {
    let two = try names(
      {
        $0.path += "%S"
        $0.seconds = 1
        $0.fileCountMax = 2
      }, secondsEach: 1)
    #expect(two == ["f20", "f21"])
  }

  @Test("hold what was written, in microseconds or nanoseconds, cut where that was asked for")
  func contents() throws {
    for (precision, time) in [(CaptureWriter.Precision.micro, 5_000_000_000), (.nano, 5_000_000_001)] {
      try inDirectory { directory in
        let format = CaptureWriter.Format(
          linkType: .rawIP, snapshotByteCount: 60, precision: precision, isPacketBuffered: true)
        let writer = try RotatingWriter(RotatingWriter.Plan(path: directory + "/f"), format: format, time: 0)
        #expect(try write(100, to: writer, time: 0))
        // Without a close: each packet is there at once.
        let file = try Capture.CaptureFile(path: directory + "/f")
        #expect(file.linkType == .rawIP)
        let packet = try #require(try file.next())
        #expect(packet.time == Int64(time) && packet.bytes.count == 60 && packet.wireByteCount == 109)
        #expect(try file.next() == nil)
        try writer.close()
      }
    }
  }

  @Test("of what was sealed are for their owner only")
  func mode() throws {
    try inDirectory { directory in
      for (isPrivate, mode) in [(true, 0o600), (false, 0o644)] as [(Bool, Int)] {
        let former = umask(0o022)
        defer { umask(former) }
        let path = directory + "/\(isPrivate)"
        let format = CaptureWriter.Format(
          linkType: .ethernet, precision: .micro, isPacketBuffered: false, isPrivate: isPrivate)
        try CaptureWriter(path: path, format: format).close()
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == mode)
      }
    }
  }

  @Test("that cannot be made are told with their names")
  func unwritable() {
    let format = CaptureWriter.Format(linkType: .ethernet, precision: .micro, isPacketBuffered: false)
    #expect(throws: CaptureError("/nowhere/at/all: No such file or directory")) {
      _ = try CaptureWriter(path: "/nowhere/at/all", format: format)
    }
    #expect(throws: CaptureError("/dev/full: No space left on device")) {
      _ = try CaptureWriter(path: "/dev/full", format: format)
    }
  }
}
