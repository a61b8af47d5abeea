/// Where results go, so that the compiler cannot leave out the work that gave them.
enum Sink {
  /// Takes a value of a round. Once a round, never once an operation.
  @inline(never)
  @_optimize(none)
  static func take(_ value: UInt64) {}
}
