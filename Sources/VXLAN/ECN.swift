/// The two bits of explicit congestion notification in the traffic class of IPv4 and IPv6.
///
/// - SeeAlso: RFC 3168, section 5; RFC 6040, section 4.
package enum ECN: UInt8, Sendable, CaseIterable {
  case notECT = 0
  case ect1 = 1
  case ect0 = 2
  case ce = 3

  @inlinable
  package init(trafficClass: UInt8) {
    switch trafficClass & 3 {
    case 0: self = .notECT
    case 1: self = .ect1
    case 2: self = .ect0
    default: self = .ce
    }
  }

  /// What the inner packet carries on after a tunnel whose outer header arrived with `outer`. Nil: it must be dropped,
  /// because congestion was signalled to a transport that would not understand it.
  ///
  /// RFC 6040, figure 4 (encapsulation in normal mode copies the field, so there is no function for it).
  @inlinable
  package static func decapsulated(inner: ECN, outer: ECN) -> ECN? {
    switch (inner, outer) {
    case (.notECT, .ce): nil
    case (.notECT, _): .notECT
    case (_, .ce): .ce
    case (.ect0, .ect1): .ect1
    default: inner
    }
  }
}
