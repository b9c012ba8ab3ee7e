// Compiled with a program that is explored, and linked into it, hidden: POSIX and C11 threads, on what the host gives.
#define _GNU_SOURCE
#include "addonrace_host.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define PC ((uintptr_t)__builtin_return_address(0))
#define HERE (&(addonrace_frame){.pc = PC})

#pragma GCC visibility push(hidden)

extern const addonrace_host *addonrace_host_table;
#define host addonrace_host_table

static uint32_t load(const void *word, uint32_t order, uintptr_t pc) {
  return (uint32_t)host->load((uintptr_t)word, 4, order, &(addonrace_frame){.pc = pc});
}
static void store(void *word, uint32_t value, uint32_t order, uintptr_t pc) {
  host->store((uintptr_t)word, 4, value, order, &(addonrace_frame){.pc = pc});
}
static uint32_t add(void *word, uint32_t value, uint32_t order, uintptr_t pc) {
  return (uint32_t)host->update((uintptr_t)word, 4, ADDONRACE_ADD, value, 0, order, order, &(addonrace_frame){.pc = pc});
}
/// Whether the word was `before`, and is `after` now.
static int swap(void *word, uint32_t before, uint32_t after, uint32_t order, uintptr_t pc) {
  return host->update(
             (uintptr_t)word, 4, ADDONRACE_COMPARE_EXCHANGE, after, before, order, ADDONRACE_RELAXED,
             &(addonrace_frame){.pc = pc}) == before;
}
static void initialise(void *word, uint32_t value, uintptr_t pc) {
  if (host) host->write((uintptr_t)word, 4, pc);
  *(uint32_t *)word = value;
}

// MARK: Threads

static pthread_t name_of(uint32_t thread) { return (pthread_t)thread + 1; }
static uint32_t thread_of(pthread_t name) { return (uint32_t)name - 1; }

// What each thread keeps under its keys.
enum { KEYS = 64, THREADS = 64 };
static void (*destructors[KEYS])(void *);
static unsigned key_count;
static void *values[THREADS][KEYS];

static void run_destructors(void) {
  void **mine = values[host->self() % THREADS];
  for (int round = 0; round < PTHREAD_DESTRUCTOR_ITERATIONS; round++) {
    int found = 0;
    for (unsigned key = 0; key < key_count; key++) {
      void *value = mine[key];
      if (!value || !destructors[key]) continue;
      host->own_write((uintptr_t)&mine[key], sizeof *mine);
      mine[key] = NULL;
      found = 1;
      destructors[key](value);
    }
    if (!found) return;
  }
}

/// The host calls this once a thread's function has returned.
__attribute__((visibility("default"))) void addonrace_thread_ends(void) {
  if (key_count) run_destructors();
}

/// Of a language's library, which may want to know.
__attribute__((weak)) void addonrace_thread_created(uint32_t thread);

int pthread_create(pthread_t *name, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
  (void)attributes;
  if (!host) return EAGAIN;
  uint32_t thread = host->create(body, argument, 1, PC);
  if (addonrace_thread_created) addonrace_thread_created(thread);
  host->own_write((uintptr_t)name, sizeof *name);
  *name = name_of(thread);
  return 0;
}
int pthread_join(pthread_t name, void **result) {
  void *value = host->join(thread_of(name), PC);
  if (result) {
    host->write((uintptr_t)result, sizeof *result, PC);
    *result = value;
  }
  return 0;
}
int pthread_detach(pthread_t name) { return (void)name, 0; }
pthread_t pthread_self(void) { return name_of(host ? host->self() : 0); }
int pthread_equal(pthread_t a, pthread_t b) { return a == b; }
void pthread_exit(void *result) {
  addonrace_thread_ends();
  host->leave(result);
  __builtin_unreachable();
}
int pthread_getattr_np(pthread_t name, pthread_attr_t *attributes) { return (void)name, (void)attributes, ENOSYS; }
int pthread_attr_init(pthread_attr_t *a) { return (void)a, 0; }
int pthread_attr_destroy(pthread_attr_t *a) { return (void)a, 0; }
int pthread_attr_setstacksize(pthread_attr_t *a, size_t size) { return (void)a, (void)size, 0; }
int pthread_attr_setdetachstate(pthread_attr_t *a, int state) { return (void)a, (void)state, 0; }
int pthread_setname_np(pthread_t name, const char *text) { return (void)name, (void)text, 0; }
int pthread_setaffinity_np(pthread_t name, size_t size, const cpu_set_t *set) {
  return (void)name, (void)size, (void)set, 0;
}

