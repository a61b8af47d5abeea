import CLinuxIO

/// The processors that this process may run on.
package enum Processors {
  /// How many they are, at least 1: by the affinity mask, which containers and services narrow.
  package static func count() -> Int { max(1, Int(clinuxio_processor_count())) }
}
