import AddonMemory

/// One of the kernel's primitives, as a litmus test calls it.
struct LitmusPrimitive {
  enum Argument {
    /// `x` of `smp_load_acquire(x)`.
    case pointer
    /// `*x` of `READ_ONCE(*x)`.
    case pointee
    /// Either: tests have both.
    case pointeeOrPointer
    case value
  }

  private enum Kind {
    case load(LoadOrdering)
    case store(StoreOrdering)
    /// A store and a full fence.
    case storeThenFence
    case exchange(UpdateOrdering)
    case compareExchange(UpdateOrdering)
    /// The value before, or the one after; nothing comes back where `gives` is nil.
    case add(UpdateOrdering, sign: UInt64, amount: UInt64?, gives: Gives?)
    case addUnless(amount: UInt64?, unless: UInt64?)
    case bits(LitmusTest.Bits, UpdateOrdering, isInverted: Bool, gives: Gives?)
    case fence(LitmusTest.Instruction)
    case lock, tryLock, unlock, isLocked
    case beginSection, endSection, synchronize
    case beginSleepable, endSleepable, synchronizeSleepable
  }
  private enum Gives { case before, after, isZero, isNegative }

  let arguments: [Argument]
  private let kind: Kind

  private init(_ arguments: [Argument], _ kind: Kind) {
    self.arguments = arguments
    self.kind = kind
  }

  init?(_ name: String) {
    guard let primitive = Self.all[name] else { return nil }
    self = primitive
  }

  static var names: [String] { all.keys.sorted() }

  var hasResult: Bool {
    switch kind {
    case .load, .exchange, .compareExchange, .addUnless, .beginSleepable, .tryLock, .isLocked: true
    case .add(_, _, _, let gives), .bits(_, _, _, let gives): gives != nil
    default: false
    }
  }

  private static let orderings: [(suffix: String, ordering: UpdateOrdering)] = [
    ("", .full), ("_relaxed", .relaxed), ("_acquire", .acquiring), ("_release", .releasing),
  ]

