import AddonMemory

/// What versions of Linux's bpf storage, and faulty ones, do differently.
public protocol BpfStorageVariant {
  /// The owner is a socket, which is charged for what hangs off it, and freed when it goes.
  static var isSocket: Bool { get }
  /// Whoever loses takes its element off the map's list again.
  static var unlinksLosers: Bool { get }
  /// Whoever fails or loses takes back the charge for the storage.
  static var unchargesStorage: Bool { get }
  /// An update looks under the storage's lock whether anything is on it still.
  static var looksAgain: Bool { get }
  /// Whoever has the storage's lock looks whether the element is still on it.
  static var checksLinked: Bool { get }
  /// A look-up caches only what is still on the storage's list.
  static var cachesLinkedOnly: Bool { get }
  /// Whoever empties the slot is done with the owner: it may be freed from there.
  static var unchargesFirst: Bool { get }
  /// The empty slot is stored releasing, and whoever frees the owner because of it acquires.
  static var ordersDetaching: Bool { get }
  /// Whoever frees an owner takes apart what hangs off it.
  static var destroysStorage: Bool { get }
  /// A map waits for those who still use it before it goes.
  static var waitsForUsers: Bool { get }
  /// Whoever destroys takes the owner's charges back.
  static var unchargesAtDestruction: Bool { get }
  /// Linux 7.2: the storage is published with the bucket's lock held, which also lies inside the storage's.
  static var exchangesUnderBucketLock: Bool { get }
  /// Linux 7.2: an owner and a map that go at once meet in the element's state word.
  static var meetsInState: Bool { get }
  /// Each of the two that destroy frees what it has taken off a list.
  static var freesByPlaces: Bool { get }
  static func free<M: Memory>(_ addon: Addon, in memory: M)
  static var suffix: String { get }
  static var summary: String { get }
  static var source: String { get }
  static var versions: LinuxVersions? { get }
  static var fault: Fault? { get }
}

extension BpfStorageVariant {
  @inlinable public static var isSocket: Bool { false }
  @inlinable public static var unlinksLosers: Bool { true }
  @inlinable public static var unchargesStorage: Bool { true }
  @inlinable public static var looksAgain: Bool { true }
  @inlinable public static var checksLinked: Bool { true }
  @inlinable public static var cachesLinkedOnly: Bool { true }
  @inlinable public static var unchargesFirst: Bool { true }
  @inlinable public static var ordersDetaching: Bool { false }
  @inlinable public static var destroysStorage: Bool { true }
  @inlinable public static var waitsForUsers: Bool { true }
  @inlinable public static var unchargesAtDestruction: Bool { true }
  @inlinable public static var exchangesUnderBucketLock: Bool { false }
  @inlinable public static var meetsInState: Bool { false }
  @inlinable public static var freesByPlaces: Bool { false }
  @inlinable @inline(__always)
  public static func free<M: Memory>(_ addon: Addon, in memory: M) { memory.freeAfterGracePeriod(addon, .rcu) }
  public static var summary: String {
    "What bpf programs keep for an owner, in two levels; deleted from the owner's side and from the maps'."
  }
  public static var source: String { "kernel/bpf/bpf_local_storage.c, Linux 6.12" }
  public static var versions: LinuxVersions? { nil }
}

/// As in Linux 6.12: from the map first, then from the storage, one lock after the other or inside it.
public enum BpfOfLinux6_12: BpfStorageVariant {
  public static var suffix: String { "" }
  public static var versions: LinuxVersions? { LinuxVersions("6.12", "6.12", of: "bpf-storage") }
  public static var fault: Fault? { nil }
}

/// The same for a socket, which is charged.
public enum BpfOfSocket: BpfStorageVariant {
  @inlinable public static var isSocket: Bool { true }
  public static var suffix: String { "-of-socket" }
  public static var summary: String { "What bpf programs keep for a socket, which is charged for it." }
  public static var source: String { "kernel/bpf/bpf_local_storage.c and net/core/bpf_sk_storage.c, Linux 6.12" }
  public static var fault: Fault? { nil }
}

/// The socket's storage, with what the model of the kernel's memory asks for so that a socket is not freed too early: the slot's
/// NULL by a store-release, and a fence before the socket is freed. In no version of Linux.
public enum BpfOfSocketOrdered: BpfStorageVariant {
  @inlinable public static var isSocket: Bool { true }
  @inlinable public static var ordersDetaching: Bool { true }
  public static var suffix: String { "-of-socket-ordered" }
  public static var summary: String { "What bpf programs keep for a socket, which is freed only after its last use." }
  public static var source: String { "synthetic: Linux 6.12's, repaired" }
  public static var fault: Fault? { nil }
}

/// As in Linux 7.2: always inside the storage's lock, but for those that destroy, who meet in a state word.
public enum BpfOfLinux7_2: BpfStorageVariant {
  @inlinable public static var exchangesUnderBucketLock: Bool { true }
  @inlinable public static var meetsInState: Bool { true }
  public static var suffix: String { "-7.2" }
  public static var source: String { "kernel/bpf/bpf_local_storage.c, Linux 7.2" }
  public static var versions: LinuxVersions? { LinuxVersions("7.2", nil, of: "bpf-storage") }
  public static var fault: Fault? { nil }
}
