/// The one place that names this build's version.
package enum VtepVersion {
  package static let current = "0.1.0"
}
