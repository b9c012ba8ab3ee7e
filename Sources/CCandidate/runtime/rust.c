// Compiled with a Rust program that is explored, and linked into it, hidden: what the standard library, which comes compiled
// and without instrumentation, does to words that others access with it. Each is called for a function of the library by
// the linker's --wrap; `RUST_...` are those functions' names, which differ from version to version.
#include "addonrace_host.h"

#include <stdbool.h>
#include <stddef.h>

#define PC ((uintptr_t)__builtin_return_address(0))
#define WRAPPED(name) __asm__("__wrap_" name)
#define REAL(name) __asm__("__real_" name)

#pragma GCC visibility push(hidden)

extern const addonrace_host *addonrace_host_table;
#define host addonrace_host_table

static uint32_t load(void *word, uint32_t order, uintptr_t pc) {
  return (uint32_t)host->load((uintptr_t)word, 4, order, &(addonrace_frame){.pc = pc});
}
static bool swap(void *word, uint32_t before, uint32_t after, uintptr_t pc) {
  return host->update(
             (uintptr_t)word, 4, ADDONRACE_COMPARE_EXCHANGE, after, before, ADDONRACE_ACQUIRE, ADDONRACE_RELAXED,
             &(addonrace_frame){.pc = pc}) == before;
}
static void await(void *word, uint32_t mask, uint32_t value, uintptr_t pc) {
  host->await((uintptr_t)word, 4, mask, value, pc);
}

// MARK: Scoped threads
//
// The library counts the threads of a scope that run. Whoever waits for the scope's end waits for the end of those threads
// here, and puts the count to 0 itself: in which order they came to count down makes no execution.

/// Of a scope: a count, whether one panicked, and who waits.
enum { SCOPE_WORDS = 3 };
enum { THREADS = 64 };
/// By thread: the count of its scope, until somebody has waited for its end.
static uint64_t *scope_of[THREADS];
/// Of the thread that this one is about to start.
static __thread uint64_t *next_scope;

static void set_scope(uint32_t thread, uint64_t *count) {
  host->own_write((uintptr_t)&scope_of[thread], sizeof scope_of[0]);
  scope_of[thread] = count;
}
void addonrace_thread_created(uint32_t thread) {
  if (next_scope && thread < THREADS) set_scope(thread, next_scope);
  next_scope = 0;
}

#ifdef RUST_SCOPE_DECREMENT
void real_decrement(void *scope, bool has_panicked) REAL(RUST_SCOPE_DECREMENT);
void decrement(void *scope, bool has_panicked) WRAPPED(RUST_SCOPE_DECREMENT);
void decrement(void *scope, bool has_panicked) {
#ifdef RUST_THREAD_PARK
  if (host) return;
#endif
  real_decrement(scope, has_panicked);
}
#endif
#ifdef RUST_SCOPE_INCREMENT
void real_increment(void *scope, bool unused) REAL(RUST_SCOPE_INCREMENT);
void increment(void *scope, bool unused) WRAPPED(RUST_SCOPE_INCREMENT);
void increment(void *scope, bool unused) {
  if (!host) return real_increment(scope, unused);
  volatile uint64_t *words = scope;
  uint64_t before[SCOPE_WORDS];
  for (int i = 0; i < SCOPE_WORDS; i++) before[i] = words[i];
  real_increment(scope, unused);
  for (int i = 0; i < SCOPE_WORDS; i++) {
    uint64_t change = words[i] - before[i];
    words[i] = before[i];
    if (change == 0) continue;
    next_scope = (uint64_t *)&words[i];
    host->update(
        (uintptr_t)&words[i], 8, ADDONRACE_ADD, change, 0, ADDONRACE_RELAXED, ADDONRACE_RELAXED,
        &(addonrace_frame){.pc = PC});
  }
}
#endif

#ifdef RUST_PARK
void park(void) WRAPPED(RUST_PARK);
void park(void) {
  if (host) host->pause(PC);
}
#endif
#ifdef RUST_THREAD_PARK
/// Waits for the threads of a scope, of which a word is known, and says so in its count. Whether there was one.
static bool end_scope(uint64_t *word, uintptr_t pc) {
  uint64_t *count = 0;
  for (uint32_t thread = 1; thread < THREADS; thread++) {
    ptrdiff_t distance = scope_of[thread] - word;
    if (!scope_of[thread] || distance <= -SCOPE_WORDS || distance >= SCOPE_WORDS) continue;
    count = scope_of[thread];
    set_scope(thread, 0);
    host->join(thread, pc);
    // It may have started others.
    thread = 0;
  }
  if (count) host->store((uintptr_t)count, 8, 0, ADDONRACE_RELAXED, &(addonrace_frame){.pc = pc});
  return count;
}

