import ExploreCore
import Testing

/// Litmus files in herd's format, under the kernel's model.
@Suite struct LitmusFileTests {
  /// The shapes that everybody knows, each with what the kernel's model says of it.
  private static let shapes: [(name: String, threads: [String], asks: String, word: LitmusObservation.Word)] = [
    (
      "MP", ["WRITE_ONCE(*x, 1); WRITE_ONCE(*y, 1);", "r0 = READ_ONCE(*y); r1 = READ_ONCE(*x);"],
      "1:r0=1 /\\ 1:r1=0", .sometimes
    ),
    (
      "MP+rel+acq", ["WRITE_ONCE(*x, 1); smp_store_release(y, 1);", "r0 = smp_load_acquire(y); r1 = READ_ONCE(*x);"],
      "1:r0=1 /\\ 1:r1=0", .never
    ),
    (
      "MP+wmb+rmb",
      ["WRITE_ONCE(*x, 1); smp_wmb(); WRITE_ONCE(*y, 1);", "r0 = READ_ONCE(*y); smp_rmb(); r1 = READ_ONCE(*x);"],
      "1:r0=1 /\\ 1:r1=0", .never
    ),
    (
      // The address is there only once the thread itself has written it.
      "own address", ["WRITE_ONCE(*z, x); r0 = READ_ONCE(*z); r1 = READ_ONCE(*r0);", "WRITE_ONCE(*x, 1);"],
      "0:r0=x /\\ 0:r1=0", .sometimes
    ),
    (
      "S+rel+rmb",
      ["WRITE_ONCE(*x, 2); smp_store_release(y, 1);", "r0 = READ_ONCE(*y); smp_rmb(); WRITE_ONCE(*x, 1);"],
      "1:r0=1 /\\ x=2", .sometimes
    ),
    (
      "SB", ["WRITE_ONCE(*x, 1); r0 = READ_ONCE(*y);", "WRITE_ONCE(*y, 1); r0 = READ_ONCE(*x);"],
      "0:r0=0 /\\ 1:r0=0", .sometimes
    ),
    (
      "SB+mbs",
      ["WRITE_ONCE(*x, 1); smp_mb(); r0 = READ_ONCE(*y);", "WRITE_ONCE(*y, 1); smp_mb(); r0 = READ_ONCE(*x);"],
      "0:r0=0 /\\ 1:r0=0", .never
    ),
    (
      "SB+xchgs", ["r1 = xchg(x, 1); r0 = READ_ONCE(*y);", "r1 = xchg(y, 1); r0 = READ_ONCE(*x);"],
      "0:r0=0 /\\ 1:r0=0", .never
    ),
    (
      "SB+failed",
      [
        "WRITE_ONCE(*x, 1); r1 = cmpxchg(z, 5, 6); r0 = READ_ONCE(*y);",
        "WRITE_ONCE(*y, 1); smp_mb(); r0 = READ_ONCE(*x);",
      ],
      "0:r0=0 /\\ 1:r0=0", .sometimes
    ),
    (
      "LB", ["r0 = READ_ONCE(*x); WRITE_ONCE(*y, 1);", "r0 = READ_ONCE(*y); WRITE_ONCE(*x, 1);"],
      "0:r0=1 /\\ 1:r0=1", .sometimes
    ),
    (
      "LB+datas", ["r0 = READ_ONCE(*x); WRITE_ONCE(*y, r0);", "r0 = READ_ONCE(*y); WRITE_ONCE(*x, r0);"],
      "0:r0=1 /\\ 1:r0=1", .never
    ),
    (
      "LB+ctrls",
      [
        "r0 = READ_ONCE(*x); if (r0) { WRITE_ONCE(*y, 1); }", "r0 = READ_ONCE(*y); if (r0 == 1) { WRITE_ONCE(*x, 1); }",
      ],
      "0:r0=1 /\\ 1:r0=1", .never
    ),
    (
      "LB+joined",
      ["r0 = READ_ONCE(*x); if (r0) { r1 = 2; } WRITE_ONCE(*y, 1);", "r0 = READ_ONCE(*y); WRITE_ONCE(*x, r0);"],
      "0:r0=1 /\\ 1:r0=1", .sometimes
    ),
    (
      "RCU",
      [
        "rcu_read_lock(); r0 = READ_ONCE(*x); r1 = READ_ONCE(*y); rcu_read_unlock();",
        "WRITE_ONCE(*y, 1); synchronize_rcu(); WRITE_ONCE(*x, 1);",
      ],
      "0:r0=1 /\\ 0:r1=0", .never
    ),
    (
      "no RCU",
      ["r0 = READ_ONCE(*x); r1 = READ_ONCE(*y);", "WRITE_ONCE(*y, 1); synchronize_rcu(); WRITE_ONCE(*x, 1);"],
      "0:r0=1 /\\ 0:r1=0", .sometimes
    ),
    (
      "once", ["r0 = atomic_inc_return(x);", "r0 = atomic_inc_return(x);"], "0:r0=1 /\\ 1:r0=1", .never
    ),
    (
      // The cookies say that neither section has both writes.
      "SRCU, overlapping",
      [
        "r0 = srcu_read_lock(z); WRITE_ONCE(*x, 1); r1 = srcu_read_lock(z); srcu_read_unlock(z, r0); "
          + "WRITE_ONCE(*y, 1); srcu_read_unlock(z, r1);",
        "r0 = READ_ONCE(*x); synchronize_srcu(z); r1 = READ_ONCE(*y);",
      ],
      "1:r0=1 /\\ 1:r1=0", .sometimes
    ),
    (
      "SRCU, nested",
      [
        "r0 = srcu_read_lock(z); WRITE_ONCE(*x, 1); r1 = srcu_read_lock(z); srcu_read_unlock(z, r1); "
          + "WRITE_ONCE(*y, 1); srcu_read_unlock(z, r0);",
        "r0 = READ_ONCE(*x); synchronize_srcu(z); r1 = READ_ONCE(*y);",
      ],
      "1:r0=1 /\\ 1:r1=0", .never
    ),
    (
      "trylock",
      [
        "r0 = spin_trylock(z); if (r0) { WRITE_ONCE(*x, 1); spin_unlock(z); }",
        "r0 = spin_trylock(z); if (r0) { r1 = READ_ONCE(*x); spin_unlock(z); }",
      ],
      "0:r0=0 /\\ 1:r0=0", .never
    ),
    (
      "two registers", ["WRITE_ONCE(*x, 1); r0 = READ_ONCE(*y);", "smp_store_mb(y, 1); r0 = READ_ONCE(*x);"],
      "0:r0=1:r0", .sometimes
    ),
    (
      // A failed update is a load, next to which this barrier counts all the same.
      "SB+failed+after_atomic",
      [
        "WRITE_ONCE(*x, 1); r1 = cmpxchg(z, 5, 6); smp_mb__after_atomic(); r0 = READ_ONCE(*y);",
        "WRITE_ONCE(*y, 1); smp_mb(); r0 = READ_ONCE(*x);",
      ],
      "0:r0=0 /\\ 1:r0=0", .never
    ),
    (
      "add_unless", ["r0 = atomic_add_unless(x, 2, 1);", "r0 = atomic_add_unless(x, 1, 2);"],
      "0:r0=1 /\\ 1:r0=1", .never
    ),
    (
      "SB+add_unless that adds nothing",
      [
        "WRITE_ONCE(*x, 1); r1 = atomic_add_unless(z, 1, 0); r0 = READ_ONCE(*y);",
        "WRITE_ONCE(*y, 1); smp_mb(); r0 = READ_ONCE(*x);",
      ],
      "0:r0=0 /\\ 1:r0=0", .sometimes
    ),
    ("add_negative", ["r0 = atomic_add_negative(-2, x);"], "0:r0=1 /\\ x=-2", .always),
    (
      // x + 0 is x: the address depends on the load, so that nobody reads what was before.
      "a pointer's sum",
      [
        "WRITE_ONCE(*x, 1); smp_wmb(); WRITE_ONCE(*y, 1);",
        "r0 = READ_ONCE(*y); r1 = r0 - r0; r1 = READ_ONCE(*(x + r1));",
      ],
      "1:r0=1 /\\ 1:r1=0", .never
    ),
    (
      // The second thread ends the section that the first has begun.
      "SRCU, a cookie in memory",
      [
        "r0 = srcu_down_read(z); WRITE_ONCE(*w, r0); r1 = READ_ONCE(*x); smp_store_release(f, 1);",
        "r0 = smp_load_acquire(f); if (r0) { r1 = READ_ONCE(*y); r0 = READ_ONCE(*w); srcu_up_read(z, r0); r0 = 1; }",
        "WRITE_ONCE(*x, 1); synchronize_srcu(z); WRITE_ONCE(*y, 1);",
      ],
      "1:r0=1 /\\ 1:r1=1 /\\ 0:r1=0", .never
    ),
    (
      // No dependency that the model knows: a value that is there because it is there.
      "a value out of thin air",
      [
        "r1 = 1; if (READ_ONCE(*x) == 0) { r1 = 0; } WRITE_ONCE(*y, r1);", "r0 = READ_ONCE(*y); WRITE_ONCE(*x, r0);",
      ],
      "0:r1=1", .sometimes
    ),
    ("its own operand", ["r0 = 2; r0 = atomic_add_return(r0, x);"], "0:r0=2 /\\ x=2", .always),
    ("all", ["WRITE_ONCE(*x, 1);", "WRITE_ONCE(*y, 1);"], "x=1 /\\ y=1", .always),
  ]