  private static let all: [String: LitmusPrimitive] = {
    var all: [String: LitmusPrimitive] = [
      // An address dependency begins at any load of the kernel's.
      "READ_ONCE": Self([.pointee], .load(.dependent)), "rcu_dereference": Self([.pointee], .load(.dependent)),
      "atomic_read": Self([.pointer], .load(.dependent)),
      "smp_load_acquire": Self([.pointer], .load(.acquiring)),
      "atomic_read_acquire": Self([.pointer], .load(.acquiring)),
      "WRITE_ONCE": Self([.pointee, .value], .store(.relaxed)),
      "atomic_set": Self([.pointer, .value], .store(.relaxed)),
      "smp_store_release": Self([.pointer, .value], .store(.releasing)),
      "atomic_set_release": Self([.pointer, .value], .store(.releasing)),
      "rcu_assign_pointer": Self([.pointee, .value], .store(.releasing)),
      "smp_store_mb": Self([.pointeeOrPointer, .value], .storeThenFence),
      "smp_mb": Self([], .fence(.fence(.sequentiallyConsistent))),
      "smp_mb__before_atomic": Self([], .fence(.barrier(.beforeAtomic))),
      "smp_mb__after_atomic": Self([], .fence(.barrier(.afterAtomic))),
      "smp_mb__after_spinlock": Self([], .fence(.barrier(.afterSpinlock))),
      "smp_mb__after_unlock_lock": Self([], .fence(.barrier(.afterUnlockLock))),
      "smp_mb__after_srcu_read_unlock": Self([], .fence(.barrier(.afterSleepableUnlock))),
      "smp_rmb": Self([], .fence(.barrier(.read))), "smp_wmb": Self([], .fence(.barrier(.write))),
      "barrier": Self([], .fence(.barrier(.compiler))),
      "spin_lock": Self([.pointer], .lock), "spin_unlock": Self([.pointer], .unlock),
      "spin_trylock": Self([.pointer], .tryLock),
      "spin_is_locked": Self([.pointer], .isLocked),
      "rcu_read_lock": Self([], .beginSection), "rcu_read_unlock": Self([], .endSection),
      "synchronize_rcu": Self([], .synchronize), "synchronize_rcu_expedited": Self([], .synchronize),
      "srcu_read_lock": Self([.pointer], .beginSleepable),
      "srcu_read_unlock": Self([.pointer, .value], .endSleepable),
      "srcu_down_read": Self([.pointer], .beginSleepable),
      "srcu_up_read": Self([.pointer, .value], .endSleepable),
      "synchronize_srcu": Self([.pointer], .synchronizeSleepable),
      "synchronize_srcu_expedited": Self([.pointer], .synchronizeSleepable),
    ]
    let one: UInt64 = 1
    let minusOne = UInt64.max
    for (suffix, ordering) in orderings {
      for prefix in ["", "atomic_"] {
        all["\(prefix)xchg\(suffix)"] = Self([.pointer, .value], .exchange(ordering))
        all["\(prefix)cmpxchg\(suffix)"] = Self([.pointer, .value, .value], .compareExchange(ordering))
      }
      for (name, sign) in [("add", one), ("sub", minusOne)] {
        all["atomic_\(name)_return\(suffix)"] = Self(
          [.value, .pointer], .add(ordering, sign: sign, amount: nil, gives: .after))
        all["atomic_fetch_\(name)\(suffix)"] = Self(
          [.value, .pointer], .add(ordering, sign: sign, amount: nil, gives: .before))
      }
      for (name, sign) in [("inc", one), ("dec", minusOne)] {
        all["atomic_\(name)_return\(suffix)"] = Self(
          [.pointer], .add(ordering, sign: sign, amount: 1, gives: .after))
        all["atomic_fetch_\(name)\(suffix)"] = Self(
          [.pointer], .add(ordering, sign: sign, amount: 1, gives: .before))
      }
      for (name, bits, isInverted) in bitwise {
        all["atomic_fetch_\(name)\(suffix)"] = Self(
          [.value, .pointer], .bits(bits, ordering, isInverted: isInverted, gives: .before))
      }
    }
    for (name, sign) in [("add", one), ("sub", minusOne)] {
      all["atomic_\(name)"] = Self([.value, .pointer], .add(.relaxed, sign: sign, amount: nil, gives: nil))
      all["atomic_\(name)_and_test"] = Self([.value, .pointer], .add(.full, sign: sign, amount: nil, gives: .isZero))
    }
    all["atomic_add_negative"] = Self([.value, .pointer], .add(.full, sign: one, amount: nil, gives: .isNegative))
    all["atomic_add_unless"] = Self([.pointer, .value, .value], .addUnless(amount: nil, unless: nil))
    all["atomic_inc_not_zero"] = Self([.pointer], .addUnless(amount: 1, unless: 0))
    for (name, sign) in [("inc", one), ("dec", minusOne)] {
      all["atomic_\(name)"] = Self([.pointer], .add(.relaxed, sign: sign, amount: 1, gives: nil))
      all["atomic_\(name)_and_test"] = Self([.pointer], .add(.full, sign: sign, amount: 1, gives: .isZero))
    }
    for (name, bits, isInverted) in bitwise {
      all["atomic_\(name)"] = Self([.value, .pointer], .bits(bits, .relaxed, isInverted: isInverted, gives: nil))
    }
    return all
  }()

  private static let bitwise: [(name: String, bits: LitmusTest.Bits, isInverted: Bool)] = [
    ("and", .and, false), ("or", .or, false), ("xor", .xor, false), ("andnot", .and, true),
  ]

