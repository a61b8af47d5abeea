import Testing

/// Configurations with one thing wrong each.
enum BrokenConfigurations {
  struct Sample: Sendable, CustomTestStringConvertible {
    let text: String
    let line: Int?
    let words: [String]
    init(_ text: String, _ line: Int?, _ words: String...) {
      (self.text, self.line, self.words) = (text, line, words)
    }
    var testDescription: String { "\(words.joined(separator: " ")) at \(line ?? 0)" }
  }

  private typealias Samples = ConfigurationSamples
  static let all = yaml + keys + scalars + names + addresses + references + sealing

  /// What the YAML itself can have wrong.
  private static let yaml = [
    Sample("", 1, "empty", "local"),
    Sample("# nothing\n\n", 1, "empty"),
    Sample("---\n", 1, "empty"),
    Sample("null\n", 1, "empty"),
    Sample("just text\n", 1, "must be a mapping"),
    Sample("- local\n", 1, "must be a mapping"),
    Sample(Samples.least + "---\nlocal: 1\n", 3, "second document"),
    Sample(Samples.more("log:\n\tlevel: info"), 4, "tab", "spaces"),
    Sample(Samples.more("log: {level: info"), 3, "not YAML"),
    Sample(Samples.more("log: \"info"), 3, "not YAML"),
    Sample(Samples.more("log: info: debug"), 3, "not YAML", "mapping values"),
    Sample(Samples.more("log: @info"), 3, "not YAML"),
    Sample(Samples.more("log:\n  level: info\n format: json"), 5, "not YAML"),
    Sample(Samples.more("local: {address: 192.0.2.9}"), 3, "local", "twice", "line 1"),
    Sample(
      "local:\n  address: 192.0.2.1\n  port: 1\n  # port: 2\n\n  port: 3\nsegments: []\n",
      6, "port", "twice", "line 3"),
    Sample("segments:\n  - vni: 42\n    tap: a\n    \"vni\" : 43\nlocal: {address: 192.0.2.1}\n", 4, "vni", "line 2"),
    Sample(Samples.local("port: 1, port: 2"), 1, "port", "twice"),
    Sample("a: &a [x]\n" + Samples.least, 1, "anchors"),
    Sample("# it's\nlocal: {address: 192.0.2.1}\nsegments: [*all]\n", 3, "aliases", "write the value out"),
    Sample("local: {\"address\":*a}\nsegments: []\n", 1, "aliases"),
    Sample("local: {'x # ': *a}\nsegments: []\n", 1, "aliases"),
    Sample("local: {\"x\n # \": *a}\nsegments: []\n", 2, "aliases"),
    Sample(Samples.more("log: {level: !!bool info}"), 3, "tag"),
    Sample(Samples.more("log: !mine {level: info}"), 3, "tag"),
    Sample(Samples.more("? [a, b]\n: 1"), 3, "cannot be a key"),
    Sample(Samples.more("log: {level: \u{1}}"), 3, "U+0001"),
    Sample(Samples.more("log: {level: in\u{2028}fo}"), 3, "U+2028"),
    Sample(String(repeating: "[", count: 100_000), 1, "nested too deeply"),
    Sample(String(repeating: "- ", count: 100_000), 1, "nested too deeply"),
  ]

