import Sealing

/// A plan from what stands on a command line.
extension BenchPlan {
  /// What is wrong with an option, and what would be right.
  package struct Problem: Error, Equatable, CustomStringConvertible {
    package let description: String
  }

  /// Options as they were given; nil: not at all.
  package struct Options: Equatable, Sendable {
    package var rounds: Int?
    package var seconds: Double?
    package var candidates: String?
    package var workloads: String?
    package var underlay: String?
    package var generator: String?
    package var cipher: String?
    /// One round on one underlay instead of five on both, unless the others say more.
    package var isQuick = false

    /// None.
    package init() {}
  }

  private static let roundsMax = 1000
  private static let secondsRange = 0.1...3600

  /// - Throws: for a name that does not exist or is not built yet, one that stands twice, and numbers out of range.
  package init(_ options: Options) throws(Problem) {
    let rounds = options.rounds ?? (options.isQuick ? 1 : 5)
    guard (1...Self.roundsMax).contains(rounds) else {
      throw Problem(description: "--rounds \(rounds): give 1 to \(Self.roundsMax)")
    }
    let seconds = options.seconds ?? 1
    guard Self.secondsRange.contains(seconds) else {
      throw Problem(description: "--seconds \(seconds): give 0.1 to 3600")
    }
    let generator = try Self.generator(options.generator)
    guard generator == .own || seconds == seconds.rounded() else {
      throw Problem(description: "--seconds \(seconds): iperf3 takes whole seconds")
    }
    let candidates = try Self.names(options.candidates, "--candidates", of: Self.candidates)
    guard options.cipher == nil || candidates.contains(.vtepSealed) else {
      throw Problem(description: "--cipher: nothing is sealed without vtep-sealed among the --candidates")
    }
    self.init(
      rounds: rounds, seconds: seconds, candidates: candidates,
      workloads: try Self.names(options.workloads, "--workloads", of: Self.workloads),
      underlays: try Self.underlays(options.underlay ?? (options.isQuick ? "transparent" : "both")),
      generator: generator, cipher: try Self.cipher(options.cipher))
  }

  private static func generator(_ name: String?) throws(Problem) -> Generator {
    guard let name else { return .own }
    guard let generator = Generator(rawValue: name) else {
      throw Problem(description: "--generator \(name): give own or iperf3")
    }
    return generator
  }

  private static func cipher(_ name: String?) throws(Problem) -> Cipher? {
    guard let name, name != "auto" else { return nil }
    guard let cipher = Cipher.allCases.first(where: { $0.name == name }) else {
      let valid = Cipher.allCases.map(\.name).joined(separator: ", ")
      throw Problem(description: "--cipher \(name): give auto or one of \(valid)")
    }
    return cipher
  }

  private static func underlays(_ name: String) throws(Problem) -> [Underlay] {
    if name == "both" { return underlays }
    guard let underlay = Underlay(rawValue: name), underlays.contains(underlay) else {
      throw Problem(description: "--underlay \(name): give transparent, segmenting or both")
    }
    return [underlay]
  }

  /// The names of a list with commas, in its order; all of `known` when there is no list.
  private static func names<Name: RawRepresentable<String> & Equatable>(
    _ list: String?, _ option: String, of known: [Name]
  ) throws(Problem) -> [Name] {
    guard let list else { return known }
    let valid = known.map(\.rawValue).joined(separator: ", ")
    var names: [Name] = []
    for text in list.split(separator: ",", omittingEmptySubsequences: false) {
      guard let name = Name(rawValue: String(text)), known.contains(name) else {
        throw Problem(description: "\(option): there is no '\(text)'; give some of \(valid), with commas between")
      }
      guard !names.contains(name) else { throw Problem(description: "\(option): '\(text)' stands there twice") }
      names.append(name)
    }
    return names
  }
}
