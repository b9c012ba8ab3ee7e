import AddonRace
import Foundation
import Testing

/// What accesses of C depend on: programs whose text is a litmus test's, so that both can be explored.
extension CandidateTests {
  /// Threads in the kernel's C, with values, addresses and branches that depend on what was read.
  private struct Generator {
    private var state: UInt64
    init(seed: Int) { state = UInt64(seed + 1) &* 0x9e37_79b9_7f4a_7c15 | 1 }

    private mutating func number(_ below: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state >> 33) % below
    }

    private mutating func one(of choices: [String]) -> String { choices[number(choices.count)] }

    mutating func thread(_ accesses: Int) -> String {
      var lines: [String] = []
      var values: [String] = []
      for index in 0..<accesses {
        if index > 0, number(4) == 0 { lines.append(one(of: ["smp_mb();", "smp_rmb();", "smp_wmb();"])) }
        lines.append(statement(index, &values))
      }
      return lines.map { "  \($0)\n" }.joined()
    }

    private mutating func statement(_ index: Int, _ values: inout [String]) -> String {
      let place = one(of: ["x", "y", "z"])
      let register = "r\(index)"
      let kind = number(values.isEmpty ? 5 : 12)
      switch kind {
      case 0, 1:
        values.append(register)
        return
          "int \(register) = \(one(of: ["READ_ONCE(*\(place))", "READ_ONCE(*\(place))", "smp_load_acquire(\(place))"]));"
      case 2: return store(place, "\(1 + number(2))")
      case 3:
        values.append(register)
        return "int \(register) = \(one(of: ["xchg", "xchg_relaxed", "xchg_acquire", "xchg_release"]))(\(place), 1);"
      case 4:
        values.append(register)
        return "int \(register) = \(one(of: ["cmpxchg", "cmpxchg_relaxed"]))(\(place), 0, 2);"
      case 5, 6:
        let value = one(of: values)
        return store(place, one(of: ["\(value)", "(\(value) ^ \(value)) + 1", "\(value) - \(value) + 2"]))
      case 7, 8:
        if number(3) == 0 { return "\(one(of: ["WRITE_ONCE(*p,", "smp_store_release(p,"])) \(one(of: ["y", "z"])));" }
        let pointer = "int *q\(index) = \(one(of: ["READ_ONCE(*p)", "rcu_dereference(*p)"])); "
        if number(2) == 0 { return pointer + "WRITE_ONCE(*q\(index), 1);" }
        return pointer + "int \(register) = READ_ONCE(*q\(index));"
      default:
        let condition = one(of: values) + one(of: [" == 1", " != 0", ""])
        let inner = number(3) == 0 ? "if (\(one(of: values)) == 0) { \(store(place, "2")) }" : store(place, "1")
        let otherwise = number(3) == 0 ? " else { \(store(one(of: ["x", "y"]), "2")) }" : ""
        return "if (\(condition)) { \(inner) }\(otherwise)"
      }
    }

    private mutating func store(_ place: String, _ value: String) -> String {
      number(3) == 0 ? "smp_store_release(\(place), \(value));" : "WRITE_ONCE(*\(place), \(value));"
    }
  }

  @Test(.enabled(if: Labels.isAvailable)) func accessesDependOnWhatTheySay() throws {
    let programs = ProcessInfo.processInfo.environment["ADDONRACE_PROGRAMS"].flatMap { Int($0) } ?? 60
    var code = "#include <addonrace/kernel.h>\n"
    var tests: [LitmusTest] = []
    for program in 0..<programs {
      var generator = Generator(seed: program)
      let threads = (0..<(program % 3 == 0 ? 3 : 2)).map { _ in generator.thread(program % 3 == 0 ? 3 : 4) }
      var litmus = "C generated\n\n{ p=&x; }\n\n"
      code += "static int x\(program), y\(program), z\(program), *p\(program) = &x\(program);\n"
      for (number, body) in threads.enumerated() {
        litmus += "P\(number)(int *x, int *y, int *z, int **p)\n{\n\(body)}\n\n"
        code += "static void racer_p\(program)_\(number)(void) {\n"
        code += "  int *x = &x\(program), *y = &y\(program), *z = &z\(program), **p = &p\(program);\n\(body)}\n"
      }
      tests.append(try LitmusFile(litmus + "exists (x=3)\n").test)
    }
    let candidate = try Candidate(code)
    let harness = Harness()
    let built = try harness.built(candidate.scenario())
    for (program, test) in tests.enumerated() {
      var scenario = built
      scenario.racers = test.threads.indices.map { RacerGroup(role: "p\(program)_\($0)", count: 1) }
      let verdict = harness.explore(scenario, .kernel)
      let expected = try test.explore(.kernel)
      #expect(
        verdict.outcome == .pass && verdict.exploration?.executions == expected.executions,
        "program \(program): \(verdict.outcome) \(verdict.notes) \(verdict.exploration?.executions ?? 0), \(expected.executions): \(test.threads)"
      )
    }
  }
}

