import Logging

/// Telling that sealing has failed. Of the main thread.
extension Agent {
  func tellLeaks() {
    guard topology.state.leaks.takeNews() else { return }
    log.error(
      "a sealed datagram showed what it was to hide: nothing of a sealed segment leaves any more until a restart",
      metadata: ["reason": "no-session", "leaks": "\(topology.state.leaks.failureCount)"])
  }
}