int pthread_key_create(pthread_key_t *key, void (*destructor)(void *)) {
  if (key_count == KEYS) return EAGAIN;
  if (host) {
    host->own_write((uintptr_t)&key_count, sizeof key_count);
    host->own_write((uintptr_t)&destructors[key_count], sizeof destructors[0]);
    host->own_write((uintptr_t)key, sizeof *key);
  }
  *key = key_count;
  destructors[key_count++] = destructor;
  return 0;
}
int pthread_key_delete(pthread_key_t key) {
  if (host) host->own_write((uintptr_t)&destructors[key], sizeof destructors[0]);
  destructors[key] = NULL;
  return 0;
}
void *pthread_getspecific(pthread_key_t key) { return values[host ? host->self() % THREADS : 0][key]; }
int pthread_setspecific(pthread_key_t key, const void *value) {
  void **place = &values[host ? host->self() % THREADS : 0][key];
  if (host) host->own_write((uintptr_t)place, sizeof *place);
  *place = (void *)value;
  return 0;
}

int sched_yield(void) {
  if (host) host->pause(PC);
  return 0;
}
int usleep(useconds_t time) {
  (void)time;
  if (host) host->pause(PC);
  return 0;
}
unsigned sleep(unsigned time) {
  (void)time;
  if (host) host->pause(PC);
  return 0;
}
int nanosleep(const struct timespec *time, struct timespec *left) {
  (void)time, (void)left;
  if (host) host->pause(PC);
  return 0;
}

// MARK: Mutexes
//
// The word at the beginning is 1 while the mutex is held. Who holds it, and how often, only its holder looks at.

typedef struct {
  uint32_t word, depth, owner, users;
  int kind;
} mutex;

static mutex *of(pthread_mutex_t *m) { return (mutex *)m; }

/// The owner is written under the lock, so everybody who asks whether it is himself gets the right answer.
static int holds(mutex *m) { return m->depth > 0 && m->owner == host->self() + 1; }
static void set_holder(mutex *m, uint32_t owner, uint32_t depth) {
  host->own_write((uintptr_t)&m->depth, 8);
  m->owner = owner;
  m->depth = depth;
}
static int asks_who(mutex *m) { return (m->kind & 3) != PTHREAD_MUTEX_NORMAL; }

static int lock(mutex *m, uintptr_t pc) {
  if (asks_who(m) && holds(m)) {
    if ((m->kind & 3) == PTHREAD_MUTEX_ERRORCHECK) return EDEADLK;
    set_holder(m, m->owner, m->depth + 1);
    return 0;
  }
  host->lock((uintptr_t)m, pc);
  set_holder(m, host->self() + 1, 1);
  return 0;
}
static int try_lock(mutex *m, uintptr_t pc) {
  if (asks_who(m) && holds(m)) {
    if ((m->kind & 3) != PTHREAD_MUTEX_RECURSIVE) return EBUSY;
    set_holder(m, m->owner, m->depth + 1);
    return 0;
  }
  if (!swap(m, 0, 1, ADDONRACE_ACQUIRE, pc)) return EBUSY;
  set_holder(m, host->self() + 1, 1);
  return 0;
}
static int unlock(mutex *m, uintptr_t pc) {
  if (!holds(m)) {
    if ((m->kind & 3) != PTHREAD_MUTEX_NORMAL) return EPERM;
    host->fail(ADDONRACE_ASSERTION, "a thread unlocks a mutex that it does not hold", 0, 0, pc);
  }
  if (m->depth > 1) {
    set_holder(m, m->owner, m->depth - 1);
    return 0;
  }
  set_holder(m, 0, 0);
  store(m, 0, ADDONRACE_RELEASE, pc);
  return 0;
}
static int wait_or_give_up(mutex *m, uintptr_t pc) {
  if (!(asks_who(m) && holds(m)) && host->choose(2, pc)) return ETIMEDOUT;
  return lock(m, pc);
}

int pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attributes) {
  mutex *new = of(m);
  initialise(&new->word, 0, PC);
  if (host) {
    set_holder(new, 0, 0);
    host->own_write((uintptr_t)&new->kind, 4);
  }
  new->kind = attributes ? *(const int *)attributes & 3 : 0;
  return 0;
}
// Whoever takes it later finds neither of a lock's two values.
enum { GONE = 0x6b6b6ba5 };
int pthread_mutex_destroy(pthread_mutex_t *m) {
  if (!host) return 0;
  if (of(m)->depth > 0) host->fail(ADDONRACE_ASSERTION, "a mutex is destroyed while a thread holds it", 0, 0, PC);
  initialise(m, GONE, PC);
  return 0;
}
int pthread_mutex_lock(pthread_mutex_t *m) { return host ? lock(of(m), PC) : 0; }
int pthread_mutex_trylock(pthread_mutex_t *m) { return host ? try_lock(of(m), PC) : 0; }
int pthread_mutex_unlock(pthread_mutex_t *m) { return host ? unlock(of(m), PC) : 0; }
int pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *time) {
  (void)time;
  return wait_or_give_up(of(m), PC);
}
int pthread_mutex_clocklock(pthread_mutex_t *m, clockid_t clock, const struct timespec *time) {
  (void)clock, (void)time;
  return wait_or_give_up(of(m), PC);
}
int pthread_mutexattr_init(pthread_mutexattr_t *a) { return *(int *)a = 0; }
int pthread_mutexattr_destroy(pthread_mutexattr_t *a) { return (void)a, 0; }
int pthread_mutexattr_settype(pthread_mutexattr_t *a, int type) {
  *(int *)a = type;
  return 0;
}
int pthread_mutexattr_gettype(const pthread_mutexattr_t *a, int *type) {
  *type = *(const int *)a;
  return 0;
}
int pthread_mutexattr_setpshared(pthread_mutexattr_t *a, int shared) { return (void)a, (void)shared, 0; }

// MARK: Condition variables
//
// One word with a bit for each thread that waits. Whoever signals takes one bit away, any one.

static uint64_t update(void *word, uint32_t kind, uint64_t operand, uintptr_t pc) {
  return host->update(
      (uintptr_t)word, 8, kind, operand, 0, ADDONRACE_ACQ_REL, ADDONRACE_ACQ_REL, &(addonrace_frame){.pc = pc});
}

static int wait(pthread_cond_t *c, pthread_mutex_t *m, int may_give_up, uintptr_t pc) {
  uint64_t bit = (uint64_t)1 << host->self() % 64;
  uint32_t depth = of(m)->depth;
  update(c, ADDONRACE_OR, bit, pc);
  set_holder(of(m), 0, 0);
  store(m, 0, ADDONRACE_RELEASE, pc);
  int gives_up = may_give_up && host->choose(2, pc);
  if (gives_up) {
    // Signalled meanwhile, it was not too late.
    gives_up = (update(c, ADDONRACE_AND, ~bit, pc) & bit) != 0;
  } else {
    host->await((uintptr_t)c, 8, bit, bit, pc);
  }
  host->lock((uintptr_t)m, pc);
  set_holder(of(m), host->self() + 1, depth);
  return gives_up ? ETIMEDOUT : 0;
}

int pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *attributes) {
  (void)attributes;
  if (host) host->write((uintptr_t)c, 8, PC);
  *(uint64_t *)c = 0;
  return 0;
}
int pthread_cond_destroy(pthread_cond_t *c) { return (void)c, 0; }
int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m) { return wait(c, m, 0, PC); }
int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *time) {
  return (void)time, wait(c, m, 1, PC);
}
int pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock, const struct timespec *time) {
  return (void)clock, (void)time, wait(c, m, 1, PC);
}
int pthread_cond_signal(pthread_cond_t *c) {
  uintptr_t pc = PC;
  uint64_t waiting = host->load((uintptr_t)c, 8, ADDONRACE_ACQUIRE, &(addonrace_frame){.pc = pc});
  if (!waiting) return 0;
  unsigned chosen = host->choose((unsigned)__builtin_popcountll(waiting), pc);
  while (chosen--) waiting &= waiting - 1;
  update(c, ADDONRACE_AND, ~(waiting & -waiting), pc);
  return 0;
}
int pthread_cond_broadcast(pthread_cond_t *c) {
  update(c, ADDONRACE_AND, 0, PC);
  return 0;
}
int pthread_condattr_init(pthread_condattr_t *a) { return (void)a, 0; }
int pthread_condattr_destroy(pthread_condattr_t *a) { return (void)a, 0; }
int pthread_condattr_setclock(pthread_condattr_t *a, clockid_t clock) { return (void)a, (void)clock, 0; }