extension CandidateTests {
  /// The writer's second store is seen, and the reader's own comes before the writer's first, unless something orders them.
  private func sees(_ body: String, _ flags: [String] = [], tracks: Bool = true) throws -> Bool {
    let verdict = try Candidate(
      """
      #include <addonrace/kernel.h>
      static int x, y, a, others[32];
      static struct { int *at; int value; } box;
      void racer_writer(void) { WRITE_ONCE(x, 2); smp_store_release(&y, 1); }
      \(body)
      void check(void) { BUG_ON(a == 1 && x == 2); }
      """, flags: flags
    ).explore(.kernel) { $0.explore.dependencies = tracks }
    #expect(verdict.outcome == .pass || verdict.record.reporters == ["assertion"], "\(verdict.notes)")
    return verdict.outcome == .fail
  }

  @Test(
    .enabled(if: Labels.isAvailable),
    arguments: [
      // Through a function, and through memory.
      (
        "static int next(int v) { return v + 1; } void racer_r(void) { a = READ_ONCE(y); WRITE_ONCE(x, next(a) - a); }",
        false
      ),
      ("void racer_r(void) { box.value = READ_ONCE(y); a = box.value; WRITE_ONCE(x, a ^ a); }", false),
      ("void racer_r(void) { int v = READ_ONCE(y), w; memcpy(&w, &v, 4); a = w; WRITE_ONCE(x, w ^ w); }", false),
      // What another wrote, and what was overwritten, depends on nothing.
      (
        "void racer_r(void) { box.value = READ_ONCE(y); a = box.value; box.value = 1; WRITE_ONCE(x, box.value); }", true
      ),
      // Where the ways have joined, and where one of them has not come back.
      ("void racer_r(void) { a = READ_ONCE(y); if (a) others[1] = 1; else others[2] = 1; WRITE_ONCE(x, 1); }", true),
      ("void racer_r(void) { a = READ_ONCE(y); if (!a) return; WRITE_ONCE(x, 1); }", false),
      (
        "static int is(int v) { if (v) return 1; return 0; } void racer_r(void) { a = READ_ONCE(y); is(a); WRITE_ONCE(x, 1); }",
        true
      ),
      ("void racer_r(void) { a = READ_ONCE(y); switch (a) { case 1: WRITE_ONCE(x, 1); } }", false),
      ("void racer_r(void) { for (a = READ_ONCE(y); a != 1;) return; WRITE_ONCE(x, 1); }", false),
      // A truth value that a branch has chosen.
      ("void racer_r(void) { a = READ_ONCE(y); bool both = a && !others[3]; WRITE_ONCE(x, both - both); }", false),
      ("void racer_r(void) { a = READ_ONCE(y); bool any = !a || others[3]; if (!any) WRITE_ONCE(x, 1); }", false),
      ("void racer_r(void) { a = READ_ONCE(y); if (likely(a && !others[3])) WRITE_ONCE(x, 1); }", false),
      // An address.
      ("void racer_r(void) { a = READ_ONCE(y); WRITE_ONCE((&x)[a - a], 1); }", false),
    ])
  func whatOrders(_ body: String, _ isSeen: Bool) throws {
    #expect(try sees(body) == isSeen)
  }

