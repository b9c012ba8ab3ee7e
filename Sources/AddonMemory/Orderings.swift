/// Memory orderings, as types, so that an operation cannot be asked for an ordering it does not have.
///
/// Every case is resolved at compile time: the functions that switch over them are inlined with a constant.
/// `OrderingTable` says what each means in each memory model and what the hardware runs for it.

/// How a load is ordered.
@frozen public enum LoadOrdering: Sendable {
  case relaxed, acquiring, sequentiallyConsistent
  /// The kernel's `READ_ONCE` of a pointer that is dereferenced next: in the kernel's model the address dependency
  /// orders the dereference; in C11 it is a relaxed load.
  case dependent
}

/// How a store is ordered.
@frozen public enum StoreOrdering: Sendable {
  case relaxed, releasing, sequentiallyConsistent
}

/// How a read-modify-write operation is ordered when it writes.
@frozen public enum UpdateOrdering: Sendable {
  case relaxed, acquiring, releasing, acquiringAndReleasing, sequentiallyConsistent
  /// The kernel's `cmpxchg` and `xchg`: a full barrier on both sides when it writes, nothing when it does not.
  case full
}

/// How a fence orders what stands around it.
@frozen public enum FenceOrdering: Sendable {
  case acquiring, releasing, acquiringAndReleasing, sequentiallyConsistent
}

/// The memory models that a strategy can be right in.
public enum MemoryModel: String, CaseIterable, Sendable, Codable, CodingKeyRepresentable {
  case sc, tso, c11, kernel
}

/// One row of the table of orderings.
public struct OrderingRow: Sendable {
  public let ordering: String
  public let sc: String
  public let tso: String
  public let c11: String
  public let kernel: String
  /// What runs on x86-64 and on aarch64, and where that is stronger than asked.
  public let hardware: String
}

/// What each ordering means under each memory model, and what the hardware runs for it.
public enum OrderingTable {
  public static let rows: [OrderingRow] = [
    OrderingRow(
      ordering: "relaxed", sc: "in program order", tso: "in order but for store, then load", c11: "coherence only",
      kernel: "READ_ONCE, WRITE_ONCE",
      hardware: "x86-64: plain mov; a read-modify-write is a full barrier, stronger than asked. aarch64: ldr, str"),
    OrderingRow(
      ordering: "dependent", sc: "in program order", tso: "as relaxed",
      c11: "relaxed: what is reached through the pointer is not ordered",
      kernel: "READ_ONCE; accesses through the pointer come after it",
      hardware: "both: a plain load; the processor keeps address dependencies, the compiler need not"),
    OrderingRow(
      ordering: "acquiring", sc: "in program order", tso: "as relaxed", c11: "acquire", kernel: "smp_load_acquire",
      hardware: "x86-64: plain mov, since every load acquires. aarch64: ldapr or ldar"),
    OrderingRow(
      ordering: "releasing", sc: "in program order", tso: "as relaxed", c11: "release",
      kernel: "smp_store_release, cmpxchg_release",
      hardware: "x86-64: plain mov; lock cmpxchg is full, stronger than asked. aarch64: stlr, casl"),
    OrderingRow(
      ordering: "acquiring and releasing", sc: "in program order", tso: "drains the store buffer",
      c11: "acq_rel", kernel: "between cmpxchg_release and cmpxchg",
      hardware: "x86-64: lock cmpxchg, full, stronger than asked. aarch64: casal"),
    OrderingRow(
      ordering: "sequentially consistent", sc: "in program order", tso: "drains the store buffer", c11: "seq_cst",
      kernel: "an access between two smp_mb",
      hardware: "x86-64: xchg or lock cmpxchg. aarch64: ldar, stlr, casal"),
    OrderingRow(
      ordering: "full", sc: "in program order", tso: "drains the store buffer",
      c11: "seq_cst fences around a relaxed exchange, when it writes",
      kernel: "cmpxchg, xchg: smp_mb on both sides on success, nothing on failure",
      hardware: "x86-64: lock cmpxchg, full on failure too, stronger than asked. aarch64: dmb ish around cas"),
  ]
}
