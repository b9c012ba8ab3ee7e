import AddonRace
import Testing

extension CandidateTests {
  /// What a program does, by the only checker that may report.
  struct Program: CustomTestStringConvertible {
    var testDescription: String
    let text: String
    let reporter: String?
    var models = MemoryModel.allCases

    init(_ name: String, _ reporter: String?, in models: [MemoryModel] = MemoryModel.allCases, _ text: String) {
      testDescription = name
      self.reporter = reporter
      self.models = models
      self.text = Program.header + text
    }

    static let header = """
      #include <assert.h>
      #include <errno.h>
      #include <pthread.h>
      #include <sched.h>
      #include <semaphore.h>
      #include <stdatomic.h>
      #include <stdlib.h>
      #include <string.h>
      #include <threads.h>
      static pthread_t first, second;
      static void both(void *(*one)(void *), void *(*other)(void *)) {
        pthread_create(&first, 0, one, 0);
        pthread_create(&second, 0, other, 0);
        pthread_join(first, 0);
        pthread_join(second, 0);
      }

      """
  }

  static let programs = [
    Program(
      "an increment without a lock", "data-race",
      "int n; void *f(void *u) { n++; return u; } int main() { both(f, f); }"),
    Program(
      "a mutex", nil,
      """
      pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER; int n;
      void *f(void *u) { pthread_mutex_lock(&m); n++; pthread_mutex_unlock(&m); return u; }
      int main() { both(f, f); assert(n == 2); }
      """),
    Program(
      "a recursive mutex", nil,
      """
      pthread_mutex_t m; int n;
      void *f(void *u) {
        pthread_mutex_lock(&m); pthread_mutex_lock(&m); n++; pthread_mutex_unlock(&m); pthread_mutex_unlock(&m); return u;
      }
      int main() {
        pthread_mutexattr_t a; pthread_mutexattr_init(&a); pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
        pthread_mutex_init(&m, &a); both(f, f); assert(n == 2);
      }
      """),
    Program(
      "a mutex that checks", nil,
      """
      pthread_mutex_t m;
      int main() {
        pthread_mutexattr_t a; pthread_mutexattr_init(&a); pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
        pthread_mutex_init(&m, &a); pthread_mutex_lock(&m);
        assert(pthread_mutex_lock(&m) == EDEADLK); pthread_mutex_unlock(&m); assert(pthread_mutex_unlock(&m) == EPERM);
      }
      """),
    Program(
      "locks in two orders", "progress",
      """
      pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
      void *f(void *u) { pthread_mutex_lock(&a); pthread_mutex_lock(&b); pthread_mutex_unlock(&b); pthread_mutex_unlock(&a); return u; }
      void *g(void *u) { pthread_mutex_lock(&b); pthread_mutex_lock(&a); pthread_mutex_unlock(&a); pthread_mutex_unlock(&b); return u; }
      int main() { both(f, g); }
      """),
    Program(
      "an unlock by somebody else", "assertion",
      """
      pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
      void *f(void *u) { pthread_mutex_unlock(&m); return u; } int main() { pthread_mutex_lock(&m); both(f, f); }
      """),
    Program(
      "a condition variable", nil,
      """
      pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER; pthread_cond_t c = PTHREAD_COND_INITIALIZER; int ready;
      void *f(void *u) { pthread_mutex_lock(&m); while (!ready) pthread_cond_wait(&c, &m); pthread_mutex_unlock(&m); return u; }
      void *g(void *u) { pthread_mutex_lock(&m); ready = 1; pthread_cond_signal(&c); pthread_mutex_unlock(&m); return u; }
      int main() { both(f, g); }
      """),
    Program(
      "one signal for two who wait", "progress",
      """
      pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER; pthread_cond_t c = PTHREAD_COND_INITIALIZER; int ready;
      void *f(void *u) { pthread_mutex_lock(&m); while (!ready) pthread_cond_wait(&c, &m); pthread_mutex_unlock(&m); return u; }
      int main() {
        pthread_create(&first, 0, f, 0); pthread_create(&second, 0, f, 0);
        pthread_mutex_lock(&m); ready = 1; pthread_cond_signal(&c); pthread_mutex_unlock(&m);
        pthread_join(first, 0); pthread_join(second, 0);
      }
      """),
    Program(
      "a broadcast for two who wait", nil,
      """
      pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER; pthread_cond_t c = PTHREAD_COND_INITIALIZER; int ready;
      void *f(void *u) { pthread_mutex_lock(&m); while (!ready) pthread_cond_wait(&c, &m); pthread_mutex_unlock(&m); return u; }
      int main() {
        pthread_create(&first, 0, f, 0); pthread_create(&second, 0, f, 0);
        pthread_mutex_lock(&m); ready = 1; pthread_cond_broadcast(&c); pthread_mutex_unlock(&m);
        pthread_join(first, 0); pthread_join(second, 0);
      }
      """),
    Program(
      "a signal without the lock that is lost", "progress",
      """
      pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER; pthread_cond_t c = PTHREAD_COND_INITIALIZER; atomic_int ready;
      void *f(void *u) { pthread_mutex_lock(&m); if (!ready) pthread_cond_wait(&c, &m); pthread_mutex_unlock(&m); return u; }
      void *g(void *u) { ready = 1; pthread_cond_signal(&c); return u; }
      int main() { both(f, g); }
      """),
    Program(
      "once", nil,
      """
      pthread_once_t o = PTHREAD_ONCE_INIT; int n; void make(void) { n++; }
      void *f(void *u) { pthread_once(&o, make); assert(n == 1); return u; } int main() { both(f, f); }
      """),
    Program(
      "a read-write lock", nil,
      """
      pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER; int n;
      void *f(void *u) { pthread_rwlock_wrlock(&l); n++; pthread_rwlock_unlock(&l); return u; }
      void *g(void *u) { pthread_rwlock_rdlock(&l); assert(n <= 1); pthread_rwlock_unlock(&l); return u; }
      int main() { both(f, g); }
      """),
    Program(
      "a loop with many reads that waits", nil,
      """
      atomic_int ready, many[40];
      void *f(void *u) {
      #define EACH(n) sum += many[n] + many[n + 1] + many[n + 2] + many[n + 3];
        int sum = 0;
        while (!ready) { EACH(0) EACH(4) EACH(8) EACH(12) EACH(16) EACH(20) EACH(24) EACH(28) EACH(32) EACH(36) }
        assert(sum == 0);
        return u;
      }
      void *g(void *u) { ready = 1; return u; }
      int main() { both(f, g); }
      """),
    Program(
      "a barrier", nil,
      """
      pthread_barrier_t b; int n[2];
      void *f(void *u) { n[0] = 1; pthread_barrier_wait(&b); assert(n[1]); return u; }
      void *g(void *u) { n[1] = 1; pthread_barrier_wait(&b); assert(n[0]); return u; }
      int main() { pthread_barrier_init(&b, 0, 2); both(f, g); }
      """),
    Program(
      "a spinlock", nil,
      """
      pthread_spinlock_t l; int n;
      void *f(void *u) { pthread_spin_lock(&l); n++; pthread_spin_unlock(&l); return u; }
      int main() { pthread_spin_init(&l, 0); both(f, f); assert(n == 2); }
      """),
    Program(
      "a semaphore", nil,
      """
      sem_t s; int n;
      void *f(void *u) { n = 1; sem_post(&s); return u; } void *g(void *u) { sem_wait(&s); assert(n == 1); return u; }
      int main() { sem_init(&s, 0, 0); both(f, g); }
      """),
    Program(
      "C11's threads", nil,
      """
      mtx_t m; int n; int f(void *u) { mtx_lock(&m); n++; mtx_unlock(&m); return 3; }
      int main() {
        thrd_t t; int r; mtx_init(&m, mtx_plain); thrd_create(&t, f, 0); f(0); thrd_join(t, &r); assert(r == 3 && n == 2);
      }
      """),
    Program(
      "keys and their destructors", nil,
      """
      pthread_key_t k; void *f(void *u) { pthread_setspecific(k, malloc(4)); return u; }
      int main() { pthread_key_create(&k, free); both(f, f); }
      """),
    Program(
      "thread-local variables", nil,
      """
      __thread int n = 5; void *f(void *u) { n++; assert(n == 6); return u; } int main() { both(f, f); assert(n == 5); }
      """),
    Program(
      "a result, and an early end", nil,
      """
      void *f(void *u) { pthread_exit((void *)7); }
      int main() { void *r; pthread_create(&first, 0, f, 0); pthread_join(first, &r); assert(r == (void *)7); }
      """),
    Program("a leak", "no-leak", "int main() { malloc(8); }"),
    Program("what a global points to", nil, "void *p; int main() { p = malloc(8); }"),
    Program("a double free", "no-use-after-free", "int main() { void *p = malloc(8); free(p); free(p); }"),
    Program("a free of something else", "no-use-after-free", "int n; int main() { free(&n + 2); }"),
    Program(
      "a write behind an allocation", "no-use-after-free", "int main() { char *p = malloc(8); p[8] = 1; free(p); }"),
    Program(
      "a read after a free", "no-use-after-free",
      "int main() { int *p = malloc(8); *p = 1; free(p); return *(volatile int *)p; }"),
    Program(
      "a read of what nobody wrote", "uninitialised", "int n; int main() { int *p = malloc(8); n = *p; free(p); }"),
    Program(
      "calloc and realloc", nil,
      "int main() { int *p = calloc(2, 4); assert(p[1] == 0); p[0] = 3; p = realloc(p, 64); assert(p[0] == 3); free(p); }"
    ),
    Program("a NULL pointer", "crash", "int main() { *(volatile int *)0 = 1; }"),
    Program("an abort", "crash", "int main() { abort(); }"),
    Program("an end by exit", nil, "void *f(void *u) { exit(0); } int main() { both(f, f); assert(0); }"),
    Program(
      "a loop that waits", nil,
      """
      atomic_int flag; int n; void *f(void *u) { n = 1; flag = 1; return u; }
      void *g(void *u) { while (!flag) ; assert(n == 1); return u; } int main() { both(f, g); }
      """),
    Program(
      "a loop that waits for ever", "progress",
      "atomic_int flag; void *f(void *u) { while (!flag) sched_yield(); return u; } int main() { both(f, f); }"),
    Program(
      "a lock by exchange", nil,
      """
      atomic_int l; int n;
      void *f(void *u) { while (atomic_exchange(&l, 1)) ; n++; atomic_store(&l, 0); return u; }
      int main() { both(f, f); assert(n == 2); }
      """),
    Program(
      "a loop that counts", nil,
      """
      atomic_int flag; void *f(void *u) { for (int i = 0; i < 3; i++) if (flag) break; return u; }
      void *g(void *u) { flag = 1; return u; } int main() { both(f, g); }
      """),
    Program(
      "store buffering", "assertion", in: [.tso, .c11, .kernel],
      """
      atomic_int x, y; int a, b;
      void *f(void *u) { atomic_store_explicit(&x, 1, memory_order_relaxed); a = atomic_load_explicit(&y, memory_order_relaxed); return u; }
      void *g(void *u) { atomic_store_explicit(&y, 1, memory_order_relaxed); b = atomic_load_explicit(&x, memory_order_relaxed); return u; }
      int main() { both(f, g); assert(a || b); }
      """),
    Program(
      "message passing without release", "assertion", in: [.c11, .kernel],
      """
      atomic_int x, y;
      void *f(void *u) { atomic_store_explicit(&x, 1, memory_order_relaxed); atomic_store_explicit(&y, 1, memory_order_relaxed); return u; }
      void *g(void *u) { if (atomic_load_explicit(&y, memory_order_acquire)) assert(atomic_load_explicit(&x, memory_order_relaxed)); return u; }
      int main() { both(f, g); }
      """),
    Program(
      "threads again after all were joined", nil,
      "atomic_int n; void *f(void *u) { n++; return u; } int main() { both(f, f); n = n + 5; both(f, f); assert(n == 9); }"
    ),
    Program(
      "a thread that starts another", nil,
      """
      atomic_int n; void *g(void *u) { n++; return u; }
      void *f(void *u) { pthread_t t; pthread_create(&t, 0, g, 0); n++; pthread_join(t, 0); return u; }
      int main() { both(f, f); assert(n == 4); }
      """),
    Program(
      "what a thread's thread has written", nil,
      """
      int n; void *g(void *u) { n = 1; return u; }
      void *f(void *u) { pthread_t t; pthread_create(&t, 0, g, 0); pthread_join(t, 0); return u; }
      void *h(void *u) { return u; }
      int main() { pthread_create(&second, 0, h, 0); pthread_create(&first, 0, f, 0); pthread_join(first, 0); assert(n == 1); pthread_join(second, 0); }
      """),
    Program(
      "globals are put back", nil,
      """
      atomic_int turn; int counts[2000]; static int starts = 3;
      void *f(void *u) { int t = turn++; counts[t * 900] += 1; return u; }
      int main() { assert(starts == 3); starts++; both(f, f); assert(counts[0] == 1 && counts[900] == 1); }
      """),
  ]

