import Foundation

/// What this process has in memory.
enum ResidentMemory {
  private static let pageByteCount = 4096

  /// In bytes; 0 where the kernel does not tell.
  /// - SeeAlso: proc_pid_statm(5).
  static var byteCount: Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    let fields = text.split(separator: " ")
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * pageByteCount : 0
  }
}