  /// Keys that are unknown, missing, without a value or of the wrong kind.
  private static let keys = [
    Sample(Samples.more("colour: red"), 3, "unknown key \"colour\" at the top level", "known are", "log"),
    Sample(Samples.more("peer: []"), 3, "\"peer\"", "did you mean peers?"),
    Sample(Samples.local("adress: 192.0.2.9"), 1, "\"adress\" in local", "did you mean address?"),
    Sample(Samples.local("seald-port: 1"), 1, "did you mean sealed-port?"),
    Sample(Samples.segment("agein: 3s"), 2, "\"agein\" in segments[]", "did you mean ageing?"),
    Sample(Samples.segment("VNI: 3"), 2, "\"VNI\"", "did you mean vni?"),
    Sample(Samples.segment("fdb: [{mac: 02:00:00:00:00:02, peer: b, port: 1}]"), 2, "segments[].fdb[]", "port"),
    Sample(Samples.peer("mtu: 1400"), 3, "\"mtu\" in peers[]"),
    Sample(Samples.more("log: {file: a}"), 3, "\"file\" in log"),
    Sample(Samples.more("<<: {log: {level: info}}"), 3, "unknown key"),
    Sample("segments: []\n", 1, "lacks the key local", "192.0.2.1"),
    Sample("\n# x\nlocal: {address: 192.0.2.1}\n", 3, "lacks the key segments"),
    Sample("segments: []\nlocal:\n  port: 4789\n", 3, "local lacks the key address"),
    Sample("local: {address: 192.0.2.1}\nsegments:\n  - tap: vx42\n", 3, "segments[] lacks the key vni"),
    Sample("local: {address: 192.0.2.1}\nsegments:\n  - vni: 1\n    tap: a\n  - mtu: 1400\n    vni: 2\n", 5, "tap"),
    Sample(Samples.more("peers:\n  - address: 192.0.2.2"), 4, "peers[] lacks the key name"),
    Sample(Samples.more("peers:\n  - name: b"), 4, "peers[] lacks the key address"),
    Sample(Samples.segment("fdb: [{peer: b}]"), 2, "segments[].fdb[] lacks the key mac"),
    Sample(Samples.segment("fdb: [{mac: 02:00:00:00:00:02}]"), 2, "lacks the key peer"),
    Sample("local:\nsegments: []\n", 1, "local has no value"),
    Sample("local: {address: 192.0.2.1}\nsegments:\n", 2, "segments has no value"),
    Sample(Samples.local("port: ~"), 1, "local.port has no value"),
    Sample("local: 192.0.2.1\nsegments: []\n", 1, "local must be a mapping"),
    Sample("local: {address: 192.0.2.1}\nsegments: {vni: 42, tap: a}\n", 2, "must be a list"),
    Sample("local: {address: 192.0.2.1}\nsegments: [42]\n", 2, "segments[] must be a mapping"),
    Sample("local: {address: 192.0.2.1}\nsegments:\n  -\n", 3, "segments[] must be a mapping"),
    Sample(Samples.segment("address: 10.42.0.1/24"), 2, "must be a list", "[10.42.0.1/24]"),
    Sample(Samples.segment("address: [[10.42.0.1/24]]"), 2, "single value"),
    Sample(Samples.segment("address: [~]"), 2, "single value"),
    Sample(Samples.peer("segments: 42"), 3, "must be a list"),
    Sample(Samples.peer("segments: []"), 3, "is empty", "remove the key"),
    Sample(Samples.local("port: [4789]"), 1, "single value"),
  ]

