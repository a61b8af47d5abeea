/// Valid configurations, whole and in parts, for the file and for what is added at run time.
enum ConfigurationSeeds {
  static let texts = [
    """
    local: {address: 192.0.2.1}
    segments: [{vni: 42, tap: vx42}]

    """,
    """
    # the underlay, *here* & "there"
    local: {address: 192.0.2.1, port: 4789, source-ports: 64, offload: auto, udp6-zero-checksum: drop,
      path-mtu-raise: 600s, private-key-file: /etc/vtep/private.key}     # underlay address of this VTEP
    control: {socket: /run/vtep/control.sock, metrics: "127.0.0.1:9100"}
    workers: auto
    log: {level: info, format: logfmt}
    user: nobody
    segments:
      - {vni: 42, tap: vx42, sealed: true, mtu: auto, mac: "02:00:00:00:00:01", bridge: br42, ageing: 300s,
         address: [10.42.0.1/24, "fd00:42::1/64"], fdb: [{mac: "02:00:00:00:00:02", peer: b}]}
      - {vni: 43, tap: vx43, mtu: 1400, vlan: pass, reserved: ignore, dscp: 46, ageing: 0s, learning: false,
         mss-clamp: false, neighbor-suppression: false, multicast-snooping: false, storm-limit: 0}
    peers:
      - name: b
        address: 192.0.2.2
        port: 8472
        segments: [42]
        fdb-limit: 0
        public-key: HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=
      - {name: c, address: 192.0.2.3, segments: [43]}

    """,
    """
    local: {address: "fd00::1", port: 4789}
    segments: [{vni: 16777215, tap: a, address: ["fd42::1/64"]}, {vni: 0, tap: b, sealed: false}]
    peers: [{name: x, address: "fd00::2"}, {name: y, address: "fd00::3", segments: [0]}]

    """,
  ]

  static let peer = #"{"name": "d", "address": "192.0.2.4", "segments": [42]}"#
  static let segment = #"{"vni": 44, "tap": "vx44", "mtu": 1400, "peers": ["b"]}"#
}
