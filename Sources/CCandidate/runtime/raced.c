// Compiled with code that is raced on real threads, and linked into it, hidden: its locks, and what its library
// needs. Who serves is bound when the object is loaded.
#define _GNU_SOURCE
#include "raced.h"

#include <dlfcn.h>
#include <sched.h>
#include <semaphore.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#pragma GCC visibility push(hidden)

const addonrace_race *addonrace_server;
#define server addonrace_server

// MARK: What library.c and kernel.c call

#define EACH_SIZE(size, answer)          \
  switch (size) {                        \
    case 1: answer(uint8_t); break;      \
    case 2: answer(uint16_t); break;     \
    case 4: answer(uint32_t); break;     \
    default: answer(uint64_t); break;    \
  }

// All of them sequentially consistent: the code's own accesses are compiled in place, and these are parts of locks.
static uint64_t native_load(uintptr_t address, uint32_t size, uint32_t order, const addonrace_frame *frame) {
  (void)order, (void)frame;
#define LOAD(type) return __atomic_load_n((type *)address, __ATOMIC_SEQ_CST)
  EACH_SIZE(size, LOAD)
  return 0;
}
static void native_store(
    uintptr_t address, uint32_t size, uint64_t value, uint32_t order, const addonrace_frame *frame) {
  (void)order, (void)frame;
#define STORE(type) __atomic_store_n((type *)address, (type)value, __ATOMIC_SEQ_CST)
  EACH_SIZE(size, STORE)
}
static uint64_t native_update(
    uintptr_t address, uint32_t size, uint32_t update, uint64_t operand, uint64_t expected, uint32_t order,
    uint32_t failure, const addonrace_frame *frame) {
  (void)order, (void)failure, (void)frame;
#define UPDATE(type)                                                                                      \
  switch (update) {                                                                                       \
    case ADDONRACE_EXCHANGE: return __atomic_exchange_n((type *)address, (type)operand, __ATOMIC_SEQ_CST); \
    case ADDONRACE_ADD: return __atomic_fetch_add((type *)address, (type)operand, __ATOMIC_SEQ_CST);       \
    case ADDONRACE_OR: return __atomic_fetch_or((type *)address, (type)operand, __ATOMIC_SEQ_CST);         \
    case ADDONRACE_AND: return __atomic_fetch_and((type *)address, (type)operand, __ATOMIC_SEQ_CST);       \
    case ADDONRACE_XOR: return __atomic_fetch_xor((type *)address, (type)operand, __ATOMIC_SEQ_CST);       \
    case ADDONRACE_NAND: return __atomic_fetch_nand((type *)address, (type)operand, __ATOMIC_SEQ_CST);     \
    default: {                                                                                            \
      type before = (type)expected;                                                                       \
      __atomic_compare_exchange_n(                                                                        \
          (type *)address, &before, (type)operand, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                \
      return before;                                                                                      \
    }                                                                                                     \
  }
  EACH_SIZE(size, UPDATE)
  return 0;
}
static void native_fence(uint32_t order, uintptr_t pc) {
  (void)order, (void)pc;
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
static void nothing(uintptr_t address, uint32_t size, uintptr_t pc) { (void)address, (void)size, (void)pc; }
static void own_nothing(uintptr_t address, uint32_t size) { (void)address, (void)size; }
static void *native_allocate(size_t size, size_t alignment, int is_zeroed, uintptr_t pc) {
  return server->allocate(size, alignment, is_zeroed, 1, pc);
}
static void *native_allocate_surely(size_t size, size_t alignment, int is_zeroed, uintptr_t pc) {
  return server->allocate(size, alignment, is_zeroed, 0, pc);
}
static void native_release(void *p, uintptr_t pc) { server->release(p, pc); }
static size_t native_size(void *p) { return p ? server->size(p) : 0; }
static void *no_storage(void) { return 0; }
/// What kernel code leaves to a grace period.
static uint32_t native_create(void *(*body)(void *), void *argument, uint32_t count, uintptr_t pc) {
  (void)count, (void)pc;
  server->defer(body, argument);
  return 0;
}
static uint32_t nobody(void) { return 0; }
static void *native_join(uint32_t thread, uintptr_t pc) { return (void)thread, (void)pc, (void *)0; }
static void native_leave(void *result) { (void)result; }

void addonrace_spin(unsigned turn) {
  if (turn < 200) addonrace_pause();
  else sched_yield();
}
static void native_lock(uintptr_t address, uintptr_t pc) {
  uint32_t *word = (uint32_t *)address;
  for (unsigned turn = 0;; turn++) {
    uint32_t found = 0;
    if (__atomic_compare_exchange_n(word, &found, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
    if (found != 1) server->fail(ADDONRACE_CRASH, "a lock is taken that nobody initialised, or that is gone", 0, 0, pc);
    addonrace_spin(turn);
  }
}
static void native_rwlock(uintptr_t address, int is_alone, uintptr_t pc) {
  static const uint32_t writer = 1u << 31, readers = 0xffff;
  uint32_t *word = (uint32_t *)address;
  for (unsigned turn = 0;; turn++) {
    uint32_t found = __atomic_load_n(word, __ATOMIC_RELAXED);
    if (found & ~(writer | readers)) {
      server->fail(ADDONRACE_CRASH, "a lock is taken that nobody initialised, or that is gone", 0, 0, pc);
    }
    if (is_alone ? found == 0 : !(found & writer)) {
      uint32_t taken = is_alone ? writer : found + 1;
      if (__atomic_compare_exchange_n(word, &found, taken, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
    }
    addonrace_spin(turn);
  }
}
static void native_lost_lock(uintptr_t address, uintptr_t pc) { (void)address, (void)pc; }
static uint64_t native_await(uintptr_t address, uint32_t size, uint64_t mask, uint64_t value, uintptr_t pc) {
  (void)pc;
  for (unsigned turn = 0;; turn++) {
    uint64_t now = native_load(address, size, ADDONRACE_ACQUIRE, 0);
    if ((now & mask) != value) return now;
    addonrace_spin(turn);
  }
}
static void native_pause(uintptr_t pc) {
  (void)pc;
  sched_yield();
}
static uint32_t native_choose(uint32_t count, uintptr_t pc) { return (void)pc, server->choose(count); }
static void native_section(const void *domain, int begins, uintptr_t pc) {
  (void)pc;
  server->section(domain, begins);
}
static void native_grace_period(const void *domain, uintptr_t pc) {
  (void)pc;
  server->grace_period(domain);
}
static void native_atomic_context(int change) { server->atomic_context(change); }
static void native_may_sleep(uintptr_t pc) { server->may_sleep(pc); }
static void native_fail(uint32_t failure, const char *text, const char *file, uint32_t line, uintptr_t pc) {
  server->fail(failure, text, file, line, pc);
}
static void no_note(const char *text, uintptr_t pc) { (void)text, (void)pc; }
static void native_slot(uintptr_t address, const char *name) { server->slot(address, name); }

static const addonrace_host natives = {
    native_load, native_store, native_update, native_fence, nothing, nothing, nothing, own_nothing, native_allocate,
    native_allocate_surely, native_release, native_size, no_storage, native_create, nobody, native_join, native_leave,
    native_lock, native_lost_lock, native_rwlock, native_await, native_pause, native_choose, native_section,
    native_grace_period, native_atomic_context, native_may_sleep, native_fail, no_note, native_slot,
};
const addonrace_host *addonrace_host_table;

// MARK: Locks: the C library's, and whoever serves knows that one is held

static void holds(int change) {
  if (server) server->holds_lock(change);
}

// Found when the object is loaded: what is among the program's data is put back.
#define REAL(name, type)                                                                                      \
  static int (*real_##name)(type *);                                                                          \
  __attribute__((constructor(101))) static void find_##name(void) {                                           \
    real_##name = (int (*)(type *))dlsym(RTLD_DEFAULT, #name);                                                \
  }
#define TAKES(name, type)            \
  REAL(name, type)                   \
  int name(type *lock) {             \
    int error = real_##name(lock);   \
    if (!error) holds(1);            \
    return error;                    \
  }
#define GIVES_BACK(name, type)       \
  REAL(name, type)                   \
  int name(type *lock) {             \
    holds(-1);                       \
    return real_##name(lock);        \
  }
TAKES(pthread_mutex_lock, pthread_mutex_t)
TAKES(pthread_mutex_trylock, pthread_mutex_t)
GIVES_BACK(pthread_mutex_unlock, pthread_mutex_t)
TAKES(pthread_spin_lock, volatile int)
TAKES(pthread_spin_trylock, volatile int)
GIVES_BACK(pthread_spin_unlock, volatile int)
TAKES(pthread_rwlock_rdlock, pthread_rwlock_t)
TAKES(pthread_rwlock_tryrdlock, pthread_rwlock_t)
TAKES(pthread_rwlock_wrlock, pthread_rwlock_t)
TAKES(pthread_rwlock_trywrlock, pthread_rwlock_t)
GIVES_BACK(pthread_rwlock_unlock, pthread_rwlock_t)
TAKES(mtx_lock, mtx_t)
TAKES(mtx_trylock, mtx_t)
GIVES_BACK(mtx_unlock, mtx_t)

// What waits for another thread lets those begin that its own has started.
#define WAITS(name, type)            \
  REAL(name, type)                   \
  int name(type *what) {             \
    addonrace_waits();               \
    return real_##name(what);        \
  }
WAITS(sem_wait, sem_t)
WAITS(pthread_barrier_wait, pthread_barrier_t)
static int (*real_cond_wait)(pthread_cond_t *, pthread_mutex_t *);
__attribute__((constructor(101))) static void find_cond_wait(void) {
  real_cond_wait = (int (*)(pthread_cond_t *, pthread_mutex_t *))dlsym(RTLD_DEFAULT, "pthread_cond_wait");
}
int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m) {
  addonrace_waits();
  return real_cond_wait(c, m);
}
int cnd_wait(cnd_t *c, mtx_t *m) {
  return pthread_cond_wait((pthread_cond_t *)c, (pthread_mutex_t *)m) ? thrd_error : thrd_success;
}

// MARK: Sleeping gives the processor away, and takes no time

int usleep(useconds_t time) { return (void)time, sched_yield(); }
unsigned sleep(unsigned time) { return (void)time, sched_yield(), 0; }
int nanosleep(const struct timespec *time, struct timespec *left) { return (void)time, (void)left, sched_yield(); }
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left) {
  return (void)clock, (void)flags, (void)time, (void)left, sched_yield();
}
int thrd_sleep(const struct timespec *time, struct timespec *left) { return (void)time, (void)left, sched_yield(); }

#pragma GCC visibility pop

/// Whoever serves from now on; NULL is the program's own runner.
__attribute__((visibility("default"))) void addonrace_bind_race(const addonrace_race *race) {
  server = race ? race : &addonrace_runner;
  addonrace_host_table = &natives;
}