  /// - Parameters:
  ///   - register: where the result goes, or what was found where there is none.
  ///   - temporary: another register.
  func instructions(
    _ location: LitmusTest.Location, _ values: [LitmusTest.Value], into register: String, temporary: () -> String
  ) -> [LitmusTest.Instruction] {
    let domain = if case .place(let name) = location { name } else { "srcu" }
    switch kind {
    case .load(let ordering): return [.load(location, into: register, ordering)]
    case .store(let ordering): return [.store(location, values[0], ordering)]
    case .storeThenFence: return [.store(location, values[0], .relaxed), .fence(.sequentiallyConsistent)]
    case .exchange(let ordering): return [.exchange(location, values[0], into: register, ordering)]
    case .compareExchange(let ordering):
      // One that fails is a load and nothing else.
      return [.compareExchange(location, values[0], values[1], into: register, ordering, failure: .relaxed)]
    case .add(let ordering, let sign, let amount, let gives):
      let operand = amount.map { LitmusTest.Value.constant($0) } ?? values[0]
      var instructions: [LitmusTest.Instruction] = []
      var signed = operand
      if sign != 1 {
        if case .constant(let number) = operand {
          signed = .constant(0 &- number)
        } else {
          instructions.append(.compute(into: temporary(), 0, .subtract, operand))
          signed = .register(temporary())
        }
      }
      if signed == .register(register) {
        // The update's result takes its place.
        instructions.append(.compute(into: temporary(), signed, .add, 0))
        signed = .register(temporary())
      }
      let update = LitmusTest.Instruction.fetchAdd(location, signed, into: register, ordering)
      instructions.append(gives == nil ? .unreturned(update) : update)
      if gives == .after || gives == .isZero || gives == .isNegative {
        instructions.append(.compute(into: register, .register(register), .add, signed))
      }
      if gives == .isNegative { instructions.append(.compute(into: register, .register(register), .less, 0)) }
      if gives == .isZero { instructions.append(.compute(into: register, .register(register), .equal, 0)) }
      return instructions
    case .addUnless(let amount, let unless):
      var instructions: [LitmusTest.Instruction] = []
      var kept = unless.map { LitmusTest.Value.constant($0) } ?? values[1]
      if kept == .register(register) {
        // The update's result takes its place.
        instructions.append(.compute(into: temporary(), kept, .add, 0))
        kept = .register(temporary())
      }
      let amount = amount.map { LitmusTest.Value.constant($0) } ?? values[0]
      return instructions + [
        .addUnless(location, amount, unless: kept, into: register, .full),
        .compute(into: register, .register(register), .notEqual, kept),
      ]
    case .bits(let bits, let ordering, let isInverted, let gives):
      let operand = isInverted ? LitmusTest.Value.register(temporary()) : values[0]
      let update = LitmusTest.Instruction.fetch(bits, location, operand, into: register, ordering)
      return (isInverted ? [.compute(into: temporary(), .constant(.max), .xor, values[0])] : [])
        + [gives == nil ? .unreturned(update) : update]
    case .fence(let instruction): return [instruction]
    case .lock: return [.lock(domain)]
    case .tryLock:
      let (unlocked, locked) = (UInt64(Lock.unlocked), UInt64(Lock.locked))
      return [
        .compareExchange(
          location, .constant(unlocked), .constant(locked), into: register, .acquiring, failure: .relaxed),
        .compute(into: register, .register(register), .equal, .constant(unlocked)),
      ]
    case .unlock: return [.unlock(domain)]
    case .isLocked:
      return [
        .load(location, into: register, .dependent),
        .compute(into: register, .register(register), .notEqual, .constant(UInt64(Lock.unlocked))),
      ]
    case .beginSection: return [.beginSection]
    case .endSection: return [.endSection]
    case .synchronize: return [.synchronize]
    case .beginSleepable: return [.beginSection(of: domain, cookie: register)]
    case .endSleepable: return [.endSection(of: domain, cookie: values[0])]
    case .synchronizeSleepable: return [.synchronize(of: domain)]
    }
  }
}