// MARK: Once, barriers, spinlocks, semaphores, read-write locks

static int once(void *word, void (*body)(void), uintptr_t pc) {
  for (;;) {
    uint32_t state = load(word, ADDONRACE_ACQUIRE, pc);
    if (state == 2) return 0;
    if (state == 1) {
      host->await((uintptr_t)word, 4, ~0u, 1, pc);
    } else if (swap(word, 0, 1, ADDONRACE_ACQUIRE, pc)) {
      body();
      store(word, 2, ADDONRACE_RELEASE, pc);
      return 0;
    }
  }
}
int pthread_once(pthread_once_t *word, void (*body)(void)) {
  if (host) return once(word, body, PC);
  if (*word == 0) body();
  *word = 2;
  return 0;
}

/// Swift's globals are made by this, when they are first used.
void swift_once(void *word, void (*body)(void *), void *context) {
  if (!host) {
    if (*(uint32_t *)word == 0) body(context);
    *(uint32_t *)word = 2;
    return;
  }
  uintptr_t pc = PC;
  for (;;) {
    uint32_t state = load(word, ADDONRACE_ACQUIRE, pc);
    if (state == 2) return;
    if (state == 1) {
      host->await((uintptr_t)word, 4, ~0u, 1, pc);
    } else if (swap(word, 0, 1, ADDONRACE_ACQUIRE, pc)) {
      body(context);
      store(word, 2, ADDONRACE_RELEASE, pc);
      return;
    }
  }
}

