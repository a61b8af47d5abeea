import TestKit
import VXLAN

/// What stations send while faults last.
struct Traffic {
  /// Frames in each step of the world.
  var framesPerStep = 100
  /// One frame in so many is for all.
  var broadcastOneIn = 8
  /// One frame in so many is of 1,200 to 1,400 bytes.
  var largeOneIn = 50

  func offer(_ world: World) {
    for _ in 0..<framesPerStep { offerOne(world) }
  }

  private func offerOne(_ world: World) {
    let station = Int.random(in: 0..<world.stations.count, using: &world.generator)
    guard world.stations[station].silentUntil <= world.now else { return }
    let others = world.stations.bySegment[world.stations[station].segment]
    let isForAll = world.generator.isOne(in: broadcastOneIn)
    let receiver = isForAll ? nil : others.randomElement(using: &world.generator)
    let isLarge = world.generator.isOne(in: largeOneIn)
    world.send(
      from: station, to: receiver == station ? nil : receiver,
      byteCount: isLarge
        ? Int.random(in: 1200...1400, using: &world.generator)
        : Int.random(
          in: 60...200, using: &world.generator))
  }
}
