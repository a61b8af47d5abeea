/// Files that the configuration tests start from.
enum ConfigurationSamples {
  /// The specification's example with the keys that are built, and every further key of those with its default.
  static let full = """
    # the underlay, *here* & "there"
    local:
      address: 192.0.2.1            # underlay address of this VTEP, don't *care*
      port: 4789
      source-ports: 64
      offload: auto
      udp6-zero-checksum: drop
      path-mtu-raise: 600s
    control:
      socket: /run/vtep/control.sock
    workers: auto
    log: {level: info, format: logfmt}
    user: vtep
    segments:
      - vni: 42
        tap: vx42
        address: [10.42.0.1/24, "fd00:42::1/64"]
        mac: 02:00:00:00:00:01
        mtu: auto
        sealed: false
        learning: true
        ageing: 300s
        fdb-limit: 65536
        bridge: br42
        vlan: drop
        reserved: strict
        dscp: copy
        multicast-snooping: true
        storm-limit: 10000
        fdb:                        # static entries
          - {mac: "02:00:00:00:00:02", peer: b}
      - {vni: 43, tap: vx43, mtu: 1400, vlan: pass, reserved: ignore, dscp: 46, ageing: 0s, learning: false,
         mss-clamp: false, neighbor-suppression: false, multicast-snooping: false, storm-limit: 0}
    peers:
      - name: b
        address: 192.0.2.2
        port: 8472
        segments: [42]
        fdb-limit: 0
      - name: c
        address: 192.0.2.3

    """

  /// The least that is a configuration.
  static let least = """
    local: {address: 192.0.2.1}
    segments: [{vni: 42, tap: vx42}]

    """

  /// Line 1 is `local`, line 2 the segment with `keys` added, line 3 two peers.
  static func segment(_ keys: String) -> String {
    """
    local: {address: 192.0.2.1}
    segments: [{vni: 42, tap: vx42, \(keys)}]
    peers: [{name: b, address: 192.0.2.2}, {name: c, address: 192.0.2.3, segments: [42]}]
    """
  }

  /// Line 1 is `local` with `keys` added, line 2 a segment.
  static func local(_ keys: String) -> String {
    "local: {address: 192.0.2.1, \(keys)}\nsegments: [{vni: 42, tap: vx42}]\n"
  }

  /// Lines 1 and 2 are valid, `lines` follow from line 3.
  static func more(_ lines: String) -> String { least + lines + "\n" }

  /// Line 3 is one peer with `keys` added.
  static func peer(_ keys: String) -> String { more("peers: [{name: b, address: 192.0.2.2, \(keys)}]") }
}