// Swift's Mutex: a word with its holder's number, which whoever is alone takes and gives back in the program's own code.
__attribute__((swiftcall)) void swift_lock_slow(uint32_t self, __attribute__((swift_context)) void *word)
    __asm__("$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
__attribute__((swiftcall)) void swift_lock_slow(uint32_t self, __attribute__((swift_context)) void *word) {
  uintptr_t pc = PC;
  for (;;) {
    uint32_t holder = load(word, ADDONRACE_RELAXED, pc);
    if (holder) host->await((uintptr_t)word, 4, ~0u, holder, pc);
    else if (swap(word, 0, self, ADDONRACE_ACQUIRE, pc)) return;
  }
}
__attribute__((swiftcall)) void swift_unlock_slow(__attribute__((swift_context)) void *word)
    __asm__("$s15Synchronization12_MutexHandleV11_unlockSlowyyF");
__attribute__((swiftcall)) void swift_unlock_slow(__attribute__((swift_context)) void *word) {
  store(word, 0, ADDONRACE_RELEASE, PC);
}

typedef struct {
  uint32_t arrived, turn, count;
} barrier;
int pthread_barrier_init(pthread_barrier_t *b, const pthread_barrierattr_t *attributes, unsigned count) {
  (void)attributes;
  barrier *new = (barrier *)b;
  initialise(&new->arrived, 0, PC);
  initialise(&new->turn, 0, PC);
  initialise(&new->count, count, PC);
  return 0;
}
int pthread_barrier_destroy(pthread_barrier_t *b) { return initialise(&((barrier *)b)->count, 0, PC), 0; }
int pthread_barrier_wait(pthread_barrier_t *b) {
  uintptr_t pc = PC;
  barrier *me = (barrier *)b;
  host->read((uintptr_t)&me->count, 4, pc);
  if (me->count == 0) host->fail(ADDONRACE_CRASH, "a thread waits at a barrier that was not initialised, or is gone", 0, 0, pc);
  uint32_t count = me->count, turn = load(&me->turn, ADDONRACE_RELAXED, pc);
  if ((add(&me->arrived, 1, ADDONRACE_ACQ_REL, pc) + 1) % count) {
    host->await((uintptr_t)&me->turn, 4, ~0u, turn, pc);
    return 0;
  }
  store(&me->turn, turn + 1, ADDONRACE_RELEASE, pc);
  return PTHREAD_BARRIER_SERIAL_THREAD;
}

int pthread_spin_init(pthread_spinlock_t *l, int shared) { return (void)shared, initialise((void *)l, 0, PC), 0; }
int pthread_spin_destroy(pthread_spinlock_t *l) { return (void)l, 0; }
int pthread_spin_lock(pthread_spinlock_t *l) { return host->lock((uintptr_t)l, PC), 0; }
int pthread_spin_trylock(pthread_spinlock_t *l) { return swap((void *)l, 0, 1, ADDONRACE_ACQUIRE, PC) ? 0 : EBUSY; }
int pthread_spin_unlock(pthread_spinlock_t *l) { return store((void *)l, 0, ADDONRACE_RELEASE, PC), 0; }

int sem_init(sem_t *s, int shared, unsigned value) { return (void)shared, initialise(s, value, PC), 0; }
int sem_destroy(sem_t *s) { return (void)s, 0; }
int sem_post(sem_t *s) { return add(s, 1, ADDONRACE_ACQ_REL, PC), 0; }
int sem_trywait(sem_t *s) {
  uintptr_t pc = PC;
  uint32_t value = load(s, ADDONRACE_RELAXED, pc);
  if (value && swap(s, value, value - 1, ADDONRACE_ACQUIRE, pc)) return 0;
  errno = EAGAIN;
  return -1;
}
int sem_wait(sem_t *s) {
  uintptr_t pc = PC;
  for (;;) {
    uint32_t value = (uint32_t)host->await((uintptr_t)s, 4, ~0u, 0, pc);
    if (swap(s, value, value - 1, ADDONRACE_ACQUIRE, pc)) return 0;
  }
}
int sem_getvalue(sem_t *s, int *value) {
  *value = (int)load(s, ADDONRACE_RELAXED, PC);
  return 0;
}

// Readers, or this bit for a writer. The word behind says which of the two holds it: only holders look there, and to ask the
// lock's own word would be one more load to explore.
static const uint32_t writes = 1u << 31;
static void hold_alone(pthread_rwlock_t *l, uint32_t is_alone) {
  uint32_t *word = (uint32_t *)l + 1;
  host->own_write((uintptr_t)word, sizeof *word);
  *word = is_alone;
}
int pthread_rwlock_init(pthread_rwlock_t *l, const pthread_rwlockattr_t *a) {
  (void)a;
  initialise(l, 0, PC);
  hold_alone(l, 0);
  return 0;
}
int pthread_rwlock_destroy(pthread_rwlock_t *l) { return (void)l, 0; }
int pthread_rwlock_tryrdlock(pthread_rwlock_t *l) {
  uintptr_t pc = PC;
  uint32_t value = load(l, ADDONRACE_RELAXED, pc);
  return !(value & writes) && swap(l, value, value + 1, ADDONRACE_ACQUIRE, pc) ? 0 : EBUSY;
}
int pthread_rwlock_rdlock(pthread_rwlock_t *l) { return host->rwlock((uintptr_t)l, 0, PC), 0; }
int pthread_rwlock_trywrlock(pthread_rwlock_t *l) {
  if (!swap(l, 0, writes, ADDONRACE_ACQUIRE, PC)) return EBUSY;
  hold_alone(l, 1);
  return 0;
}
int pthread_rwlock_wrlock(pthread_rwlock_t *l) {
  host->rwlock((uintptr_t)l, 1, PC);
  hold_alone(l, 1);
  return 0;
}
int pthread_rwlock_unlock(pthread_rwlock_t *l) {
  uintptr_t pc = PC;
  if (((uint32_t *)l)[1]) {
    hold_alone(l, 0);
    store(l, 0, ADDONRACE_RELEASE, pc);
  } else {
    add(l, -1u, ADDONRACE_ACQ_REL, pc);
  }
  return 0;
}

// MARK: Futexes

long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  uintptr_t address = va_arg(list, uintptr_t);
  long operation = va_arg(list, long);
  long value = va_arg(list, long);
  va_end(list);
  if (number == SYS_gettid) return host ? (long)host->self() + 1 : 1;
  if (number != SYS_futex) {
    errno = ENOSYS;
    return -1;
  }
  if (!host) return 0;
  switch (operation & 127) {
    case 0:
    case 9:
      if (load((void *)address, ADDONRACE_RELAXED, PC) != (uint32_t)value) {
        errno = EAGAIN;
        return -1;
      }
      host->await(address, 4, ~0u, (uint32_t)value, PC);
      return 0;
    default: return 1;
  }
}

// MARK: C11's names

