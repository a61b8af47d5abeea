import Glibc
import Testing
import VXLAN

@testable import LinuxIO

@Suite("a UDP socket that measures")
struct UDPSocketTests {
  @Test("copies go out in one call and come in by number", arguments: ["127.0.0.1", "::1"])
  func bulk(host: String) throws {
    let address = try #require(IPAddress(host))
    let receiver = try UDPSocket.bound(to: address)
    let sender = try UDPSocket.calling(address, udpPort: receiver.udpPort())
    #expect(try sender.sendCopies(of: [1, 2, 3], count: 10) == 10)
    #expect(try sender.sendCopies(of: [4, 5, 6], count: 1000) == UDPSocket.bulkCountMax)
    var buffer: [UInt8] = [0xA5, 0xA5, 0xA5, 0xA5]
    var count = 0
    while true {
      let received = try receiver.receiveBulk(into: &buffer)
      if received == 0 { break }
      count += received
    }
    #expect(count == 10 + UDPSocket.bulkCountMax)
    #expect(buffer == [4, 5, 6, 0xA5], "the last one lies over the others, and nothing behind it is touched")
  }

  @Test("an echo goes back to its sender with the same bytes")
  func echo() throws {
    let address = try #require(IPAddress("127.0.0.1"))
    let server = try UDPSocket.bound(to: address)
    let client = try UDPSocket.calling(address, udpPort: server.udpPort())
    var buffer = [UInt8](repeating: 0, count: 16)
    #expect(try client.sendCopies(of: [7, 8, 9], count: 1) == 1)
    #expect(try server.echo(&buffer))
    buffer = [UInt8](repeating: 0xA5, count: 16)
    #expect(try client.receive(into: &buffer) == 3)
    #expect(buffer.prefix(4) == [7, 8, 9, 0xA5])
  }

  @Test("what nobody sends is not there after the time, and is no error")
  func nothing() throws {
    let address = try #require(IPAddress("127.0.0.1"))
    let socket = try UDPSocket.bound(to: address)
    var buffer: [UInt8] = [0xA5]
    let start = ContinuousClock.now
    #expect(try socket.receive(into: &buffer) == nil)
    #expect(try !socket.echo(&buffer))
    #expect(try socket.receiveBulk(into: &buffer) == 0)
    #expect(ContinuousClock.now - start >= UDPSocket.receiveTime)
    #expect(buffer == [0xA5])
  }

  @Test("sending to where nobody listens is no error")
  func refused() throws {
    let address = try #require(IPAddress("127.0.0.1"))
    let port = try UDPSocket.bound(to: address).udpPort()
    let client = try UDPSocket.calling(address, udpPort: port)
    // The second send gets the answer to the first.
    _ = try client.sendCopies(of: [1], count: 1)
    usleep(10_000)
    _ = try client.sendCopies(of: [1], count: 1)
  }
}

@Suite("the clock of a process")
struct ProcessorClockTests {
  @Test("it goes on with the work of this process and never back")
  func goesOn() throws {
    let before = try ProcessorClock.nanoseconds(ofProcess: getpid())
    var last = before
    while last < before + 1_000_000 {
      let now = try ProcessorClock.nanoseconds(ofProcess: getpid())
      try #require(now >= last)
      last = now
    }
  }

  @Test("a process that is not there has none")
  func noProcess() {
    // The kernel gives no number from 2^22 on.
    #expect(throws: Errno.self) { try ProcessorClock.nanoseconds(ofProcess: 1 << 22) }
  }
}