  private static func text(_ threads: [String], _ condition: String) -> String {
    let bodies = threads.enumerated().map {
      "P\($0)(int *x, int *y, int *z, int *w, int *f)\n{\n  int r0;\n  int r1;\n  \($1)\n}\n"
    }
    return "C test\n\n(* a comment *)\n{}\n\n\(bodies.joined(separator: "\n"))\n\(condition)\n"
  }

  @Test(arguments: shapes.indices) func aShape(_ number: Int) throws {
    let shape = Self.shapes[number]
    let file = try LitmusFile(Self.text(shape.threads, "exists (\(shape.asks))"))
    let observation = LitmusObservation(try file.enumerateKernelExecutions(), of: file)
    #expect(observation.word == shape.word, "\(shape.name): \(observation.states)")
    #expect(!observation.hasRace)
  }

  /// What is wrong with sections and locks is flagged, by the model's names.
  @Test(arguments: [
    ("rcu_read_lock();", ["unmatched-rcu-lock"]),
    ("rcu_read_unlock();", ["unmatched-rcu-unlock"]),
    ("r0 = srcu_read_lock(z);", ["unmatched-srcu-lock"]),
    ("r0 = 0; srcu_read_unlock(z, r0);", ["unmatched-srcu-unlock"]),
    ("r0 = srcu_read_lock(z); srcu_read_unlock(z, r0); srcu_read_unlock(z, r0);", ["multiple-srcu-matches"]),
    ("rcu_read_lock(); synchronize_srcu(z); rcu_read_unlock();", ["invalid-sleep"]),
    ("spin_unlock(z);", ["unmatched-unlock"]),
    ("spin_lock(z); spin_unlock(z); synchronize_rcu();", []),
  ])
  func whatIsFlagged(_ body: String, _ flags: [String]) throws {
    let file = try LitmusFile(Self.text([body, "WRITE_ONCE(*x, 1);"], "exists (x=1)"))
    #expect(LitmusObservation(try file.enumerateKernelExecutions(), of: file).allFlags == flags)
  }

