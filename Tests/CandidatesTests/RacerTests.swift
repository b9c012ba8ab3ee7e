import AddonRace
import Testing

extension CandidateTests {
  private static let counter = """
    #include <addonrace/kernel.h>
    struct ctx { atomic_t n; int seen; };
    static void setup(struct ctx *c) { atomic_set(&c->n, 0); }
    static void racer_up(struct ctx *c) { atomic_inc(&c->n); }
    static void racer_look(struct ctx *c) { c->seen = atomic_read(&c->n); }
    static void check(struct ctx *c) { BUG_ON(atomic_read(&c->n) != UPS); }
    """

  /// Racers of one role are exchanged for each other, and so counted once.
  @Test func racersOfARole() throws {
    let candidate = try Candidate(Self.counter, flags: ["-DUPS=3"])
    let racers = [RacerGroup(role: "up", count: 3), RacerGroup(role: "look", count: 1)]
    let verdict = try candidate.explore(.c11, racers)
    #expect(verdict.outcome == .pass && verdict.exploration?.executions == 4, "\(verdict.notes)")
    let each = try candidate.explore(.c11, racers) { $0.explore.symmetry = false }
    #expect(each.exploration?.executions == 24)
    #expect(try candidate.explore(.c11, [RacerGroup(role: "up", count: 2)]).findings.first?.checker == "assertion")
  }

  /// The checkers of slots judge one that is declared, in every execution.
  @Test(arguments: [
    ([], []), (["-DSTORES"], ["single-winner", "no-leak"]), (["-DLEAKS"], ["losers-freed", "no-leak"]),
    (["-DTWICE"], ["visible-once"]),
  ])
  func declaredSlots(_ flags: [String], _ reporters: [String]) throws {
    let candidate = try Candidate(
      """
      #include <addonrace.h>
      #include <stdatomic.h>
      #include <stdlib.h>
      struct inode { _Atomic(int *) slot, other; };
      void setup(struct inode *i) {
        addonrace_slot(&i->slot, "slot");
        addonrace_slot(&i->other, "other");
      }
      void racer_a(struct inode *i) {
        int *p = NULL, *mine = malloc(sizeof *mine);
      #ifdef STORES
        atomic_store(&i->slot, mine);
      #else
        if (atomic_compare_exchange_strong(&i->slot, &p, mine)) {
      #ifdef TWICE
          atomic_store(&i->other, mine);
      #endif
          return;
        }
      #ifndef LEAKS
        free(mine);
      #endif
      #endif
      }
      void teardown(struct inode *i) { free(i->slot); }
      """, flags: flags)
    let verdict = try candidate.explore(.c11, [RacerGroup(role: "a", count: 2)])
    #expect(Set(verdict.record.reporters) == Set(reporters), "\(verdict.findings) \(verdict.notes)")
  }

  /// One of each role where nobody says more.
  @Test func oneOfEach() throws {
    let verdict = try Candidate(Self.counter, flags: ["-DUPS=1"]).explore(.sc)
    #expect(verdict.outcome == .pass && verdict.scenario.racers.map(\.role) == ["up", "look"])
  }

  @Test func sleepingUnderASpinlock() throws {
    let candidate = try Candidate(
      """
      #include <addonrace/kernel.h>
      struct ctx { spinlock_t lock; void *p; };
      static void racer_a(struct ctx *c) { spin_lock(&c->lock); c->p = kmalloc(8, FLAGS); spin_unlock(&c->lock); }
      static void teardown(struct ctx *c) { kfree(c->p); }
      """, flags: ["-DFLAGS=GFP_KERNEL"])
    #expect(try candidate.explore(.sc).findings.first?.checker == "atomic-context")
  }

