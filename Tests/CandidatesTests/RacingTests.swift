import AddonRace
import Foundation
import Testing

/// The same code on real threads. What is expected to fail fails in every run, or nearly so: no test waits for luck.
extension CandidateTests {
  private static let slot = """
    #include <assert.h>
    #include <addonrace.h>
    #include <stdatomic.h>
    #include <stdlib.h>
    struct inode { _Atomic(int *) slot; };
    static void setup(struct inode *i) { atomic_init(&i->slot, NULL); DECLARE }
    static void racer_a(struct inode *i) {
      int *p = atomic_load_explicit(&i->slot, memory_order_acquire);
      if (p) return;
      int *mine = malloc(sizeof *mine);
      if (!mine) return;
      *mine = 42;
    #ifdef STORES
      atomic_store_explicit(&i->slot, mine, memory_order_release);
    #else
      if (!atomic_compare_exchange_strong_explicit(&i->slot, &p, mine, memory_order_acq_rel, memory_order_acquire)) {
    #ifdef TWICE
        free(mine);
    #endif
    #ifndef LEAKS
        free(mine);
    #endif
      }
    #endif
    }
    static void check(struct inode *i) { int *p = i->slot; assert(!p || *p == CONTENT); }
    static void teardown(struct inode *i) { free(i->slot); }
    """

  private func slot(_ flags: [String], _ change: (inout Scenario) -> Void = { _ in }) throws
    -> Verdict
  {
    let all = flags + (flags.contains { $0.hasPrefix("-DCONTENT") } ? [] : ["-DCONTENT=42"])
    return try Candidate(Self.slot, flags: all.contains { $0.hasPrefix("-DDECLARE") } ? all : all + ["-DDECLARE="])
      .race([RacerGroup(role: "a", count: 2)], change)
  }

  private static let declares = #"-DDECLARE=addonrace_slot(&i->slot,"slot");"#

  /// Racers on objects of their own collide as those of a modelled site do, in each shape.
  @Test func racersCollide() throws {
    for shape in BuildKind.current == .plain ? RaceShape.allCases : [.widened] {
      let verdict = try slot([Self.declares]) { scenario in
        scenario.stress.shape = shape
        scenario.stress.minimumYield = shape == .natural ? 0 : nil
      }
      #expect(verdict.outcome == .pass, "\(shape): \(verdict.outcome) \(verdict.findings) \(verdict.notes)")
      #expect(verdict.figures.threads == nil && verdict.figures.populations > 0)
      #expect(verdict.figures.allocations == verdict.figures.frees)
    }
  }

  private static let faults = [
    (["-DLEAKS", declares], "losers-freed"), (["-DSTORES", declares], "single-winner"),
    (["-DTWICE"], "no-use-after-free"), (["-DLEAKS"], "no-leak"), (["-DSTORES"], "no-leak"),
    (["-DCONTENT=41"], "assertion"),
  ]

  @Test(arguments: faults) func wrongRacers(_ flags: [String], _ checker: String) throws {
    // Left in the middle: what a sanitizer knows of a thread's stack is not left with it.
    if checker == "assertion", BuildKind.current != .plain { return }
    let verdict = try slot(flags) { $0.expect.stress = .fail(checkers: [checker], may: ["no-leak", "losers-freed"]) }
    #expect(verdict.record.reporters.contains(checker), "\(verdict.outcome) \(verdict.findings) \(verdict.notes)")
  }

  @Test func allocationsThatFailInARace() throws {
    let verdict = try slot([]) {
      $0.faults.allocationFailure = AllocationFailure(.probability(0.2))
      $0.stress.minimumYield = 0
    }
    #expect(verdict.outcome == .pass && verdict.figures.refusals > 0, "\(verdict.findings) \(verdict.notes)")
  }

  private static let program = """
    #include <assert.h>
    #include <pthread.h>
    #include <stdatomic.h>
    #include <stdlib.h>
    static _Atomic(int *) slot;
    static _Thread_local int visits;
    static void *racer(void *unused) {
      assert(visits++ == 0);
      int *p = atomic_load(&slot);
      if (!p) {
        int *mine = malloc(sizeof *mine);
        *mine = 42;
        if (atomic_compare_exchange_strong(&slot, &p, mine)) p = mine;
        else LOSER;
      }
      assert(*p == 42);
      return p;
    }
    int main(void) {
      pthread_t threads[3];
      assert(atomic_load(&slot) == NULL);
      for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, racer, NULL);
      for (int i = 0; i < 3; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert(*(int *)result == 42);
      }
      END
      return 0;
    }
    """