  /// Numbers, booleans, durations and words.
  private static let scalars = [
    Sample(Samples.local("port: 0"), 1, "local.port", "out of range", "1 to 65535"),
    Sample(Samples.local("port: 65536"), 1, "out of range"),
    Sample(Samples.local("port: -1"), 1, "out of range"),
    Sample(Samples.local("port: 99999999999999999999"), 1, "out of range"),
    Sample(Samples.local("port: \"4789\""), 1, "is text", "without quotes"),
    Sample(Samples.local("port: vxlan"), 1, "not a decimal number"),
    Sample(Samples.local("port: 0x12b5"), 1, "not a decimal number"),
    Sample(Samples.local("port: 04789"), 1, "not a decimal number"),
    Sample(Samples.local("port: 4_789"), 1, "not a decimal number"),
    Sample(Samples.local("port: 1:30"), 1, "not a decimal number"),
    Sample(Samples.local("port: 4789.0"), 1, "not a decimal number"),
    Sample(Samples.local("port: +4789"), 1, "not a decimal number"),
    Sample(Samples.local("port: 4790"), 1, "sealed-port"),
    Sample(Samples.peer("port: 4790"), 3, "sealed-port"),
    Sample(Samples.local("source-ports: 0"), 1, "1 to 1024"),
    Sample(Samples.local("path-mtu-raise: 0s"), 1, "1s to 86400s"),
    Sample(Samples.local("path-mtu-raise: 86401s"), 1, "1s to 86400s"),
    Sample(Samples.local("path-mtu-raise: soon"), 1, "such as 300s"),
    Sample(Samples.local("source-ports: 1025"), 1, "1 to 1024"),
    Sample(Samples.local("offload: on"), 1, "auto or off"),
    Sample(Samples.local("udp6-zero-checksum: true"), 1, "drop or accept"),
    Sample("local: {address: 192.0.2.1}\nsegments: [{tap: a, vni: 16777216}]", 2, "0 to 16777215"),
    Sample("local: {address: 192.0.2.1}\nsegments: [{tap: a, vni: -1}]", 2, "0 to 16777215"),
    Sample("local: {address: 192.0.2.1}\nsegments: [{tap: a, vni: \"42\"}]", 2, "is text"),
    Sample(Samples.segment("mtu: 67"), 2, "auto or", "68 to 65535"),
    Sample(Samples.segment("mtu: 65536"), 2, "68 to 65535"),
    Sample(Samples.segment("mtu: none"), 2, "auto or"),
    Sample(Samples.segment("mtu: 1279, address: [\"fd00::1/64\"]"), 2, "1280"),
    Sample(Samples.segment("dscp: 64"), 2, "copy or", "0 to 63"),
    Sample(Samples.segment("storm-limit: none"), 2, "0 for none", "0 to 10000000"),
    Sample(Samples.segment("storm-limit: 10000001"), 2, "out of range"),
    Sample(Samples.segment("storm-limit: -1"), 2, "out of range"),
    Sample(Samples.segment("multicast-snooping: auto"), 2, "multicast-snooping", "true or false"),
    Sample(Samples.segment("mss-clamp: 1460"), 2, "mss-clamp", "true or false"),
    Sample(Samples.segment("neighbor-suppression: 120s"), 2, "neighbor-suppression", "true or false"),
    Sample(Samples.segment("learning: yes"), 2, "true or false"),
    Sample(Samples.segment("learning: True"), 2, "true or false"),
    Sample(Samples.segment("learning: 1"), 2, "true or false"),
    Sample(Samples.segment("learning: \"true\""), 2, "without quotes"),
    Sample(Samples.segment("sealed: no"), 2, "true or false"),
    Sample(Samples.segment("ageing: 300"), 2, "not a duration", "300s"),
    Sample(Samples.segment("ageing: 5 m"), 2, "not a duration"),
    Sample(Samples.segment("ageing: 1.5h"), 2, "not a duration"),
    Sample(Samples.segment("ageing: -1s"), 2, "not a duration"),
    Sample(Samples.segment("ageing: 1d"), 2, "not a duration"),
    Sample(Samples.segment("ageing: 500ms"), 2, "out of range", "1s to 31536000s"),
    Sample(Samples.segment("ageing: 8761h"), 2, "out of range"),
    Sample(Samples.segment("ageing: 9223372036854775807h"), 2, "out of range"),
    Sample(Samples.segment("ageing: 9223372036854775808h"), 2, "not a duration"),
    Sample(Samples.segment("fdb-limit: 0"), 2, "1 to 4194304"),
    Sample(Samples.segment("fdb-limit: 4194305"), 2, "1 to 4194304"),
    Sample(Samples.peer("fdb-limit: -1"), 3, "0 to 4194304"),
    Sample(Samples.peer("fdb-limit: 4194305"), 3, "0 to 4194304"),
    Sample(Samples.segment("vlan: keep"), 2, "drop or pass"),
    Sample(Samples.segment("reserved: lax"), 2, "strict or ignore"),
    Sample(Samples.more("workers: 0"), 3, "1 to 15"),
    Sample(Samples.more("workers: 16"), 3, "1 to 15"),
    Sample(Samples.more("workers: many"), 3, "auto"),
    Sample(Samples.more("log: {level: loud}"), 3, "trace, debug, info, notice, warning, error or critical"),
    Sample(Samples.more("log: {format: text}"), 3, "logfmt or json"),
  ]

