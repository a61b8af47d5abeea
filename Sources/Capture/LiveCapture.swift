import CPcap
import Glibc

/// Packets of an interface, or of all of them (`any`), as they come.
///
/// *Threads.* One.
/// - SeeAlso: pcap(3PCAP); packet(7).
package final class LiveCapture: PacketSource {
  package enum Direction: String, CaseIterable, Sendable {
    case `in`, out, `inout`

    fileprivate var number: pcap_direction_t {
      switch self {
      case .in: PCAP_D_IN
      case .out: PCAP_D_OUT
      case .inout: PCAP_D_INOUT
      }
    }
  }

  package struct Options: Sendable {
    package var snapshotByteCount = 0
    package var direction = Direction.inout
    /// Each packet at once, rather than in blocks.
    package var isImmediate = false

    package init() {}
  }

  /// What the kernel counted.
  package struct Counts: Equatable, Sendable {
    package let received: UInt32
    package let dropped: UInt32
    package let droppedByInterface: UInt32
  }

  package let linkType: LinkType
  package let snapshotByteCount: Int
  private let interface: String
  private let isNanoseconds: Bool
  // SAFETY: libpcap's handle, closed in `deinit`.
  private let handle: OpaquePointer
  private var hasSaidIdle = false

  /// Begins to capture.
  /// - Throws: no such interface, no permission.
  package init(interface: String, options: Options) throws(CaptureError) {
    if let reason = cpcap_load() { throw .missingLibrary(reason) }
    var error = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    guard let handle = cpcap_create(interface, &error) else {
      throw CaptureError("\(interface): \(CaptureFile.text(error))")
    }
    let wanted = options.snapshotByteCount == 0 ? Limits.snapshotByteCount : Int32(clamping: options.snapshotByteCount)
    _ = cpcap_set_snaplen(handle, min(wanted, Limits.snapshotByteCount))
    _ = cpcap_set_promisc(handle, interface == "any" ? 0 : 1)
    _ = cpcap_set_timeout(handle, Limits.blockMilliseconds)
    if options.isImmediate { _ = cpcap_set_immediate_mode(handle, 1) }
    _ = cpcap_set_buffer_size(handle, Limits.ringByteCount)
    _ = cpcap_set_tstamp_precision(handle, PCAP_TSTAMP_PRECISION_NANO)
    do throws(CaptureError) {
      try Self.activate(handle, interface)
      guard options.direction == .inout || cpcap_setdirection(handle, options.direction.number) == 0,
        cpcap_setnonblock(handle, 1, &error) == 0
      else { throw CaptureError("\(interface): \(String(cString: cpcap_geterr(handle)))") }
    } catch {
      cpcap_close(handle)
      throw error
    }
    self.handle = handle
    self.interface = interface
    linkType = LinkType(dataLink: cpcap_datalink(handle))
    isNanoseconds = cpcap_get_tstamp_precision(handle) == PCAP_TSTAMP_PRECISION_NANO
    snapshotByteCount = Int(cpcap_snapshot(handle))
  }

  deinit { cpcap_close(handle) }

  // SAFETY: the handle is the caller's, and open.
  private static func activate(_ handle: OpaquePointer, _ interface: String) throws(CaptureError) {
    let answer = cpcap_activate(handle)
    guard answer < 0 else { return }
    let detail = String(cString: cpcap_geterr(handle))
    switch answer {
    case PCAP_ERROR_NO_SUCH_DEVICE: throw CaptureError("\(interface): no such interface; `ip link` lists them")
    case PCAP_ERROR_PERM_DENIED, PCAP_ERROR_PROMISC_PERM_DENIED:
      throw CaptureError("\(interface): no permission to capture; it takes root or CAP_NET_RAW")
    case PCAP_ERROR_IFACE_NOT_UP: throw CaptureError("\(interface): the interface is not up")
    default: throw CaptureError("\(interface): \(detail.isEmpty ? "libpcap answers \(answer)" : detail)")
    }
  }

  /// Has the kernel hand over only what `expression` lets pass, and of that what goes to one of the `ports`.
  package func filter(_ expression: String, ports: OverlayPorts) throws(CaptureError) {
    if !expression.isEmpty { _ = try PacketFilter(expression, linkType: linkType) }
    let wanted = Self.expression(ports, linkType)
    let whole = expression.isEmpty ? wanted : "(\(expression)) and \(wanted)"
    var program = bpf_program()
    guard cpcap_compile(handle, &program, whole, 1) == 0 else {
      throw CaptureError("the filter \"\(expression)\" is refused: \(String(cString: cpcap_geterr(handle)))")
    }
    defer { cpcap_freecode(&program) }
    guard cpcap_setfilter(handle, &program) == 0 else {
      throw CaptureError("\(interface): \(String(cString: cpcap_geterr(handle)))")
    }
  }

  /// What `OverlayDatagram` takes, and hardly more: also behind tags of the underlay, each of which moves all that
  /// follows in an expression, and behind extension headers of IPv6, which pcap-filter(7) does not step over.
  static func expression(_ ports: OverlayPorts, _ linkType: LinkType) -> String {
    let extensions = [0, 43, 44, 51, 60].map { "ip6[6] = \($0)" }.joined(separator: " or ")
    let datagrams = "(\(ports.expression) or (\(extensions)))"
    guard linkType == .ethernet else { return datagrams }
    return "(\(datagrams) or (vlan and (\(datagrams) or (vlan and \(datagrams)))))"
  }

  package func step() throws(CaptureError) -> PacketStep {
    var header: UnsafeMutablePointer<pcap_pkthdr>?
    var bytes: UnsafePointer<UInt8>?
    while !StopSignal.isRaised {
      switch cpcap_next_ex(handle, &header, &bytes) {
      case 1:
        guard let header, let bytes else { continue }
        hasSaidIdle = false
        return .packet(CapturedPacket(header.pointee, bytes, isNanoseconds: isNanoseconds))
      case 0:
        guard hasSaidIdle else {
          hasSaidIdle = true
          return .idle
        }
        wait()
      case PCAP_ERROR_BREAK: return .end
      default: throw CaptureError("\(interface): \(String(cString: cpcap_geterr(handle)))")
      }
    }
    return .end
  }

  /// The next packet that is there by now; nil without one. Waits for nothing.
  package func take() throws(CaptureError) -> CapturedPacket? {
    var header: UnsafeMutablePointer<pcap_pkthdr>?
    var bytes: UnsafePointer<UInt8>?
    switch cpcap_next_ex(handle, &header, &bytes) {
    case 1:
      guard let header, let bytes else { return nil }
      return CapturedPacket(header.pointee, bytes, isNanoseconds: isNanoseconds)
    case 0, PCAP_ERROR_BREAK: return nil
    default: throw CaptureError("\(interface): \(String(cString: cpcap_geterr(handle)))")
    }
  }

  private func wait() {
    var waiting = pollfd(fd: cpcap_get_selectable_fd(handle), events: Int16(POLLIN), revents: 0)
    _ = poll(&waiting, 1, Limits.waitMilliseconds)
  }

  /// Nil where the kernel does not say.
  package func counts() -> Counts? {
    var result = pcap_stat()
    guard cpcap_stats(handle, &result) == 0 else { return nil }
    return Counts(received: result.ps_recv, dropped: result.ps_drop, droppedByInterface: result.ps_ifdrop)
  }
}