/// Called by whoever waits for the end of a scope, of which the handle is a part.
void park_thread(void *thread) WRAPPED(RUST_THREAD_PARK);
void park_thread(void *thread) {
  if (host && !end_scope(thread, PC)) host->pause(PC);
}
#endif

#ifdef RUST_PANIC
void panics(void *info) WRAPPED(RUST_PANIC);
void panics(void *info) {
  (void)info;
  if (host) host->fail(ADDONRACE_CRASH, "it panicked", 0, 0, PC);
  __builtin_trap();
}
#endif

// MARK: Locks that somebody else holds

#ifdef RUST_MUTEX_LOCK
void lock_contended(void *mutex) WRAPPED(RUST_MUTEX_LOCK);
void lock_contended(void *mutex) {
  host->lost_lock((uintptr_t)mutex, PC);
  host->lock((uintptr_t)mutex, PC);
}
#endif
#ifdef RUST_RWLOCK_READ
static const uint32_t writer = (1u << 30) - 1;
void read_contended(void *word) WRAPPED(RUST_RWLOCK_READ);
void read_contended(void *word) {
  for (;;) {
    uint32_t value = load(word, ADDONRACE_RELAXED, PC);
    if ((value & writer) == writer) await(word, writer, writer, PC);
    else if (swap(word, value, value + 1, PC)) return;
  }
}
void write_contended(void *word) WRAPPED(RUST_RWLOCK_WRITE);
void write_contended(void *word) {
  // Where another writer holds it. A reader lets the first try fail, too.
  host->lost_lock((uintptr_t)word, PC);
  for (;;) {
    uint32_t value = load(word, ADDONRACE_RELAXED, PC);
    if (value) await(word, ~0u, value, PC);
    else if (swap(word, 0, writer, PC)) return;
  }
}
#endif
#ifdef RUST_ONCE_CALL
// Once and OnceLock: what is run, and the words of the library's states.
enum { COMPLETE = 0, RUNNING = 1, INCOMPLETE = 3 };
typedef struct {
  uint32_t next_state;
  bool is_poisoned;
} once_state;
/// A closure's table: how to drop it, size, alignment, and its calls.
typedef struct {
  void *drop;
  size_t size, alignment;
  void *call_once;
  void (*call)(void *closure, once_state *);
} closure_table;
void once_call(void *word, bool ignores_poison, void *closure, const closure_table *table) WRAPPED(RUST_ONCE_CALL);
void once_call(void *word, bool ignores_poison, void *closure, const closure_table *table) {
  (void)ignores_poison;
  uintptr_t pc = PC;
  once_state state = {COMPLETE, false};
  if (!host) {
    if (*(uint32_t *)word != COMPLETE) table->call(closure, &state);
    *(uint32_t *)word = state.next_state;
    return;
  }
  for (;;) {
    uint32_t now = load(word, ADDONRACE_ACQUIRE, pc);
    if (now == COMPLETE) return;
    if (now == RUNNING) {
      await(word, ~0u, RUNNING, pc);
    } else if (swap(word, now, RUNNING, pc)) {
      table->call(closure, &state);
      host->store((uintptr_t)word, 4, state.next_state, ADDONRACE_RELEASE, &(addonrace_frame){.pc = pc});
      return;
    }
  }
}
#endif
#ifdef RUST_CONDVAR_WAIT
void wait(void *condvar, void *mutex) WRAPPED(RUST_CONDVAR_WAIT);
void wait(void *condvar, void *mutex) {
  uint32_t seen = load(condvar, ADDONRACE_RELAXED, PC);
  host->store((uintptr_t)mutex, 4, 0, ADDONRACE_RELEASE, &(addonrace_frame){.pc = PC});
  await(condvar, ~0u, seen, PC);
  host->lock((uintptr_t)mutex, PC);
}
static void notify(void *condvar, uintptr_t pc) {
  host->update((uintptr_t)condvar, 4, ADDONRACE_ADD, 1, 0, ADDONRACE_RELAXED, ADDONRACE_RELAXED, &(addonrace_frame){.pc = pc});
}
void notify_one(void *condvar) WRAPPED(RUST_CONDVAR_NOTIFY_ONE);
void notify_one(void *condvar) { notify(condvar, PC); }
void notify_all(void *condvar) WRAPPED(RUST_CONDVAR_NOTIFY_ALL);
void notify_all(void *condvar) { notify(condvar, PC); }
#endif
