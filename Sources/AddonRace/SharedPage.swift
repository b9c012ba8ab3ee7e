import CAtomics
import CThreads
import Foundation

/// A page that a child writes and its parent reads, so that the parent knows after any death how far it had come.
///
/// Words of 64 bits, all relaxed: they are for people.
final class SharedPage: @unchecked Sendable {
  enum Word: Int {
    case phase, rounds, populations, collisions, seed, executions, estimate, steps
    /// Millionths of a job's work that are done.
    case millionths
    /// Jobs that were given, and that were done.
    case jobs, jobsDone
    /// What wait(2) says of the copy that did the job at hand.
    case statusOfCopy
    /// Of a pool, whose page this is.
    case freeSlots
    /// The first of the 16 words that hold `text`.
    case text
  }
  enum Phase: UInt64 {
    case notStarted, racing, reporting, exploring, measuring
    var words: String {
      switch self {
      case .notStarted: "before the run began"
      case .racing: "while racing"
      case .reporting: "after the run"
      case .exploring: "while exploring"
      case .measuring: "while measuring"
      }
    }
  }
  static let bytes = 4096

  private let words: UnsafeMutablePointer<UInt64>
  /// Keeps the file open, in the parent.
  private let descriptor: Int32

  private init?(descriptor: Int32) {
    let map = mmap(nil, Self.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard let map, map != MAP_FAILED else { return nil }
    words = map.assumingMemoryBound(to: UInt64.self)
    self.descriptor = descriptor
  }

  deinit {
    munmap(words, Self.bytes)
    close(descriptor)
  }

  /// The parent's end.
  static func make() -> SharedPage? {
    let descriptor = cthreads_shared_file("addonrace", Self.bytes)
    return descriptor < 0 ? nil : SharedPage(descriptor: descriptor)
  }

  /// Where a child of this process finds the page.
  var path: String { "/proc/\(getpid())/fd/\(descriptor)" }

  /// The child's end.
  static func open(_ path: String) -> SharedPage? {
    let descriptor = Foundation.open(path, O_RDWR)
    return descriptor < 0 ? nil : SharedPage(descriptor: descriptor)
  }

  /// For an engine that counts in place.
  func address(of word: Word) -> UnsafeMutablePointer<UInt64> { words + word.rawValue }

  subscript(word: Word) -> UInt64 {
    get { catomics_load_relaxed_64(words + word.rawValue) }
    set { catomics_store_relaxed_64(words + word.rawValue, newValue) }
  }

  /// Sleeps until the word is another, or it was woken, or for so long.
  func wait(_ word: Word, milliseconds: Int32) {
    let low = UnsafeMutableRawPointer(words + word.rawValue).assumingMemoryBound(to: UInt32.self)
    // The words were looked at before; what came since shows in this one. Little-endian: its low half comes first.
    let other: Word = word == .jobs ? .jobsDone : .jobs
    let value = UInt32(truncatingIfNeeded: self[word])
    guard (self[word] == self[other]) == (word == .jobs) else { return }
    cthreads_shared_wait(low, value, milliseconds)
  }

  func wake(_ word: Word) {
    cthreads_shared_wake_all(UnsafeMutableRawPointer(words + word.rawValue).assumingMemoryBound(to: UInt32.self))
  }

  var phase: Phase { Phase(rawValue: self[.phase]) ?? .notStarted }

  private static let wordsOfText = 16

  /// What it is doing, the first 128 bytes of it. Read while it is written it is torn.
  var text: String {
    get {
      let text = words + Word.text.rawValue
      let bytes = (0..<Self.wordsOfText).flatMap { word in
        withUnsafeBytes(of: catomics_load_relaxed_64(text + word).littleEndian, Array.init)
      }
      return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    set {
      var bytes = Array(newValue.utf8.prefix(Self.wordsOfText * 8))
      bytes += Array(repeating: 0, count: Self.wordsOfText * 8 - bytes.count)
      for word in 0..<Self.wordsOfText {
        let value = bytes[word * 8..<word * 8 + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        catomics_store_relaxed_64(words + Word.text.rawValue + word, value)
      }
    }
  }
}
