import Foundation

extension StringProtocol {
  /// Whether one of `words` stands in it, byte for byte. A tree of sources is read so by a dozen rules.
  func has(oneOf words: [String]) -> Bool {
    words.contains { word in
      var word = word
      return utf8.withContiguousStorageIfAvailable { text in word.withUTF8 { text.has($0) } } ?? contains(word)
    }
  }
}

extension UnsafeBufferPointer<UInt8> {
  fileprivate func has(_ word: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let sought = word.baseAddress, let start = baseAddress, count >= word.count else { return word.isEmpty }
    var place = UnsafeRawPointer(start)
    let end = place + count - word.count + 1
    while place < end, let found = memchr(place, Int32(sought.pointee), end - place) {
      if memcmp(found, sought, word.count) == 0 { return true }
      place = UnsafeRawPointer(found) + 1
    }
    return false
  }
}