static int status(int error) { return error == 0 ? thrd_success : error == EBUSY ? thrd_busy : error == ETIMEDOUT ? thrd_timedout : thrd_error; }
int thrd_create(thrd_t *name, thrd_start_t body, void *argument) {
  uint32_t thread = host->create((void *(*)(void *))(void *)body, argument, 1, PC);
  host->own_write((uintptr_t)name, sizeof *name);
  *name = name_of(thread);
  return thrd_success;
}
int thrd_join(thrd_t name, int *result) {
  void *value = host->join(thread_of(name), PC);
  if (result) {
    host->write((uintptr_t)result, sizeof *result, PC);
    *result = (int)(intptr_t)value;
  }
  return thrd_success;
}
int thrd_detach(thrd_t name) { return (void)name, thrd_success; }
thrd_t thrd_current(void) { return name_of(host->self()); }
int thrd_equal(thrd_t a, thrd_t b) { return a == b; }
void thrd_yield(void) { host->pause(PC); }
int thrd_sleep(const struct timespec *time, struct timespec *left) { return (void)time, (void)left, host->pause(PC), 0; }
void thrd_exit(int result) {
  addonrace_thread_ends();
  host->leave((void *)(intptr_t)result);
  __builtin_unreachable();
}
int mtx_init(mtx_t *m, int type) {
  int kind = type & mtx_recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL;
  return status(pthread_mutex_init((pthread_mutex_t *)m, (const pthread_mutexattr_t *)&kind));
}
void mtx_destroy(mtx_t *m) { (void)m; }
int mtx_lock(mtx_t *m) { return status(lock((mutex *)m, PC)); }
int mtx_trylock(mtx_t *m) { return status(try_lock((mutex *)m, PC)); }
int mtx_timedlock(mtx_t *m, const struct timespec *time) { return (void)time, status(wait_or_give_up((mutex *)m, PC)); }
int mtx_unlock(mtx_t *m) { return status(unlock((mutex *)m, PC)); }
int cnd_init(cnd_t *c) { return pthread_cond_init((pthread_cond_t *)c, NULL); }
void cnd_destroy(cnd_t *c) { (void)c; }
int cnd_wait(cnd_t *c, mtx_t *m) { return status(wait((pthread_cond_t *)c, (pthread_mutex_t *)m, 0, PC)); }
int cnd_timedwait(cnd_t *c, mtx_t *m, const struct timespec *time) {
  return (void)time, status(wait((pthread_cond_t *)c, (pthread_mutex_t *)m, 1, PC));
}
int cnd_signal(cnd_t *c) { return pthread_cond_signal((pthread_cond_t *)c); }
int cnd_broadcast(cnd_t *c) { return pthread_cond_broadcast((pthread_cond_t *)c); }
void call_once(once_flag *flag, void (*body)(void)) { once(flag, body, PC); }
int tss_create(tss_t *key, tss_dtor_t destructor) { return status(pthread_key_create((pthread_key_t *)key, destructor)); }
void tss_delete(tss_t key) { pthread_key_delete(key); }
void *tss_get(tss_t key) { return pthread_getspecific(key); }
int tss_set(tss_t key, void *value) { return status(pthread_setspecific(key, value)); }

// MARK: C++'s function statics: one byte says that it is made, the word behind it is a lock.

int __cxa_guard_acquire(uint64_t *guard) {
  uintptr_t pc = PC;
  char *made = (char *)guard;
  if (!host) return !*made;
  uintptr_t lock = (uintptr_t)guard + 4;
  if (host->load((uintptr_t)made, 1, ADDONRACE_ACQUIRE, &(addonrace_frame){.pc = pc})) return 0;
  host->lock(lock, pc);
  if (!host->load((uintptr_t)made, 1, ADDONRACE_ACQUIRE, &(addonrace_frame){.pc = pc})) return 1;
  store((void *)lock, 0, ADDONRACE_RELEASE, pc);
  return 0;
}
void __cxa_guard_release(uint64_t *guard) {
  if (!host) {
    *(char *)guard = 1;
    return;
  }
  host->store((uintptr_t)guard, 1, 1, ADDONRACE_RELEASE, HERE);
  store((char *)guard + 4, 0, ADDONRACE_RELEASE, PC);
}
void __cxa_guard_abort(uint64_t *guard) {
  if (host) store((char *)guard + 4, 0, ADDONRACE_RELEASE, PC);
}