  /// Any allocation fails, in some execution.
  @Test func allocationsThatFail() throws {
    let candidate = try Candidate(
      """
      #include <addonrace/kernel.h>
      struct ctx { int *p; };
      static void racer_a(struct ctx *c) { c->p = kzalloc(sizeof *c->p, GFP_KERNEL); *c->p = 1; }
      static void teardown(struct ctx *c) { kfree(c->p); }
      """)
    #expect(try candidate.explore(.sc).outcome == .pass)
    #expect(try candidate.explore(.sc) { $0.explore.allocationFailures = 1 }.findings.first?.checker == "crash")
  }

  /// A reader that is in a section when the pointer goes keeps what it has.
  @Test(arguments: [(true, nil), (false, "no-use-after-free")] as [(Bool, String?)])
  func gracePeriods(_ waits: Bool, _ reporter: String?) throws {
    let candidate = try Candidate(
      """
      #include <addonrace/kernel.h>
      struct thing { int value; struct rcu_head rcu; };
      struct ctx { struct thing __rcu *thing; };
      static void setup(struct ctx *c) { struct thing *t = kzalloc(sizeof *t, GFP_KERNEL); t->value = 7; RCU_INIT_POINTER(c->thing, t); }
      static void racer_reader(struct ctx *c) {
        rcu_read_lock();
        struct thing *t = rcu_dereference(c->thing);
        if (t) BUG_ON(t->value != 7);
        rcu_read_unlock();
      }
      static void racer_owner(struct ctx *c) {
        struct thing *t = rcu_dereference_protected(c->thing, 1);
        RCU_INIT_POINTER(c->thing, NULL);
        if (WAITS) kfree_rcu(t, rcu); else kfree(t);
      }
      """, flags: ["-DWAITS=\(waits ? 1 : 0)"])
    for model in MemoryModel.allCases {
      let verdict = try candidate.explore(model)
      #expect(verdict.findings.first?.checker == reporter, "\(model) \(verdict.notes)")
    }
  }

  /// What was read is no address, so nothing depends on it, in the kernel's model either.
  @Test(arguments: [true, false]) func sequenceCounts(_ hasBarriers: Bool) throws {
    let candidate = try Candidate(
      """
      #include <addonrace/kernel.h>
      struct ctx { unsigned count; int a, b; };
      static void racer_writer(struct ctx *c) {
        WRITE_ONCE(c->count, 1);
        smp_wmb();
        WRITE_ONCE(c->a, 1);
        WRITE_ONCE(c->b, 1);
        smp_wmb();
        WRITE_ONCE(c->count, 2);
      }
      static void racer_reader(struct ctx *c) {
        unsigned before;
        int a, b;
        do {
          before = READ_ONCE(c->count);
          BARRIER();
          a = READ_ONCE(c->a);
          b = READ_ONCE(c->b);
          BARRIER();
        } while (before & 1 || READ_ONCE(c->count) != before);
        BUG_ON(a != b);
      }
      """, flags: [hasBarriers ? "-DBARRIER()=smp_rmb()" : "-DBARRIER()="])
    for model in [MemoryModel.c11, .kernel] {
      #expect(try candidate.explore(model).outcome == (hasBarriers ? .pass : .fail), "\(model)")
    }
    #expect(try candidate.explore(.tso).outcome == .pass)
  }

  @Test func notesAreInTheTrace() throws {
    let candidate = try Candidate(
      """
      #include <addonrace.h>
      #include <stdlib.h>
      struct object { int *_Atomic slot; };
      void setup(struct object *o) { addonrace_note("before"); }
      void racer_fill(struct object *o) {
        int *mine = malloc(4);
        *mine = 1;
        addonrace_note(o->slot ? "late" : "early");
        o->slot = mine;
      }
      void teardown(struct object *o) { free(o->slot); }
      """)
    let steps = try #require(try candidate.explore(.sc, [RacerGroup(role: "fill", count: 2)]).counterexample).steps
    let notes = steps.filter { $0.verb == .note }.map { $0.value }
    #expect(notes.first == .text("before") && notes.count == 3, "\(notes)")
    #expect(steps.filter { $0.verb == .note }.allSatisfy { $0.source?.contains(".c:") == true })
  }
}