  /// Under sanitizers every eighth will do: they watch the explorer, and not the programs.
  private static let chosen = programs.enumerated().filter { BuildKind.current == .plain || $0.offset % 8 == 0 }.map(
    \.element)

  @Test(arguments: chosen) func program(_ program: Program) throws {
    let candidate = try Candidate(program.text)
    for model in Self.models {
      let verdict = try candidate.explore(model)
      let expected = program.models.contains(model) ? program.reporter : nil
      if let expected {
        #expect(
          verdict.outcome == .fail && verdict.findings.first?.checker == expected,
          "\(model): \(verdict.findings.map(\.message))")
      } else {
        #expect(verdict.outcome == .pass, "\(model): \(verdict.findings.map(\.message)) \(verdict.notes)")
      }
    }
  }

  /// As many executions as a closed form says, and as the same code against `Memory` has.
  @Test(arguments: [(2, 1, 4), (3, 1, 12), (2, 2, 16), (3, 2, 144)]) func executions(
    _ threads: Int, _ slots: Int, _ executions: Int
  ) throws {
    let candidate = try Candidate(
      Program.header
        + """
        static _Atomic(int *) slots[SLOTS];
        static void *racer(void *u) {
          for (int i = 0; i < SLOTS; i++) {
            int *none = atomic_load_explicit(&slots[i], memory_order_acquire);
            if (none) continue;
            int *mine = malloc(sizeof *mine);
            *mine = 1;
            if (!atomic_compare_exchange_strong_explicit(&slots[i], &none, mine, memory_order_acq_rel, memory_order_acquire))
              free(mine);
          }
          return u;
        }
        int main() {
          pthread_t t[THREADS];
          for (int i = 0; i < THREADS; i++) pthread_create(&t[i], 0, racer, 0);
          for (int i = 0; i < THREADS; i++) pthread_join(t[i], 0);
          for (int i = 0; i < SLOTS; i++) free(atomic_load(&slots[i]));
        }
        """, flags: ["-DTHREADS=\(threads)", "-DSLOTS=\(slots)"])
    for model in Self.models {
      #expect(try candidate.explore(model).exploration?.executions == executions, "\(model)")
    }
  }

  /// Two readers are apart in 2 ways, with 3 places for a writer, and overlap in 4, with 2 places: where they overlap nobody
  /// writes. Several writers in one place have an order.
  @Test(arguments: [(1, 2 * 3 + 4 * 2), (2, 2 * 3 * 4 + 4 * 2 * 3)])
  func readersAndWriters(_ writers: Int, _ executions: Int) throws {
    let candidate = try Candidate(
      Program.header
        + """
        pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER; int n;
        void *f(void *u) { pthread_rwlock_wrlock(&l); n++; pthread_rwlock_unlock(&l); return u; }
        void *g(void *u) { pthread_rwlock_rdlock(&l); assert(n <= WRITERS); pthread_rwlock_unlock(&l); return u; }
        int main() {
          pthread_t t[WRITERS + 2];
          for (int i = 0; i < WRITERS + 2; i++) pthread_create(&t[i], 0, i < WRITERS ? f : g, 0);
          for (int i = 0; i < WRITERS + 2; i++) pthread_join(t[i], 0);
          assert(n == WRITERS);
        }
        """, flags: ["-DWRITERS=\(writers)"])
    for model in Self.models {
      let verdict = try candidate.explore(model)
      #expect(verdict.outcome == .pass && verdict.exploration?.executions == executions, "\(model) \(verdict.findings)")
    }
  }
}