  /// Where there are too many states to show, the answer is there all the same: twelve threads that all read a flag.
  @Test func tooManyStates() throws {
    func observation(_ mark: String) throws -> LitmusObservation {
      let reader = "r0 = READ_ONCE(*x); r1 = READ_ONCE(*y);"
      let all = (1...9).map { "\($0):r0=1 /\\ \($0):r1=\(mark)" }.joined(separator: " /\\ ")
      let file = try LitmusFile(
        Self.text(
          ["WRITE_ONCE(*x, 1); WRITE_ONCE(*y, 1);"] + Array(repeating: reader, count: 9), "exists (\(all))"))
      return LitmusObservation(try file.enumerateKernelExecutions(), of: file)
    }
    let found = try observation("0")
    #expect(found.isOfCondition && found.word == .sometimes && found.states.count == 2)
    #expect(try observation("2").word == .never)
  }

  @Test func graphsHaveNoSuchAddition() throws {
    let file = try LitmusFile(Self.text(["r0 = atomic_add_unless(x, 2, 1);"], "exists (x=2)"))
    #expect(throws: LitmusTest.Invalid.self) { try file.asking.explore(.c11) }
  }

  /// Two ways to the same end: with acquire, release and full fences the explorer's graphs under C11 allow no less.
  @Test(arguments: ["MP+rel+acq", "SB+mbs", "SB", "once", "all"]) func theGraphsSayTheSame(_ name: String) throws {
    let shape = try #require(Self.shapes.first { $0.name == name })
    let file = try LitmusFile(Self.text(shape.threads, "exists (\(shape.asks))"))
    let book = LitmusObservation(try file.test.enumerateKernelExecutions(), of: file)
    let graphs = LitmusObservation(try file.test.explore(.c11), of: file)
    #expect(book.states.map(\.state) == graphs.states.map(\.state))
  }

