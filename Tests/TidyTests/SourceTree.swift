import Foundation

/// The files that the rules judge, and the paths that links may lead to.
struct SourceTree: Sendable {
  let files: [SourceFile]
  /// Every file and folder, relative to the root.
  let paths: Set<String>

  /// A tree of planted files.
  init(_ files: [SourceFile]) {
    self.files = files
    var paths = Set(files.map(\.path))
    for path in paths {
      let parts = path.split(separator: "/")
      for count in 1..<max(parts.count, 2) { paths.insert(parts.prefix(count).joined(separator: "/")) }
    }
    self.paths = paths
  }

  private init(root: URL) throws {
    var files: [SourceFile] = []
    var paths: Set<String> = []
    for top in try FileManager.default.contentsOfDirectory(atPath: root.path) where Self.isOurs(top) {
      for path in try Self.paths(under: top, of: root) {
        paths.insert(path)
        let url = root.appendingPathComponent(path)
        guard let text = try Self.text(at: url) else { continue }
        files.append(SourceFile(path, text, isExecutable: FileManager.default.isExecutableFile(atPath: url.path)))
      }
    }
    self.files = files.sorted { $0.path < $1.path }
    self.paths = paths
  }

  /// The repository that this file belongs to.
  static func ofThisRepository() throws -> SourceTree { try thisRepository.get() }

  /// Read once for all tests.
  private static let thisRepository = Result {
    let here = URL(fileURLWithPath: #filePath)
    return try SourceTree(
      root: here.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent())
  }

  /// Build folders and git's own are nobody's text; `.ci` and dotted files of ours are.
  private static func isOurs(_ name: String) -> Bool {
    !name.hasPrefix(".build") && name != ".git" && name != "Package.resolved"
  }

  private static func paths(under top: String, of root: URL) throws -> [String] {
    let url = root.appendingPathComponent(top)
    let isFolder = try url.resourceValues(forKeys: [.isDirectoryKey]).isDirectory ?? false
    guard isFolder else { return [top] }
    return try [top]
      + FileManager.default.subpathsOfDirectory(atPath: url.path).map { "\(top)/\($0)" }
      .filter { !$0.contains("__pycache__") && !$0.contains(".pytest_cache") }
  }

  /// Nil for a folder and for what is not UTF-8, such as a capture.
  private static func text(at url: URL) throws -> String? {
    guard try url.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile ?? false else { return nil }
    return String(data: try Data(contentsOf: url), encoding: .utf8)
  }
}
