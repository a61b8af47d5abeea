import Lab
import Testing

@testable import Agent

@Suite("a host of the lab")
struct LabHostTests {
  @Test(
    "a socket path comes out of the configuration as it went in",
    arguments: [
      "/run/a/b.sock", "/run/a b: c #d/x", "/run/it's {a} [b] &c *d !e/x", "/run/\"q\" \\n/x", "/run/\u{E9}/x",
    ])
  func quoting(path: String) throws {
    let text = ConfigurationSamples.more("control:\n  socket: \(LabHost.quoted(path))")
    #expect(try Configuration.parse(text, file: "f").control.socket == path)
  }
}
