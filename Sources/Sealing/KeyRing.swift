import CSodium
import VXLAN

/// The keys of a key log, for opening what was captured: any number of times and in any order, unlike an `OpeningKey`.
///
/// 1. The index in the header names the candidates: keys of several hosts and times may share one.
/// 2. The one that opened a datagram of this index last is tried first, already prepared; then the others.
/// 3. Authentication decides. No datagram costs an allocation.
///
/// *Ownership.* Keys are wiped with the object, and lie in locked memory where the system lets them.
/// *Threads.* One.
package final class KeyRing {
  /// What became of a datagram.
  package enum Verdict: Equatable, Sendable {
    /// The plaintext has so many bytes.
    case opened(byteCount: Int)
    /// No key has this index; or the datagram is a handshake, which none of these keys opens.
    case noKey
    /// There are keys of this index, and none opens it.
    case failed
    /// No sealed header, or too short to hold a byte and a tag.
    case framing
  }

  /// 32 MB of keys: those that one host has with 20 peers in a month.
  static let keyCountMax = 1 << 20
  private static let keyStride = 32
  /// Indexes whose last key is remembered: more than are in use at once with 500 peers.
  private static let placeCount = 1 << 10

  private struct Entry {
    let index: UInt32
    let cipher: Cipher
  }

  /// What is to be opened, and where to.
  private struct Datagram {
    // SAFETY: both are the caller's, and valid for the call.
    let start: UnsafePointer<UInt8>
    let byteCount: Int
    let word: SealedHeader.Word
    let plaintext: UnsafeMutablePointer<UInt8>

    func hasRoom(for cipher: Cipher) -> Bool { byteCount > SealedHeader.byteCount + cipher.tagByteCount }
  }

  /// In ascending order of the index.
  private let entries: [Entry]
  /// By entry, `keyStride` bytes each; nil without any.
  private let keys: SecretBytes?
  /// By the low bits of an index: the entry that opened something last, negative before.
  private var lastEntries: [Int]
  /// By the same, the prepared key of that entry; behind them one that is being tried.
  private let preparedKeys = SecretBytes(byteCount: (KeyRing.placeCount + 1) * Cipher.preparedKeyByteCount)
  /// Ciphers of keys that this processor or this libsodium cannot open with: those keys are left out.
  package let missingCiphers: CipherMask

  /// How many keys there are, each once however often the log has it.
  package var keyCount: Int { entries.count }

  /// Reads a key log. Empty lines and those that begin with `#` say nothing, and a last line that is only the
  /// beginning of one is passed over: it is being written.
  /// - Parameter file: how errors call it.
  package init(parsing text: [UInt8], file: String) throws(KeyLogError) {
    let found = try Self.keys(in: text.span, file: file)
    let usable = found.filter(\.cipher.isAvailable).sorted(by: Self.precedes)
    let different = usable.indices.filter { $0 == 0 || !Self.areEqual(usable[$0 - 1], usable[$0]) }.map { usable[$0] }
    missingCiphers = CipherMask(found.map(\.cipher).filter { !$0.isAvailable })
    entries = different.map { Entry(index: $0.index, cipher: $0.cipher) }
    lastEntries = Array(repeating: -1, count: Self.placeCount)
    keys = different.isEmpty ? nil : SecretBytes(byteCount: different.count * Self.keyStride)
    for (number, key) in different.enumerated() {
      let start = number * Self.keyStride
      keys?.part(start..<start + key.bytes.count).copyMemory(from: key.bytes)
    }
  }

  /// Opens a frame or a control message, the whole payload of its UDP datagram, which stays as it is.
  /// - Parameter plaintext: elsewhere than the datagram, with room for `byteCount - 32` bytes. Holds nothing of use
  ///   unless the datagram was opened.
  // SAFETY: the caller's buffers have the sizes stated and live through the call.
  package func open(
    _ datagram: UnsafeRawPointer, byteCount: Int, into plaintext: UnsafeMutableRawPointer
  ) -> Verdict {
    let start = datagram.assumingMemoryBound(to: UInt8.self)
    guard let header = SealedHeader(parsing: UnsafeBufferPointer(start: start, count: max(0, byteCount)).span)
    else { return .framing }
    guard header.kind != .handshake else { return .noKey }
    let datagram = Datagram(
      start: start, byteCount: byteCount, word: header.word, plaintext: plaintext.assumingMemoryBound(to: UInt8.self))
    guard datagram.hasRoom(for: .chacha20poly1305) else { return .framing }
    let place = Int(header.word.index) & (Self.placeCount - 1)
    let last = lastEntries[place]
    guard last >= 0, entries[last].index == header.word.index else { return openAnew(datagram, place, except: nil) }
    guard decrypt(datagram, entries[last].cipher, preparedKey(place)) else {
      return openAnew(datagram, place, except: last)
    }
    return .opened(byteCount: plaintextByteCount(datagram, entries[last].cipher))
  }

  /// Tries all keys of the index but the one that was tried.
  private func openAnew(_ datagram: Datagram, _ place: Int, except tried: Int?) -> Verdict {
    guard let keys else { return .noKey }
    let trial = preparedKey(Self.placeCount)
    var (entry, verdict) = (firstEntry(of: datagram.word.index), Verdict.noKey)
    while entry < entries.count, entries[entry].index == datagram.word.index {
      defer { entry += 1 }
      let cipher = entries[entry].cipher
      if verdict != .failed { verdict = datagram.hasRoom(for: cipher) ? .failed : .framing }
      guard entry != tried else { continue }
      let start = entry * Self.keyStride
      cipher.prepare(key: UnsafeRawBufferPointer(keys.part(start..<start + cipher.keyByteCount)), into: trial)
      guard decrypt(datagram, cipher, trial) else { continue }
      preparedKey(place).copyMemory(from: trial, byteCount: Cipher.preparedKeyByteCount)
      lastEntries[place] = entry
      return .opened(byteCount: plaintextByteCount(datagram, cipher))
    }
    return verdict
  }

  private func decrypt(_ datagram: Datagram, _ cipher: Cipher, _ preparedKey: UnsafeMutableRawPointer) -> Bool {
    guard datagram.hasRoom(for: cipher) else { return false }
    return cipher.open(
      datagram.start + SealedHeader.byteCount, byteCount: datagram.byteCount - SealedHeader.byteCount,
      to: datagram.plaintext, additional: datagram.start, additionalByteCount: SealedHeader.byteCount,
      nonce: Nonce(datagram.word), preparedKey: preparedKey)
  }

  private func plaintextByteCount(_ datagram: Datagram, _ cipher: Cipher) -> Int {
    datagram.byteCount - SealedHeader.byteCount - cipher.tagByteCount
  }

  // SAFETY: inside of `preparedKeys`, at a multiple of 64.
  private func preparedKey(_ place: Int) -> UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(preparedKeys.bytes.octets + place * Cipher.preparedKeyByteCount)
  }

  /// The first entry whose index is not less.
  private func firstEntry(of index: UInt32) -> Int {
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].index < index { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private static func keys(in text: Span<UInt8>, file: String) throws(KeyLogError) -> [TransportKey] {
    var keys: [TransportKey] = []
    var (start, line) = (0, 1)
    for end in 0...text.count where end == text.count || text[end] == UInt8(ascii: "\n") {
      defer { (start, line) = (end + 1, line + 1) }
      guard start < end, text[start] != UInt8(ascii: "#") else { continue }
      let bytes = text.extracting(start..<end)
      do throws(KeyLogProblem) {
        guard keys.count < keyCountMax else { throw .tooManyKeys }
        keys.append(try KeyLogLine(parsing: bytes).key)
      } catch {
        guard end == text.count, KeyLogLine.mayGoOn(bytes, after: error) else {
          throw KeyLogError(file: file, line: line, problem: error)
        }
      }
    }
    return keys
  }

  /// By index, then so that equal keys stand together.
  private static func precedes(_ a: TransportKey, _ b: TransportKey) -> Bool {
    guard a.index == b.index else { return a.index < b.index }
    guard a.cipher == b.cipher else { return a.cipher.rawValue < b.cipher.rawValue }
    return sodium_compare(a.bytes.octets, b.bytes.octets, a.bytes.count) < 0
  }

  private static func areEqual(_ a: TransportKey, _ b: TransportKey) -> Bool {
    a.index == b.index && a.cipher == b.cipher && sodium_memcmp(a.bytes.octets, b.bytes.octets, a.bytes.count) == 0
  }
}
