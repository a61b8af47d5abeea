/// What an ARP message, a neighbour solicitation or an advertisement says of addresses, and what it asks.
///
/// Only frames without a tag have one: an address behind a tag is not the address without it.
package struct NeighborMessage: Equatable, Sendable {
  /// That an address is at a station.
  package struct Claim: Equatable, Sendable {
    package var address: IPAddress
    /// The source of the frame.
    package var mac: MACAddress
    package var weight: Weight
  }

  /// How far a claim goes.
  package enum Weight: Equatable, Sendable {
    /// ARP, or an advertisement that replaces what was known.
    case full(isRouter: Bool)
    /// An advertisement that does not: of an address that several may have, or by another one's hand.
    case weak(isRouter: Bool)
    /// An advertisement without a link-layer address: it confirms one that is known.
    case confirming(isRouter: Bool)
    /// A solicitation: it does not say whether its sender is a router.
    case unflagged
    /// It names another station than the one that it came from.
    case contradictory
  }

  /// A request that somebody else than the target may answer.
  package struct Question: Equatable, Sendable {
    package var target: IPAddress
    package var asker: IPAddress
    package var askerMAC: MACAddress
  }

  package var claim: Claim?
  /// Somebody is about to take this address, and asks who has it: duplicate address detection.
  package var probed: IPAddress?
  package var question: Question?

  /// That says one thing only.
  package init(claim: Claim? = nil, probed: IPAddress? = nil) {
    self.claim = claim
    self.probed = probed
  }

  // HOT
  /// Whether a frame with this EtherType may carry one. False is certain.
  @inlinable @inline(__always)
  package static func mayBe(in frame: borrowing Span<UInt8>, etherType: UInt16) -> Bool {
    etherType == Specification.etherTypeARP || NeighborDiscoveryMessage.mayBe(in: frame, etherType: etherType)
  }

  /// Reads the message in `frame`. Nil when it is none, or none that a receiver would heed.
  package init?(inFrame frame: borrowing Span<UInt8>) {
    guard let ethernet = EthernetHeader(parsing: frame) else { return nil }
    if ethernet.etherType == Specification.etherTypeARP {
      guard let message = ARPMessage(inFrame: frame) else { return nil }
      self.init(message, ethernet)
    } else {
      guard let message = NeighborDiscoveryMessage(inFrame: frame) else { return nil }
      self.init(message, ethernet)
    }
  }

  private init?(_ arp: ARPMessage, _ ethernet: EthernetHeader) {
    if arp.sender.isUnspecified {
      guard arp.operation == .request, arp.target.isAssignable else { return nil }
      probed = arp.target
      return
    }
    guard arp.sender.isAssignable, arp.senderMAC.isValidSource else { return nil }
    let isConsistent = arp.senderMAC == ethernet.source
    claim = Claim(
      address: arp.sender, mac: ethernet.source, weight: isConsistent ? .full(isRouter: false) : .contradictory)
    guard isConsistent, arp.operation == .request, ethernet.destination.isBroadcast, arp.target != arp.sender,
      arp.target.isAssignable
    else { return }
    question = Question(target: arp.target, asker: arp.sender, askerMAC: ethernet.source)
  }

  private init?(_ message: NeighborDiscoveryMessage, _ ethernet: EthernetHeader) {
    guard message.target.isAssignable else { return nil }
    switch message.kind {
    case .solicitation: self.init(solicitation: message, ethernet)
    case .advertisement: self.init(advertisement: message, ethernet)
    }
  }

  private init?(solicitation message: NeighborDiscoveryMessage, _ ethernet: EthernetHeader) {
    if message.source.isUnspecified {
      probed = message.target
      return
    }
    guard message.source.isAssignable else { return nil }
    // Without its own address the sender says nothing, and expects no answer that it had not expected before.
    guard let mac = message.linkLayerAddress else { return }
    let isConsistent = mac == ethernet.source
    claim = Claim(
      address: message.source, mac: ethernet.source, weight: isConsistent ? .unflagged : .contradictory)
    guard isConsistent, !message.isSecured, ethernet.destination.isMulticast, message.target != message.source,
      message.destination == NeighborDiscoveryMessage.solicitedNodeGroup(of: message.target)
    else { return }
    question = Question(target: message.target, asker: message.source, askerMAC: ethernet.source)
  }

  private init(advertisement message: NeighborDiscoveryMessage, _ ethernet: EthernetHeader) {
    let isRouter = message.isRouter
    let weight: Weight =
      switch message.linkLayerAddress {
      // What is signed may not be said by another: nothing is answered for this address.
      case _ where message.isSecured: .contradictory
      case nil: .confirming(isRouter: isRouter)
      case ethernet.source: message.overrides ? .full(isRouter: isRouter) : .weak(isRouter: isRouter)
      default: .contradictory
      }
    claim = Claim(address: message.target, mac: ethernet.source, weight: weight)
  }
}
