/// Who is told of a reload beside those who asked for it. Called on the main thread.
package struct ReloadNotices {
  var begun: () -> Void = {}
  /// Before anything that the reload writes to the log.
  var logChanged: (Configuration.Log) -> Void = { _ in }
  var ended: () -> Void = {}
  /// Something came or went by command.
  var changed: () -> Void = {}
}