  /// Names of devices and peers, and paths.
  private static let names = [
    Sample(Samples.segment("bridge: a234567890123456"), 2, "16 bytes", "1 to 15"),
    Sample("local: {address: 192.0.2.1}\nsegments: [{vni: 1, tap: vx-0123456789ab\u{E9}}]", 2, "17 bytes"),
    Sample("local: {address: 192.0.2.1}\nsegments: [{vni: 1, tap: \"\"}]", 2, "empty"),
    Sample("local: {address: 192.0.2.1}\nsegments: [{vni: 1, tap: a/b}]", 2, "slash"),
    Sample("local: {address: 192.0.2.1}\nsegments: [{vni: 1, tap: vx%d}]", 2, "percent"),
    Sample("local: {address: 192.0.2.1}\nsegments: [{vni: 1, tap: a:b}]", 2, "colon"),
    Sample("local: {address: 192.0.2.1}\nsegments: [{vni: 1, tap: a b}]", 2, "space"),
    Sample("local: {address: 192.0.2.1}\nsegments: [{vni: 1, tap: \"a\\0b\"}]", 2, "control character"),
    Sample("local: {address: 192.0.2.1}\nsegments: [{vni: 1, tap: .}]", 2, "no device"),
    Sample("local: {address: 192.0.2.1}\nsegments: [{vni: 1, tap: ..}]", 2, "no device"),
    Sample("local: {address: 192.0.2.1}\nsegments: [{vni: 1, tap: 42}]", 2, "not text", "\"42\""),
    Sample(Samples.more("peers: [{name: true, address: 192.0.2.2}]"), 3, "not text"),
    Sample(Samples.more("peers: [{name: a b, address: 192.0.2.2}]"), 3, "no spaces"),
    Sample(Samples.more("peers: [{name: --all, address: 192.0.2.2}]"), 3, "dash"),
    Sample(Samples.more("peers: [{name: \(String(repeating: "n", count: 65)), address: 192.0.2.2}]"), 3, "1 to 64"),
    Sample(Samples.more("control: {socket: /\(String(repeating: "s", count: 107))}"), 3, "at most 107"),
    Sample(Samples.more("control: {socket: /run/vtep/}"), 3, "directory"),
  ]

  /// IP and MAC addresses.
  private static let addresses = [
    Sample("local: {address: 192.0.2.256}\nsegments: []", 1, "not an IP address", "192.0.2.1"),
    Sample("local: {address: 192.0.2.1/24}\nsegments: []", 1, "not an IP address"),
    Sample("local: {address: 192.0.2.1:4789}\nsegments: []", 1, "without a port"),
    Sample("local: {address: host.example}\nsegments: []", 1, "not an IP address"),
    Sample("local: {address: 0.0.0.0}\nsegments: []", 1, "unspecified"),
    Sample("local: {address: \"::\"}\nsegments: []", 1, "unspecified"),
    Sample("local: {address: 239.1.1.1}\nsegments: []", 1, "multicast"),
    Sample("local: {address: \"ff02::1\"}\nsegments: []", 1, "multicast"),
    Sample("local: {address: 255.255.255.255}\nsegments: []", 1, "broadcast"),
    Sample("local: {address: fe80::1}\nsegments: []", 1, "link-local"),
    Sample("local: {address: fe80::1%eth0}\nsegments: []", 1, "zone"),
    Sample("local: {address: \"::ffff:192.0.2.1\"}\nsegments: []", 1, "IPv4"),
    Sample(Samples.more("peers: [{name: b, address: 224.0.0.1}]"), 3, "peers[].address", "multicast"),
    Sample(Samples.more("peers: [{name: b, address: 0.0.0.0}]"), 3, "unspecified"),
    Sample(Samples.more("peers: [{name: b, address: 192.0.2.1}]"), 3, "is local.address"),
    Sample(Samples.more("peers: [{name: b, address: \"2001:db8::2\"}]"), 3, "IPv6", "IPv4", "not built yet"),
    Sample(
      "local: {address: \"2001:db8::1\"}\nsegments: []\npeers: [{name: b, address: 192.0.2.2}]",
      3, "an IPv6 address"),
    Sample(Samples.segment("address: [10.42.0.1]"), 2, "prefix length", "10.42.0.1/24"),
    Sample(Samples.segment("address: [10.42.0.1/33]"), 2, "prefix length"),
    Sample(Samples.segment("address: [10.42.0.1/0]"), 2, "every address"),
    Sample(Samples.segment("address: [224.0.0.1/24]"), 2, "multicast"),
    Sample(Samples.segment("address: [10.42.0.255/24]"), 2, "broadcast address of its network"),
    Sample(Samples.segment("address: [127.0.0.1/8]"), 2, "loopback"),
    Sample(Samples.segment("mac: 02:00:00:00:00"), 2, "not a MAC address"),
    Sample(Samples.segment("mac: 03:00:00:00:00:01"), 2, "multicast"),
    Sample(Samples.segment("mac: ff:ff:ff:ff:ff:ff"), 2, "broadcast"),
    Sample(Samples.segment("mac: 00:00:00:00:00:00"), 2, "zero"),
    Sample(Samples.segment("fdb: [{mac: 01:00:5e:00:00:01, peer: b}]"), 2, "segments[].fdb[].mac", "multicast"),
  ]

