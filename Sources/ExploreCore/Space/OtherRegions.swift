import Glibc

/// Memory that the space did not make itself: images and stacks.
///
/// What an execution touches is noted by lines of 64 bytes, so that putting it back, and forgetting who accessed it, costs
/// what the execution touched and not what there is.
///
/// Unsafe: belongs to the `AddressSpace`; `destroy` frees what it points to.
struct OtherRegions {
  struct Region {
    var address: UInt
    var bytes: Int
    /// Of its first byte, among all watched bytes.
    var offset: Int
    /// As it was at first; nil for a stack, which nobody puts back.
    var contents: UnsafeMutableRawPointer?
    /// The racer whose stack it is, or -1.
    var racer: Int
    /// By line: `accessed`, `written`.
    var lines: UnsafeMutablePointer<UInt8>
    var lineCount: Int { (bytes + OtherRegions.line - 1) / OtherRegions.line }
  }

  static let line = 64
  private static let accessed: UInt8 = 1
  private static let written: UInt8 = 2
  /// Somebody writes there without telling: it is put back before every execution.
  private static let always: UInt8 = 4

  private let regions: UnsafeMutablePointer<Region>
  let count: Int
  let staticCount: Int
  /// What this execution has touched: region and line.
  private var touched: [(region: Int32, line: Int32)] = []
  private var alwaysPutBack: [(region: Int32, line: Int32)] = []

  var isEmpty: Bool { count == 0 }

  init(_ layout: AddressSpace.Layout, from first: Int) {
    staticCount = layout.statics.count
    count = layout.images.count + layout.stacks.count
    regions = .allocate(capacity: max(1, count))
    var offset = first
    for (number, place) in (layout.images + layout.stacks).enumerated() {
      let isImage = number < layout.images.count
      var region = Region(
        address: place.address, bytes: place.bytes, offset: offset, contents: nil,
        racer: isImage ? -1 : number - layout.images.count, lines: .allocate(capacity: 1))
      region.lines.deallocate()
      region.lines = .allocate(capacity: region.lineCount)
      region.lines.initialize(repeating: 0, count: region.lineCount)
      if isImage {
        let contents = UnsafeMutableRawPointer.allocate(byteCount: max(1, place.bytes), alignment: 64)
        if let source = UnsafeRawPointer(bitPattern: place.address) {
          contents.copyMemory(from: source, byteCount: place.bytes)
        }
        region.contents = contents
      }
      (regions + number).initialize(to: region)
      offset += Self.watched(place.bytes)
    }
  }

  /// The watched bytes that a region of so many takes: nothing runs over from one into the next.
  static func watched(_ bytes: Int) -> Int { (bytes + 2 * 4096 - 1) & ~4095 }

  func destroy() {
    for number in 0..<count {
      regions[number].lines.deallocate()
      regions[number].contents?.deallocate()
    }
    regions.deallocate()
  }

  @inline(__always) private func index(of address: UInt, _ bytes: Int) -> Int? {
    for number in 0..<count {
      let region = regions + number
      let start = address &- region.pointee.address
      if start < UInt(region.pointee.bytes), start &+ UInt(bytes) <= UInt(region.pointee.bytes) { return number }
    }
    return nil
  }

  @inline(__always) func offset(of address: UInt, _ bytes: Int) -> Int? {
    index(of: address, bytes).map { regions[$0].offset &+ Int(address &- regions[$0].address) }
  }

  func address(ofOffset offset: Int) -> UInt? {
    (0..<count).first { (0..<regions[$0].bytes).contains(offset - regions[$0].offset) }
      .map { regions[$0].address + UInt(offset - regions[$0].offset) }
  }

  /// Whose stack an address lies in.
  func stack(of address: UInt) -> Int? {
    index(of: address, 1).flatMap { regions[$0].racer < 0 ? nil : regions[$0].racer }
  }

  /// Somebody is about to access it. Answers whether it lies in a region.
  @inline(__always) mutating func noteAccess(_ address: UInt, _ bytes: Int, isWrite: Bool) -> Bool {
    guard let index = index(of: address, bytes) else { return false }
    let region = regions + index
    let start = Int(address &- region.pointee.address)
    let mark = isWrite ? Self.accessed | Self.written : Self.accessed
    for line in start / Self.line...(start + bytes - 1) / Self.line where region.pointee.lines[line] & mark != mark {
      if region.pointee.lines[line] & (Self.accessed | Self.written) == 0 {
        touched.append((Int32(index), Int32(line)))
      }
      region.pointee.lines[line] |= mark
    }
    return true
  }

  /// Before an execution: puts back what was written, and tells of what was accessed: offset and bytes.
  mutating func putBack(_ forget: (_ offset: Int, _ bytes: Int) -> Void) {
    for (number, line) in touched {
      let region = regions + Int(number)
      if region.pointee.lines[Int(line)] & Self.written != 0 { restore(region, Int(line)) }
      region.pointee.lines[Int(line)] &= Self.always
      forget(region.pointee.offset + Int(line) * Self.line, Self.line)
    }
    touched.removeAll(keepingCapacity: true)
    for (number, line) in alwaysPutBack { restore(regions + Int(number), Int(line)) }
  }

  private func restore(_ region: UnsafeMutablePointer<Region>, _ line: Int) {
    guard let contents = region.pointee.contents else { return }
    let start = line * Self.line
    UnsafeMutableRawPointer(bitPattern: region.pointee.address + UInt(start))?
      .copyMemory(from: contents + start, byteCount: min(Self.line, region.pointee.bytes - start))
  }

  /// After an execution: finds what somebody wrote without telling, as code that is not instrumented does. From now on
  /// that is put back, too.
  mutating func findUntoldWrites() {
    for number in 0..<count {
      let region = regions + number
      guard let contents = region.pointee.contents, let memory = UnsafeRawPointer(bitPattern: region.pointee.address)
      else { continue }
      for line in 0..<region.pointee.lineCount where region.pointee.lines[line] & (Self.written | Self.always) == 0 {
        let start = line * Self.line
        if memcmp(memory + start, contents + start, min(Self.line, region.pointee.bytes - start)) != 0 {
          region.pointee.lines[line] |= Self.always
          alwaysPutBack.append((Int32(number), Int32(line)))
        }
      }
    }
  }
}
