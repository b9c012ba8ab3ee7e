// Compiled with a Rust program that is explored, and linked into it, hidden: what the standard library, which comes compiled
// and without instrumentation, does to words that others access with it. Each is called for a function of the library by
// the linker's --wrap; `RUST_...` are those functions' names, which differ from version to version.
#include "addonrace_host.h"

#include <stdbool.h>

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

// MARK: Scoped threads: a count of those that run

/// Runs what only adds to a word of an object, and adds it for all to see.
static void add_visibly(void *object, bool argument, void (*real)(void *, bool), uintptr_t pc) {
  if (!host) return real(object, argument);
  enum { WORDS = 3 };
  volatile uint64_t *words = object;
  uint64_t before[WORDS];
  for (int i = 0; i < WORDS; i++) before[i] = words[i];
  // So many that it does not take itself for the last one, and wakes nobody: who waits looks again.
  for (int i = 0; i < WORDS; i++) {
    if (before[i] < 4096) words[i] = before[i] + 4096;
  }
  real(object, argument);
  for (int i = 0; i < WORDS; i++) {
    uint64_t change = before[i] < 4096 ? words[i] - before[i] - 4096 : 0;
    words[i] = before[i];
    if (change == 0) continue;
    host->update(
        (uintptr_t)&words[i], 8, ADDONRACE_ADD, change, 0, ADDONRACE_ACQ_REL, ADDONRACE_ACQ_REL,
        &(addonrace_frame){.pc = pc});
  }
}
#ifdef RUST_SCOPE_DECREMENT
void real_decrement(void *scope, bool has_panicked) REAL(RUST_SCOPE_DECREMENT);
void decrement(void *scope, bool has_panicked) WRAPPED(RUST_SCOPE_DECREMENT);
void decrement(void *scope, bool has_panicked) { add_visibly(scope, has_panicked, real_decrement, PC); }
#endif
#ifdef RUST_SCOPE_INCREMENT
void real_increment(void *scope, bool unused) REAL(RUST_SCOPE_INCREMENT);
void increment(void *scope, bool unused) WRAPPED(RUST_SCOPE_INCREMENT);
void increment(void *scope, bool unused) { add_visibly(scope, unused, real_increment, PC); }
#endif
#ifdef RUST_PARK
void park(void) WRAPPED(RUST_PARK);
void park(void) {
  if (host) host->pause(PC);
}
#endif

#ifdef RUST_THREAD_PARK
void park_thread(void *thread) WRAPPED(RUST_THREAD_PARK);
void park_thread(void *thread) {
  (void)thread;
  if (host) host->pause(PC);
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

static void lock(void *word, uintptr_t pc) {
  for (;;) {
    uint32_t value = load(word, ADDONRACE_RELAXED, pc);
    if (value) await(word, ~0u, value, pc);
    else if (swap(word, 0, 1, pc)) return;
  }
}
#ifdef RUST_MUTEX_LOCK
void lock_contended(void *mutex) WRAPPED(RUST_MUTEX_LOCK);
void lock_contended(void *mutex) { lock(mutex, PC); }
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
  lock(mutex, PC);
}
static void notify(void *condvar, uintptr_t pc) {
  host->update((uintptr_t)condvar, 4, ADDONRACE_ADD, 1, 0, ADDONRACE_RELAXED, ADDONRACE_RELAXED, &(addonrace_frame){.pc = pc});
}
void notify_one(void *condvar) WRAPPED(RUST_CONDVAR_NOTIFY_ONE);
void notify_one(void *condvar) { notify(condvar, PC); }
void notify_all(void *condvar) WRAPPED(RUST_CONDVAR_NOTIFY_ALL);
void notify_all(void *condvar) { notify(condvar, PC); }
#endif