  /// What stands twice and what leads nowhere.
  private static let references = [
    Sample("local: {address: 192.0.2.1}\nsegments:\n- {vni: 1, tap: a}\n- {vni: 1, tap: b}\n", 4, "VNI 1", "line 3"),
    Sample("local: {address: 192.0.2.1}\nsegments:\n- {vni: 1, tap: a}\n- {vni: 2, tap: a}\n", 4, "TAP a", "line 3"),
    Sample(
      "local: {address: 192.0.2.1}\nsegments:\n- {vni: 1, tap: a, bridge: b}\n- {vni: 2, tap: b}\n",
      3, "name of a TAP"),
    Sample(
      "local: {address: 192.0.2.1}\nsegments:\n- {vni: 1, tap: a, bridge: b}\n- {vni: 2, tap: c, bridge: b}\n",
      4, "bridge", "line 3", "join"),
    Sample(Samples.segment("address: [10.0.0.1/24, 10.0.0.1/16]"), 2, "10.0.0.1", "unique"),
    Sample(
      Samples.segment("fdb: [{mac: 02:00:00:00:00:02, peer: b}, {mac: 02-00-00-00-00-02, peer: c}]"),
      2, "static MAC"),
    Sample(Samples.segment("mac: 02:00:00:00:00:02, fdb: [{mac: 02:00:00:00:00:02, peer: b}]"), 2, "own mac"),
    Sample(Samples.segment("fdb: [{mac: 02:00:00:00:00:02, peer: d1}]"), 2, "no peer has the name d1"),
    Sample(
      Samples.more("peers:\n- {name: b, address: 192.0.2.2}\n- {name: b, address: 192.0.2.3}"),
      5, "name b", "line 4"),
    Sample(
      Samples.more("peers:\n- {name: b, address: 192.0.2.2}\n- {name: c, address: 192.0.2.2}"),
      5, "192.0.2.2", "line 4"),
    Sample(Samples.peer("segments: [43]"), 3, "no segment has the VNI 43"),
    Sample(Samples.peer("segments: [42, 42]"), 3, "VNI of this peer 42"),
    Sample(Samples.peer("segments: [all]"), 3, "peers[].segments", "0 to 16777215"),
    Sample(
      "local: {address: 192.0.2.1}\nsegments:\n- {vni: 1, tap: a}\n- vni: 2\n  tap: b\n  fdb:\n"
        + "  - {mac: 02:00:00:00:00:02, peer: b}\npeers: [{name: b, address: 192.0.2.2, segments: [1]}]\n",
      7, "b does not have the segment 2"),
    Sample(
      Samples.peer("segments: [\(Array(repeating: "1", count: 1_025).joined(separator: ", "))]"),
      3, "at most 1024"),
  ]
}