  /// Data and thread-local storage are as they were at the beginning of each run.
  @Test func programs() throws {
    let verdict = try Candidate(Self.program, flags: ["-DLOSER=free(mine)", "-DEND=free(slot);"]).race()
    #expect(verdict.outcome == .pass, "\(verdict.findings) \(verdict.notes)")
    #expect(verdict.figures.threads == 4 && verdict.figures.rounds > 100)
    #expect(verdict.figures.allocations == verdict.figures.frees)
  }

  @Test(arguments: [
    (["-DLOSER=(void)0", "-DEND=free(slot);"], "no-leak"),
    (["-DLOSER=(free(mine),free(mine))", "-DEND="], "no-use-after-free"),
    (["-DLOSER=abort()", "-DEND="], "crash"), (["-DLOSER=(mine[1]=1)", "-DEND="], "no-use-after-free"),
  ])
  func wrongPrograms(_ flags: [String], _ checker: String) throws {
    // Ends with the finding; a loaded machine may need long for a collision.
    let verdict = try Candidate(Self.program, flags: flags).race {
      $0.stress.collisions = 1_000_000_000
      $0.stress.time = 60
    }
    #expect(verdict.record.reporters.contains(checker), "\(verdict.outcome) \(verdict.findings) \(verdict.notes)")
  }

  /// Racers without an object of their own are run again and again, as a program is.
  @Test func racersWithoutAnObject() throws {
    let verdict = try Candidate(
      """
      #include <assert.h>
      #include <stdatomic.h>
      static atomic_int n;
      void racer_up(void) { n++; }
      void check(void) { assert(n == 2); }
      """
    ).race([RacerGroup(role: "up", count: 2)]) { $0.stress.time = 0.2 }
    #expect(verdict.outcome == .pass && verdict.figures.threads == 3, "\(verdict.findings) \(verdict.notes)")
  }

  /// What is kept beyond its object cannot be raced on one object after the other.
  @Test func whatOutlivesItsObject() throws {
    let verdict = try Candidate(
      """
      #include <stdatomic.h>
      #include <stdlib.h>
      struct inode { int seen; };
      static _Atomic(int *) cache;
      void racer_a(struct inode *i) {
        int *none = NULL, *mine = malloc(sizeof *mine);
        if (!atomic_compare_exchange_strong(&cache, &none, mine)) free(mine);
      }
      """
    ).race([RacerGroup(role: "a", count: 2)]) { $0.stress.time = 0.4 }
    #expect(verdict.outcome == .pass && verdict.figures.threads == 3, "\(verdict.findings) \(verdict.notes)")
  }

  /// Sections, grace periods and what is left to them, under the kernel's names.
  @Test func kernelCodeRaced() throws {
    // ThreadSanitizer does not see how the code orders what one racer frees for another.
    if BuildKind.current == .threadSanitizer { return }
    let candidate = try Candidate(
      """
      #include <addonrace/kernel.h>
      struct thing { int value; struct rcu_head rcu; };
      struct ctx { struct thing __rcu *thing; spinlock_t lock; int wrong; };
      static void setup(struct ctx *c) { spin_lock_init(&c->lock); }
      static void racer_attach(struct ctx *c) {
        struct thing *t = kzalloc(sizeof *t, GFP_KERNEL);
        t->value = 7;
        if (cmpxchg(&c->thing, NULL, t)) kfree(t);
      }
      static void racer_read(struct ctx *c) {
        rcu_read_lock();
        struct thing *t = rcu_dereference(c->thing);
        if (t && READ_ONCE(t->value) != 7) c->wrong = 1;
        rcu_read_unlock();
      }
      static void racer_detach(struct ctx *c) {
        spin_lock(&c->lock);
        struct thing *t = xchg(&c->thing, NULL);
        spin_unlock(&c->lock);
        if (t) kfree_rcu(t, rcu);
      }
      static void check(struct ctx *c) { BUG_ON(c->wrong); }
      """)
    let verdict = try candidate.race()
    #expect(verdict.outcome == .pass, "\(verdict.findings) \(verdict.notes)")
  }

