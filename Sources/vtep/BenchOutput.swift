import Agent
import Bench
import FoundationEssentials
import Glibc
import Lab

/// How the `bench` commands show a report: a table or JSON on standard output, and a page where one is wanted.
enum BenchOutput {
  /// Writes `report` as JSON, or as a table in colour where the reader can see it, and as a page to `pagePath`.
  /// - Throws: `ExitCode` 1 after a message when something cannot be written.
  static func show(_ report: BenchReport, isJSON: Bool, pagePath: String?) throws {
    // The results first: a full disk should not cost them.
    try Output.write(isJSON ? ReportJSON.encode(report) : Array(BenchTable(report, isColoured: isColoured).text.utf8))
    guard let pagePath else { return }
    let page = try HTMLReport(report).page()
    do {
      // Not by way of another file: what is there may be a device.
      try page.write(toFile: pagePath, atomically: false, encoding: .utf8)
    } catch {
      throw Output.failure("cannot write \(pagePath)")
    }
  }

  /// Whether a page can be written to `path`, to be asked before time is spent.
  /// - Throws: `ExitCode` 1 after a message.
  static func checkWritable(_ path: String) throws {
    guard !path.isEmpty else { throw Output.failure("cannot write the report: its file has no name") }
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      throw Output.failure("cannot write \(path): \(String(cString: strerror(EISDIR)))")
    }
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let isThere = access(path, F_OK) == 0
    guard access(isThere ? path : folder, W_OK) == 0 else {
      throw Output.failure("cannot write \(path): \(String(cString: strerror(errno)))")
    }
  }

  /// Rewrites the line on which a run says where it stands; nothing unless standard error is a terminal.
  static func progress(_ text: String) {
    guard isatty(STDERR_FILENO) == 1 else { return }
    StandardStream.write("\r\u{1B}[K\(text)", to: STDERR_FILENO)
  }

  /// On a terminal, unless the reader wants none.
  private static var isColoured: Bool { isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == nil }
}