  /// Labels have eight bits: an execution with more reads is run again, with labels for others.
  @Test(.enabled(if: Labels.isAvailable), arguments: [0, 8, 19])
  func manyReads(_ which: Int) throws {
    let body = """
      void racer_r(void) {
        int values[20];
        for (int i = 0; i < 20; i++) values[i] = READ_ONCE(*(i == \(which) ? &y : &others[i]));
        a = values[\(which)];
        if (values[OF]) return;
        WRITE_ONCE(x, 1);
      }
      """
    #expect(
      try !sees(body.replacingOccurrences(of: "OF", with: "\(which)").replacingOccurrences(of: "if (v", with: "if (!v"))
    )
    #expect(try sees(body.replacingOccurrences(of: "OF", with: "\((which + 8) % 20)")))
  }

  /// Otherwise an address depends on each load that returned the address of its object, and nothing else on anything.
  @Test func whereTheyAreNotTracked() throws {
    #expect(try sees("void racer_r(void) { a = READ_ONCE(y); if (a) WRITE_ONCE(x, 1); }", tracks: false))
  }

  // MARK: What a verdict says

  private static let lines = """
    #include <addonrace/kernel.h>
    static int x, y, a;
    static int *p = &x;
    void racer_writer(void) { WRITE_ONCE(x, 2); smp_store_release(&y, 1); }
    void racer_r(void) {
      a = READ_ONCE(y);
    #ifdef BRANCH
      if (a)
        WRITE_ONCE(x, 1);
    #else
      WRITE_ONCE(x, a - a);
    #endif
    }
    void check(void) { BUG_ON(a == 1 && x == 2); }
    """

  /// Which store depends on which load, where the verdict rests on that.
  @Test(.enabled(if: Labels.isAvailable), arguments: [(["-DBRANCH"], "control", 9), ([], "data", 11)])
  func aVerdictThatACompilerMayBreak(_ flags: [String], _ kind: String, _ line: Int) throws {
    let verdict = try Candidate(Self.lines, flags: flags).explore(.kernel)
    #expect(verdict.outcome == .pass)
    let fragile = verdict.exploration?.fragileDependencies ?? []
    #expect(fragile.map(\.kind.rawValue) == [kind] && fragile.map(\.checker) == ["assertion"])
    #expect(fragile.first?.store.source == "candidate.c:\(line)" && fragile.first?.load.source == "candidate.c:6")
  }

  @Test(.enabled(if: Labels.isAvailable)) func aVerdictThatRestsOnNone() throws {
    let verdict = try Candidate(Self.lines.replacingOccurrences(of: "READ_ONCE(y)", with: "smp_load_acquire(&y)"))
      .explore(.kernel)
    #expect(verdict.outcome == .pass && verdict.exploration?.fragileDependencies == [])
  }

  private func bufferedLoads(_ store: String) throws -> [BufferedLoad]? {
    let verdict = try Candidate(
      """
      #include <addonrace/kernel.h>
      static int x, y, a, b;
      void racer_one(void) { a = READ_ONCE(x); WRITE_ONCE(y, \(store)); }
      void racer_two(void) { b = READ_ONCE(y); WRITE_ONCE(x, b + 1); }
      """
    ).explore(.kernel)
    #expect(verdict.outcome == .pass)
    #expect(verdict.exploration?.leavesOutLoadBuffering == (verdict.exploration?.bufferedLoads.isEmpty == false))
    return verdict.exploration?.bufferedLoads
  }

  /// Which load may read what its own racer causes; and nothing, where a dependency is in the way.
  @Test(.enabled(if: Labels.isAvailable)) func loadBufferingIsNamed() throws {
    let loads = try #require(try bufferedLoads("1"))
    #expect(loads.map(\.load.racer) == [1, 2] && loads.map(\.store.racer) == [2, 1], "\(loads)")
    #expect(loads.first?.load.source == "candidate.c:3" && loads.first?.store.source == "candidate.c:4")
    #expect(try bufferedLoads("a + 1") == [])
  }

  /// What accesses depend on is not known here; but told what it would read, the program does not do what leads to it.
  @Test(arguments: [("if (!a) ", 0), ("", 1)]) func aLoadThatWouldNotComeTrue(_ condition: String, _ count: Int) throws
  {
    let verdict = try Candidate(
      """
      #include <addonrace/kernel.h>
      static int x, y;
      void racer_one(void) { int a = READ_ONCE(x); \(condition)WRITE_ONCE(y, 1); }
      void racer_two(void) { if (READ_ONCE(y)) WRITE_ONCE(x, 1); }
      """
    ).explore(.kernel) { $0.explore.dependencies = false }
    #expect(verdict.outcome == .pass && verdict.exploration?.bufferedLoads.count == count, "\(verdict)")
    #expect(verdict.exploration?.leavesOutLoadBuffering == (count > 0))
  }

  /// Labels on the stack of a racer that spins are others at every turn; that it is idle is seen all the same, in each run.
  @Test(.enabled(if: Labels.isAvailable)) func aLoopOfMoreReadsThanLabels() throws {
    let verdict = try Candidate(
      """
      #include <addonrace/kernel.h>
      static int first = 1, word[4];
      void racer_take(void) { WRITE_ONCE(first, 0); }
      void racer_spin(void) {
        while (READ_ONCE(first)) {
          int sum = 0;
          for (int i = 0; i < 4; i++) sum |= READ_ONCE(word[i]);
          if (sum) WRITE_ONCE(word[0], sum);
        }
      }
      """
    ).explore(.kernel)
    #expect(verdict.outcome == .pass && verdict.exploration?.isExhaustive == true, "\(verdict)")
    #expect((2...4).contains(verdict.exploration?.executions ?? 0), "\(verdict)")
  }

  /// What the model cannot say of long racers is said.
  @Test(.enabled(if: Labels.isAvailable), arguments: [(60, false), (70, true)])
  func moreEventsThanDependenciesAreKnownOf(_ reads: Int, _ isSaid: Bool) throws {
    let verdict = try Candidate(
      """
      #include <addonrace/kernel.h>
      static int x, y;
      void racer_long(void) {
        for (int i = 0; i < \(reads); i++) READ_ONCE(x);
        WRITE_ONCE(y, 1);
      }
      void racer_other(void) { READ_ONCE(y); }
      """
    ).explore(.kernel)
    #expect(verdict.outcome == .pass)
    #expect(verdict.notes.contains { $0.contains("more than 64 events") } == isSaid, "\(verdict.notes)")
  }

  /// Debian 12's clang lacks a pass that tracking needs: what it compiles is explored without.
  @Test(.enabled(if: BuildKind.current == .plain)) func aCompilerThatCannotTrack() throws {
    var candidate = try Candidate("static int x; void racer_a(void) { __atomic_store_n(&x, 1, 0); }")
    let compiler = candidate.code.sources[0] + ".clang"
    let script = """
      #!/bin/sh
      case "$*" in *control-flow*) echo "unsupported argument 'control-flow'" >&2; exit 1;; esac
      exec clang "$@"
      """
    try Data(script.utf8).write(to: URL(fileURLWithPath: compiler))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: compiler)
    candidate.code.compiler = compiler
    let verdict = try candidate.explore(.kernel)
    #expect(verdict.outcome == .pass)
    #expect(verdict.notes.contains { $0.contains("not tracked: the compiler cannot (clang 16 and later can)") })
    // What is wrong with the code is said as ever.
    var wrong = try Candidate("void racer_a(void) { undeclared = 1; }")
    wrong.code.compiler = compiler
    #expect(throws: EngineError.self) { try wrong.explore(.kernel) }
  }
}
