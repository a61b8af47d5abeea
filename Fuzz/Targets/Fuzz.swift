import Glibc
import TestKit

/// One program for all fuzz targets: `VTEP_FUZZ_TARGET` names the one that runs, the arguments are libFuzzer's.
///
/// Without a target it makes seeds: `Fuzz seeds FOLDER` writes `FOLDER/TARGET/NAME`; `Fuzz list` prints one line for
/// each target: its name and the length of its longest input, in bytes.
@main
enum Fuzz {
  static var targets: [any FuzzTarget.Type] {
    [
      DatagramTarget.self, CoalescingTarget.self, FrameTarget.self, InnerTarget.self, SealedTarget.self,
      HandshakeTarget.self, ControlTarget.self, ConfigurationTarget.self, TakeoverTarget.self, NetlinkTarget.self,
      KeyLogTarget.self, CaptureTarget.self, VerifyTarget.self,
    ]
  }
  /// libFuzzer calls from one thread, and hands nothing on to the callback.
  nonisolated(unsafe) fileprivate static var target: (any FuzzTarget)?

  static func main() {
    switch CommandLine.arguments.dropFirst().first {
    case "list": for target in targets { print(target.name, target.byteCountMax) }
    case "seeds": writeSeeds(under: CommandLine.arguments.dropFirst(2).first ?? "Fuzz/corpora")
    default: run()
    }
  }

  private static func run() {
    let name = getenv("VTEP_FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let type = targets.first(where: { $0.name == name }) else {
      print("VTEP_FUZZ_TARGET must be one of: \(targets.map { $0.name }.joined(separator: ", "))")
      exit(64)
    }
    target = type.init()
    var count = CommandLine.argc
    var values = CommandLine.unsafeArgv
    exit(runDriver(&count, &values, execute))
  }

  private static func writeSeeds(under folder: String) {
    for target in targets {
      let own = "\(folder)/\(target.name)"
      mkdir(folder, 0o755)
      mkdir(own, 0o755)
      for (number, bytes) in target.seeds.enumerated() {
        require(bytes.count <= target.byteCountMax, "seed \(number) of \(target.name): \(bytes.count) bytes")
        guard let file = fopen("\(own)/seed-\(number)", "w") else { preconditionFailure("\(own): cannot be written") }
        require(fwrite(bytes, 1, bytes.count, file) == bytes.count && fclose(file) == 0, "\(own): cannot be written")
      }
    }
  }
}

private typealias Callback = @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
private typealias Arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

/// Of libFuzzer.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>, _ values: UnsafeMutablePointer<Arguments>, _ callback: Callback
) -> CInt

// SAFETY: libFuzzer's bytes live until the call returns, and are copied first.
private func execute(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  Fuzz.target?.run(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
