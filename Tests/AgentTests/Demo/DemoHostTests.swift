import Testing

@testable import Agent

@Suite("DemoHost")
struct DemoHostTests {
  @Test(
    "a socket path comes out of the configuration as it went in",
    arguments: [
      "/tmp/a/b.sock", "/tmp/a b: c #d/x", "/tmp/it's {a} [b] &c *d !e/x", "/tmp/\"q\" \\n/x", "/tmp/\u{E9}/x",
    ])
  func quoting(path: String) throws {
    let text = ConfigurationSamples.more("control:\n  socket: \(DemoHost.quoted(path))")
    #expect(try Configuration.parse(text, file: "f").control.socket == path)
  }
}
