/// FNV-1a of 64 bits, twice with different beginnings: tells contents apart. (Fowler, Noll, Vo.)
struct ContentDigest {
  private var low: UInt64 = 0xcbf2_9ce4_8422_2325
  private var high: UInt64 = 0x6c62_272e_07bb_0142

  mutating func add(_ text: String) {
    for byte in text.utf8 {
      low = (low ^ UInt64(byte)) &* 0x100_0000_01b3
      high = (high ^ UInt64(byte)) &* 0x100_0000_01b3 &+ 1
    }
    // So that two texts and their parts are not the same.
    low = low &* 31 &+ 1
  }

  var text: String { hexadecimal(high) + hexadecimal(low) }

  private func hexadecimal(_ value: UInt64) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }
}