  @Test func sleepingUnderASpinlockInARace() throws {
    let verdict = try Candidate(
      """
      #include <addonrace/kernel.h>
      struct ctx { spinlock_t lock; void *p; };
      static void setup(struct ctx *c) { spin_lock_init(&c->lock); }
      static void racer_a(struct ctx *c) {
        spin_lock(&c->lock);
        if (!c->p) c->p = kmalloc(8, GFP_KERNEL);
        spin_unlock(&c->lock);
      }
      static void teardown(struct ctx *c) { kfree(c->p); }
      """
    ).race([RacerGroup(role: "a", count: 2)])
    #expect(verdict.findings.first?.checker == "atomic-context", "\(verdict.findings) \(verdict.notes)")
  }

  /// A finding is explored, too, and explained.
  @Test func racesAreExplained() throws {
    if BuildKind.current != .plain { return }
    var harness = Harness()
    harness.explains = true
    let scenario = try Candidate(Self.slot, flags: ["-DLEAKS", "-DDECLARE=", "-DCONTENT=42"])
      .scenario([RacerGroup(role: "a", count: 2)])
    let verdict = harness.run(try harness.built(scenario, for: .racing))
    #expect(verdict.counterexample?.findings.first?.checker == "no-leak", "\(verdict.notes)")
  }

  /// What has no object that can be visited again cannot be measured, or raced, and says why.
  @Test func whatCannotBeRaced() throws {
    let program = try Harness().built(try Candidate("int main() { return 0; }").scenario(), for: .racing)
    #expect(throws: EngineError.self) { _ = try Bench(of: program).run(program) }
    let heap = try slot(["-DDECLARE="]) { $0.stress.heap = .malloc }
    #expect(heap.outcome == .invalid && heap.notes.contains { $0.contains("the pool as their heap") }, "\(heap.notes)")
    let forks = try Candidate("#include <unistd.h>\nint main() { fork(); }").race()
    #expect(forks.outcome == .invalid && forks.notes.contains { $0.contains("fork()") }, "\(forks.notes)")
    // Left in the middle, as above.
    if BuildKind.current != .plain { return }
    let starts = try Candidate(
      """
      #include <pthread.h>
      struct inode { int x; };
      static void *body(void *unused) { return unused; }
      void racer_a(struct inode *i) { pthread_t t; pthread_create(&t, NULL, body, NULL); }
      """
    ).race([RacerGroup(role: "a", count: 2)])
    #expect(starts.outcome == .invalid && starts.notes.contains { $0.contains("starts a thread") }, "\(starts.notes)")
  }

  @Test func costs() throws {
    let scenario = try Harness().built(
      try Candidate(Self.slot, flags: ["-DDECLARE=", "-DCONTENT=42"]).scenario(), for: .racing)
    var options = BenchOptions()
    options.repetitions = 11
    options.inodes = 64
    var measured = scenario
    measured.bench = options
    let figures = try Bench(of: scenario).run(measured)
    let names = Set(figures.results.map(\.contestant))
    #expect(names.isSuperset(of: ["C11 by hand", "candidate: a", "Linux's file-owner"]), "\(names)")
  }

  @Test(arguments: shipped) func shippedCodeRaced(_ name: String) throws {
    if name.hasPrefix("rust/"), !Self.hasRust { return }
    if BuildKind.current != .plain { return }
    let file = Self.folder.appendingPathComponent(name)
    let harness = Harness()
    let read = try ScenarioFile.read(
      try String(contentsOf: file, encoding: .utf8), file: file.path, harness.vocabulary)
    var scenario = try harness.built(read, for: .racing)
    scenario.stress.time = 1
    scenario.stress.collisions = 20_000
    // On a loaded machine two threads may hardly meet.
    scenario.stress.minimumYield = 0
    let verdict = harness.run(scenario)
    #expect(verdict.asExpected, "\(verdict.outcome) \(verdict.findings.map(\.message)) \(verdict.notes)")
  }
}
