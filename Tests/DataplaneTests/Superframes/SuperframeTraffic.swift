import LinuxIO
import TestKit
import VXLAN

/// Random superframes and single frames of several flows, and what an underlay does with their datagrams.
struct SuperframeTraffic {
  private var generator: SeededGenerator
  private var flows: [InnerFlow]

  init(seed: UInt64) {
    generator = SeededGenerator(seed: seed)
    flows = (0..<8).map { number in
      var flow = InnerFlow.kinds[number % 4]
      flow.host = UInt8(number + 1)
      flow.sourcePort = UInt16(1000 + number)
      // The MAC tells the flow.
      flow.source = .station(0x100 + number)
      flow.fragment = number < 4 ? 0x4000 : 0
      flow.tags = number >= 6 ? [UInt16(number)] : []
      flow.sequence = UInt32.max - 5_000
      flow.identification = UInt16.max - 20
      return flow
    }
  }

  /// The next frame of one of the flows, and what the kernel says of it.
  mutating func frame() -> (frame: [UInt8], header: VirtioNetHeader) {
    let number = Int.random(in: 0..<flows.count, using: &generator)
    var flow = flows[number]
    if generator.isOne(in: 10) { change(&flow) }
    flows[number] = flow
    flow.flags =
      generator.isOne(in: 4) ? [0x18, 0x11, 0x19, 0x90, 0x30].randomElement(using: &generator) ?? 0x10 : 0x10
    let gsoByteCount = Int.random(in: 1...60, using: &generator)
    let byteCount = generator.isOne(in: 3) ? gsoByteCount : Int.random(in: 1...(gsoByteCount * 40), using: &generator)
    var (frame, header) = flow.superframe(generator.bytes(byteCount), gsoByteCount: gsoByteCount)
    if byteCount <= gsoByteCount {
      header = VirtioNetHeader()
      if generator.isOne(in: 8) { frame[Int.random(in: 34..<frame.count, using: &generator)] ^= 0x10 }
    }
    flows[number].advance(byteCount: byteCount, frameCount: (byteCount + gsoByteCount - 1) / gsoByteCount)
    return (frame, header)
  }

  /// Something that ends a superframe and goes on afterwards.
  private mutating func change(_ flow: inout InnerFlow) {
    switch Int.random(in: 0..<7, using: &generator) {
    case 0: flow.acknowledgement &+= 1
    case 1: flow.window &+= 1
    case 2: flow.options = flow.options.isEmpty ? [1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 4] : []
    case 3: flow.trafficClass = [0, 0xB8, 2, 0x28].randomElement(using: &generator) ?? 0
    case 4: flow.hopLimit = flow.hopLimit == 64 ? 63 : 64
    case 5: flow.sequence &-= 100
    default: flow.identification &+= 7
    }
  }

  /// What arrives of `datagrams`: some are lost, some come twice, some are late. Answers them in the order of arrival.
  mutating func underlay(_ datagrams: [[UInt8]]) -> [[UInt8]] {
    var arrived: [[UInt8]] = []
    arrived.reserveCapacity(datagrams.count)
    var late: [[UInt8]] = []
    for datagram in datagrams {
      switch Int.random(in: 0..<100, using: &generator) {
      case 0: continue
      case 1: arrived += [datagram, datagram]
      case 2: late.append(datagram)
      default: arrived.append(datagram)
      }
      if !late.isEmpty, generator.isOne(in: 5) { arrived.append(late.removeFirst()) }
    }
    return arrived + late
  }

  /// Joins datagrams to buffers as the kernel may: equal lengths, the last perhaps less, and 64 at most.
  mutating func buffers(_ datagrams: [[UInt8]], from source: IPAddress) -> [FakeDatagramPort.Received] {
    var buffers: [FakeDatagramPort.Received] = []
    var next = 0
    while next < datagrams.count {
      let first = datagrams[next]
      var buffer = FakeDatagramPort.Received(first, from: source)
      buffer.datagramByteCount = first.count
      let countMax = Int.random(in: 1...64, using: &generator)
      var count = 1
      next += 1
      while count < countMax, next < datagrams.count, datagrams[next].count <= first.count {
        buffer.payload += datagrams[next]
        count += 1
        next += 1
        if datagrams[next - 1].count < first.count { break }
      }
      buffers.append(buffer)
    }
    return buffers
  }
}
