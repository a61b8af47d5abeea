/// The bounds of the control socket, each of which a client can run into. Tests shorten the times.
package struct ControlLimits: Sendable {
  /// Connections at a time. One more is closed at once.
  package var clientCountMax = 64
  /// Bytes of one request, request line, headers and body together.
  package var requestByteCountMax = 65_536
  /// From the connection, or from the last answer, to the last byte of a request.
  package var requestTime: Duration = .seconds(5)
  /// From an answer's first byte to its last, so that a client that does not read frees its place.
  package var answerTime: Duration = .seconds(30)
  /// What a client that may not ask gets of `requestTime`, so that it does not hold a place for long.
  package var refusedRequestTime: Duration = .seconds(1)
  /// Requests of one client that wait for an earlier answer. One more is refused and the connection closed.
  package var pipelinedRequestCountMax = 16
  /// Requests that wait for what has not happened yet: half of the clients, so that others always find a place.
  package var waitingRequestCountMax = 32
  /// Bytes of answers that clients have not read yet, of all together: eight pages of the tables.
  package var unreadAnswerByteCountMax = 4 << 20

  /// Entries of the forwarding tables in one answer: half a megabyte of JSON, and a few milliseconds.
  package static let pageEntryCountMax = 4_096
  /// Bytes of an answer that every client gets, whatever others have not read.
  static let freeAnswerByteCountMax = 4_096
  /// Bytes of one read. Small, since what a client pipelined behind a request is counted only from the next read on.
  static let readByteCount = 4_096
  /// How long a request for what has not happened yet waits, and how often it looks.
  static let pendingTime: Duration = .seconds(4)
  static let pendingPause: Duration = .milliseconds(100)
  /// How long `stop` waits for the event loop.
  static let stopTime: Duration = .milliseconds(900)

  package init() {}
}