  @Test func plainAccessesRace() throws {
    let racy = try LitmusFile(
      Self.text(
        ["*x = 1; smp_store_release(y, 1);", "r0 = READ_ONCE(*y); if (r0 == 1) { r1 = *x; }"], "exists (1:r0=1)"))
    #expect(LitmusObservation(try racy.test.enumerateKernelExecutions(), of: racy).hasRace)
    let ordered = try LitmusFile(
      Self.text(
        ["*x = 1; smp_store_release(y, 1);", "r0 = smp_load_acquire(y); if (r0 == 1) { r1 = *x; }"], "exists (1:r1=1)"))
    #expect(!LitmusObservation(try ordered.test.enumerateKernelExecutions(), of: ordered).hasRace)
  }

  /// What herd's format has besides.
  @Test func theFormat() throws {
    let file = try LitmusFile(
      """
      C format
      "a line that says something"
      (* Result: Sometimes *)
      { int x = 3; int *p = x; 1:r5 = 7; spinlock_t l; }

      P0(int *x, int **p, spinlock_t *l)
      {
        int *r0 = READ_ONCE(*p); // the address of x
        spin_lock(l);
        WRITE_ONCE(*r0, 1 + 2 * 2); /* through it */
        spin_unlock(l);
      }

      P1(int *x, int *y)
      {
        int r1, r2;
        r1 = READ_ONCE(*x);
        if (r1 >= 4 && !(r1 != 5)) r2 = r5; else { r2 = -1; }
        WRITE_ONCE(*y, r2);
      }

      locations [y; 0:r0]
      filter (~(1:r1=9))
      exists (1:r2=7 \\/ (1:r2=-1 /\\ x=5))
      """)
    #expect(file.result == .sometimes)
    #expect(file.shown.map(\.description) == ["0:r0", "1:r2", "[x]", "[y]"])
    let observation = LitmusObservation(try file.test.enumerateKernelExecutions(), of: file)
    #expect(observation.word == .always)
    #expect(observation.states.map(\.state) == ["0:r0=x; 1:r2=-1; [x]=5; [y]=-1;", "0:r0=x; 1:r2=7; [x]=5; [y]=7;"])
  }

  @Test(arguments: [
    ("X86 test\n{}\n", "1:1: error: this is a litmus test of 'X86'"),
    (
      "C t\n{}\nP0(int *x) { READ_ONE(*x); }\nexists (x=1)",
      "3:14: error: 'READ_ONE' is not known\n    did you mean 'READ_ONCE'?"
    ),
    ("C t\n{}\nP0(int *x) { WRITE_ONCE(*x, 1) }\nexists (x=1)", "3:32: error: ';' is missing before '}'"),
    ("C t\n{}\nP0(int *x) { WRITE_ONCE(*x, 1); }\n", "there is no condition"),
    ("C t\n{}\nP0(int *x) { WRITE_ONCE(*x, 1); }\nexists (q=1)", "4:9: error: there is no place 'q'"),
    ("C t\n{}\nP0(int *x) { WRITE_ONCE(*x, 1); }\nexists (0:r0=1)", "4:11: error: P0 has no register 'r0'"),
    ("C t\n{}\nP0(int *x) { while (1) {} }\nexists (x=1)", "3:14: error: 'while' is not known in litmus tests"),
    ("C t\n{ x=1; (* \nP0(int *x) {}\nexists (x=1)", "2:8: error: this comment has no end"),
    ("", "the file is empty"),
  ])
  func whatIsWrong(_ text: String, _ complaint: String) throws {
    #expect {
      try LitmusFile(text)
    } throws: { error in
      "\(error)".contains(complaint)
    }
  }
}
