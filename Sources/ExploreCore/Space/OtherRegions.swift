/// Memory that the space did not make itself: images and stacks.
struct OtherRegions {
  struct Region {
    var address: UInt
    var bytes: Int
    /// Of its first byte, among all watched bytes.
    var offset: Int
    /// As it was at first; empty for a stack, which nobody puts back.
    var contents: [UInt8]
    /// The racer whose stack it is.
    var racer: Int?
    /// By page: whether somebody has written there since it was put back.
    var dirty: [Bool]
  }

  private var regions: [Region] = []
  let staticCount: Int
  static let page = 4096

  var isEmpty: Bool { regions.isEmpty }

  init(_ layout: AddressSpace.Layout, from first: Int) {
    staticCount = layout.statics.count
    var offset = first
    func add(_ address: UInt, _ bytes: Int, contents: [UInt8], racer: Int?) -> Region {
      defer { offset += (bytes + 2 * Self.page - 1) & ~(Self.page - 1) }
      return Region(
        address: address, bytes: bytes, offset: offset, contents: contents, racer: racer,
        dirty: contents.isEmpty ? [] : Array(repeating: false, count: bytes / Self.page + 1))
    }
    for image in layout.images {
      let contents = Array(
        UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: image.address), count: image.bytes))
      regions.append(add(image.address, image.bytes, contents: contents, racer: nil))
    }
    for (racer, stack) in layout.stacks.enumerated() {
      regions.append(add(stack.address, stack.bytes, contents: [], racer: racer))
    }
  }

  private func index(of address: UInt, _ bytes: Int) -> Int? {
    regions.firstIndex {
      address &- $0.address < UInt($0.bytes) && address &- $0.address &+ UInt(bytes) <= UInt($0.bytes)
    }
  }

  func offset(of address: UInt, _ bytes: Int) -> Int? {
    index(of: address, bytes).map { regions[$0].offset + Int(address - regions[$0].address) }
  }

  /// Whose stack an address lies in.
  func stack(of address: UInt) -> Int? { index(of: address, 1).flatMap { regions[$0].racer } }

  /// Somebody is about to write there.
  mutating func noteWrite(_ address: UInt, _ bytes: Int) {
    guard let index = index(of: address, bytes), !regions[index].dirty.isEmpty else { return }
    let start = Int(address - regions[index].address)
    for page in start / Self.page...(start + bytes - 1) / Self.page { regions[index].dirty[page] = true }
  }

  /// Puts images back to what they were, where somebody has written.
  mutating func putBack() {
    for index in regions.indices {
      for page in regions[index].dirty.indices where regions[index].dirty[page] {
        let start = page * Self.page
        let bytes = min(Self.page, regions[index].bytes - start)
        regions[index].contents.withUnsafeBytes { contents in
          UnsafeMutableRawPointer(bitPattern: regions[index].address + UInt(start))?
            .copyMemory(from: contents.baseAddress.unsafelyUnwrapped + start, byteCount: bytes)
        }
        regions[index].dirty[page] = false
      }
    }
  }

  /// The stretches whose accesses of the last execution are to be forgotten: offset and bytes.
  var stretches: [(offset: Int, bytes: Int)] { regions.map { ($0.offset, $0.bytes) } }
}
