// Compiled with code that is raced on real threads, and linked into it, hidden: the threads of a program that is run again
// and again. They are served by threads that exist already.
#define _GNU_SOURCE
#include "program.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define PC ((uintptr_t)__builtin_return_address(0))

#pragma GCC visibility push(hidden)

/// The processor of a thread, of those that there are. The first thread shares its creator's, which runs it.
static uint32_t place_of(uint32_t number) { return (number ? number - 1 : 0) % all->program->processors; }

/// Looks for a while, and then sleeps. The first thread shares its creator's processor: there it does not look for long.
static void wait_while(worker *w, uint32_t *word, uint32_t value) {
  uint32_t spins = w->number == 1 ? 0 : all->spins, yields = w->number == 1 ? 1 : 100;
  for (uint32_t turn = 0; __atomic_load_n(word, __ATOMIC_ACQUIRE) == value; turn++) {
    if (turn < spins) {
      addonrace_pause();
    } else if (turn < spins + yields) {
      sched_yield();
    } else {
      struct timespec time = {0, 1000000};
      __atomic_store_n(&w->sleeps, 1, __ATOMIC_SEQ_CST);
      kernel(SYS_futex, (long[6]){(long)word, 128, value, (long)&time});
      __atomic_store_n(&w->sleeps, 0, __ATOMIC_RELAXED);
    }
  }
}

static void wake(worker *w) {
  if (__atomic_load_n(&w->sleeps, __ATOMIC_SEQ_CST)) kernel(SYS_futex, (long[6]){(long)&w->given, 129, 1});
}

/// The first thread of a run stays asleep: whoever waits for it runs it.
static int is_creators(const worker *w) { return all->waits_at_gate && w->number == 1; }

/// The calling thread is going to wait: threads that it has started begin now. `runs` it will run itself.
void addonrace_let_begin(const worker *runs) {
  if (__atomic_load_n(&all->gate, __ATOMIC_RELAXED) != all->run) {
    __atomic_store_n(&all->gate, all->run, __ATOMIC_RELEASE);
  }
  worker *first = all->workers[1];
  if (all->started < 2 || !is_creators(first) || first == runs) return;
  if (__atomic_load_n(&first->begun, __ATOMIC_RELAXED) != first->given) wake(first);
}
void addonrace_waits(void) {
  if (all && me) addonrace_let_begin(0);
}

/// Threads begin together when somebody waits for them: else the first would be done before the next one is there.
static void pass_gate(worker *w) {
  if (all->waits_at_gate) {
    unsigned turn = 0;
    while (__atomic_load_n(&all->gate, __ATOMIC_ACQUIRE) != all->run && turn < 4000) {
      if (all->spins) addonrace_pause();
      else sched_yield(), turn += 40;
      turn++;
    }
    if (turn >= 4000) __atomic_fetch_add(&all->late_gates, 1, __ATOMIC_RELAXED);
  }
  if (all->spins) delay(next_random(w) & 31);
}

void addonrace_run_destructors(worker *w) {
  while (w->destructor_count) {
    destructor d = w->destructors[--w->destructor_count];
    d.function(d.argument);
  }
  for (int round = 0; round < PTHREAD_DESTRUCTOR_ITERATIONS; round++) {
    int found = 0;
    for (uint32_t key = 0; key < all->key_count; key++) {
      const void *value = w->values[key];
      if (!value || !all->key_destructors[key]) continue;
      w->values[key] = 0;
      found = 1;
      all->key_destructors[key]((void *)value);
    }
    if (!found) return;
  }
}

static int find_storage(struct dl_phdr_info *info, size_t size, void *argument) {
  (void)size;
  uintptr_t data = all->program->data;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    if (header->p_type == PT_LOAD && data - (info->dlpi_addr + header->p_vaddr) < header->p_memsz) {
      *(char **)argument = info->dlpi_tls_data;
      return 1;
    }
  }
  return 0;
}

/// A thread that begins finds its storage as it was written. The storage is the calling thread's.
void addonrace_put_storage_back(worker *w, char *storage) {
  const addonrace_program *program = all->program;
  if (!storage || program->storage_size <= sizeof me) return;
  memcpy(storage, (const void *)program->storage_image, program->storage_file_size);
  memset(storage + program->storage_file_size, 0, program->storage_size - program->storage_file_size);
  me = w;
}

void addonrace_begin_run(worker *w) {
  w->used = w->number * 448 % 4096;
  w->block_count = 0;
  w->has_arrived = 0;
  w->allocations = w->attempts = w->locks = 0;
  w->destructor_count = 0;
  w->result = 0;
  if (all->key_count) memset(w->values, 0, sizeof w->values);
}

/// Whether the calling thread is the one that runs the body of this number.
static int begins(worker *w, uint32_t number) {
  uint32_t before = number - 1;
  return __atomic_compare_exchange_n(&w->begun, &before, number, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/// The calling thread, whose storage this is, runs a worker's body: its own, or that of one it waits for.
static void run_body(worker *w, uint32_t number, char *storage) {
  addonrace_put_storage_back(w, storage);
  me = w;
  if (!setjmp(w->base)) {
    w->result = w->body(w->argument);
    addonrace_run_destructors(w);
  }
  __atomic_store_n(&w->has_arrived, 1, __ATOMIC_RELAXED);
  __atomic_store_n(&w->ended, number, __ATOMIC_RELEASE);
}

static void *serve(void *argument) {
  worker *w = argument;
  me = w;
  dl_iterate_phdr(find_storage, &w->storage);
  addonrace_give_signal_stack();
  uint32_t last = 0;
  for (;;) {
    wait_while(w, &w->given, last);
    last = __atomic_load_n(&w->given, __ATOMIC_ACQUIRE);
    pass_gate(w);
    if (begins(w, last)) run_body(w, last, w->storage);
  }
  return 0;
}

/// Whoever waits for a thread that has not begun runs it: no third thread takes a processor from the two that race.
static void run_instead(worker *w) {
  if (!is_creators(w) || !begins(w, w->given)) return;
  worker *before = me;
  size_t size = all->program->storage_size > sizeof me && before->storage ? all->program->storage_size : 0;
  char kept[size + 1];
  memcpy(kept, before->storage, size);
  delay((uint32_t)all->lead);
  run_body(w, w->given, before->storage);
  memcpy(before->storage, kept, size);
  me = before;
  all->ran_instead = w;
}

/// Confines a thread to one of the processors, in turn.
static void pin(pthread_t thread, uint32_t number) {
  uint32_t left = place_of(number);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &all->processors) || left-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    pthread_setaffinity_np(thread, sizeof one, &one);
    return;
  }
}

worker *addonrace_make_worker(void) {
  uint32_t number = all->made;
  worker *w = mmap(0, sizeof *w, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  uint32_t *blocks = mmap(
      0, BLOCKS * sizeof *blocks, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (w == MAP_FAILED || blocks == MAP_FAILED) return 0;
  w->number = number;
  w->arena = all->arenas + (size_t)number * ARENA;
  w->blocks = blocks;
  w->random = all->program->seed + number * 0x9e3779b97f4a7c15;
  all->workers[number] = w;
  if (number > 0) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_t thread;
    if (all->create(&thread, &attributes, serve, w)) return 0;
    pin(thread, number);
  }
  all->made = number + 1;
  return w;
}

static uint32_t creating;
worker *addonrace_begin_thread(void *(*body)(void *), void *argument, uintptr_t pc) {
  // More than one thread may start others.
  while (__atomic_exchange_n(&creating, 1, __ATOMIC_ACQUIRE)) sched_yield();
  uint32_t number = all->started;
  worker *w = number < all->made ? all->workers[number] : number < WORKERS ? addonrace_make_worker() : 0;
  if (w) {
    addonrace_begin_run(w);
    w->body = body;
    w->argument = argument;
    __atomic_store_n(&w->given, w->given + 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&all->started, number + 1, __ATOMIC_RELEASE);
    if (!is_creators(w)) wake(w);
  }
  __atomic_store_n(&creating, 0, __ATOMIC_RELEASE);
  if (!w) addonrace_fail(ADDONRACE_UNSUPPORTED, "more than 63 threads in one run", 0, 0, pc);
  return w;
}

void addonrace_wait_for(worker *w) {
  me->has_arrived = 1;
  addonrace_let_begin(w);
  run_instead(w);
  uint32_t given = __atomic_load_n(&w->given, __ATOMIC_RELAXED);
  uint32_t spins = place_of(w->number) == place_of(me->number) ? 0 : all->spins;
  for (uint32_t turn = 0; __atomic_load_n(&w->ended, __ATOMIC_ACQUIRE) != given; turn++) {
    if (turn < spins) addonrace_pause();
    else sched_yield();
  }
}

/// The calling thread is the first of each run.
void addonrace_take_part(worker *first) {
  pthread_t (*self)(void) = (pthread_t (*)(void))dlsym(RTLD_DEFAULT, "pthread_self");
  pin(self(), 0);
  addonrace_give_signal_stack();
  me = first;
  dl_iterate_phdr(find_storage, &first->storage);
}

// MARK: POSIX and C11 names

static pthread_t name_of(const worker *w) { return (pthread_t)w->number + 1; }
static worker *named(pthread_t name) {
  return name - 1 < all->started ? all->workers[name - 1] : 0;
}

/// Code whose racers AddonRace starts has no runner.
static void expect_runner(uintptr_t pc) {
  if (!all || !me) addonrace_server->fail(ADDONRACE_UNSUPPORTED, "a racer starts a thread, or ends itself", 0, 0, pc);
}

int pthread_create(pthread_t *name, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
  (void)attributes;
  expect_runner(PC);
  *name = name_of(addonrace_begin_thread(body, argument, PC));
  return 0;
}
int pthread_join(pthread_t name, void **result) {
  worker *w = all ? named(name) : 0;
  if (!w) return ESRCH;
  addonrace_wait_for(w);
  if (result) *result = w->result;
  return 0;
}
int pthread_detach(pthread_t name) { return (void)name, 0; }
pthread_t pthread_self(void) { return me ? name_of(me) : 1; }
int pthread_equal(pthread_t a, pthread_t b) { return a == b; }
void pthread_exit(void *result) {
  expect_runner(PC);
  addonrace_run_destructors(me);
  addonrace_leave(result);
  __builtin_unreachable();
}
int pthread_key_create(pthread_key_t *key, void (*destructor)(void *)) {
  expect_runner(PC);
  if (all->key_count == KEYS) return EAGAIN;
  all->key_destructors[all->key_count] = destructor;
  *key = all->key_count++;
  return 0;
}
int pthread_key_delete(pthread_key_t key) {
  if (key < KEYS) all->key_destructors[key] = 0;
  return 0;
}
void *pthread_getspecific(pthread_key_t key) { return me && key < KEYS ? (void *)me->values[key] : 0; }
int pthread_setspecific(pthread_key_t key, const void *value) {
  if (!me || key >= KEYS) return EINVAL;
  me->values[key] = value;
  return 0;
}
int pthread_setname_np(pthread_t name, const char *text) { return (void)name, (void)text, 0; }
int pthread_getattr_np(pthread_t name, pthread_attr_t *attributes) { return (void)name, (void)attributes, ENOSYS; }

int thrd_create(thrd_t *name, thrd_start_t body, void *argument) {
  expect_runner(PC);
  *name = name_of(addonrace_begin_thread((void *(*)(void *))(void *)body, argument, PC));
  return thrd_success;
}
int thrd_join(thrd_t name, int *result) {
  void *value;
  if (pthread_join(name, &value)) return thrd_error;
  if (result) *result = (int)(intptr_t)value;
  return thrd_success;
}
int thrd_detach(thrd_t name) { return (void)name, thrd_success; }
thrd_t thrd_current(void) { return pthread_self(); }
int thrd_equal(thrd_t a, thrd_t b) { return a == b; }
void thrd_exit(int result) {
  pthread_exit((void *)(intptr_t)result);
  __builtin_unreachable();
}
int tss_create(tss_t *key, tss_dtor_t destructor) {
  return pthread_key_create((pthread_key_t *)key, destructor) ? thrd_error : thrd_success;
}
void tss_delete(tss_t key) { pthread_key_delete(key); }
void *tss_get(tss_t key) { return pthread_getspecific(key); }
int tss_set(tss_t key, void *value) { return pthread_setspecific(key, value) ? thrd_error : thrd_success; }
int __cxa_thread_atexit_impl(void (*function)(void *), void *argument, void *object) {
  (void)object;
  if (me && me->destructor_count < KEYS) me->destructors[me->destructor_count++] = (destructor){function, argument};
  return 0;
}

// MARK: Waiting in the kernel, and what a language's start asks of it

long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long arguments[6];
  for (int i = 0; i < 6; i++) arguments[i] = va_arg(list, long);
  va_end(list);
  enum { WAIT = 0, WAIT_BITS = 9 };
  if (number == SYS_futex && ((arguments[1] & 127) == WAIT || (arguments[1] & 127) == WAIT_BITS)) addonrace_waits();
  return kernel(number, arguments);
}
int poll(struct pollfd *files, nfds_t count, int time) { return (void)files, (void)count, (void)time, 0; }
int sigaction(int number, const struct sigaction *new, struct sigaction *old) {
  (void)number, (void)new;
  if (old) memset(old, 0, sizeof *old);
  return 0;
}
/// As if there were one: a language's runtime makes none for each thread.
int sigaltstack(const stack_t *new, stack_t *old) {
  (void)new;
  if (old) *old = (stack_t){.ss_size = STACK};
  return 0;
}

// MARK: The other things that are asked of whoever serves

static void holds_lock(int change) {
  if (me) me->locks += (uint32_t)change;
}
static void may_sleep(uintptr_t pc) { (void)pc; }

// Read-side sections: a word for each thread and domain, which counts.
enum { DOMAINS = 8 };
static struct {
  uint32_t depth;
  char rest[60];
} sections[WORKERS][DOMAINS];
static const void *domains[DOMAINS];

static unsigned domain_of(const void *domain) {
  for (unsigned i = 0; i < DOMAINS - 1; i++) {
    const void *known = __atomic_load_n(&domains[i], __ATOMIC_ACQUIRE);
    if (known == domain && (domain || i == 0)) return i;
    const void *nothing = 0;
    if (i > 0 && !known && __atomic_compare_exchange_n(&domains[i], &nothing, domain, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
      return i;
    }
    if (i > 0 && nothing == domain && domain) return i;
  }
  return DOMAINS - 1;
}
static void section(const void *domain, int begins) {
  uint32_t *depth = &sections[me->number][domain_of(domain)].depth;
  __atomic_store_n(depth, *depth + (begins ? 1 : -1u), __ATOMIC_SEQ_CST);
  me->locks += begins ? 1 : -1u;
}
static void grace_period(const void *domain) {
  unsigned number = domain_of(domain);
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  for (uint32_t i = 0; i < all->made; i++) {
    if (i == me->number) continue;
    uint32_t *depth = &sections[i][number].depth;
    for (unsigned turn = 0; __atomic_load_n(depth, __ATOMIC_ACQUIRE) > 0; turn++) addonrace_spin(turn);
  }
}
/// What waits for a grace period is a thread of its own.
static void defer(void *(*body)(void *), void *argument) { addonrace_begin_thread(body, argument, 0); }
static uint32_t choose(uint32_t count) { return (uint32_t)(next_random(me) % count); }
static void slot(uintptr_t address, const char *name) {
  (void)name;
  uint32_t number = __atomic_load_n(&all->slot_count, __ATOMIC_RELAXED);
  if (number == SLOTS) return;
  all->slots[number] = address;
  all->slot_count = number + 1;
}

const addonrace_race addonrace_runner = {
    addonrace_heap_allocate, addonrace_heap_release, addonrace_heap_size, holds_lock, holds_lock, may_sleep, section,
    grace_period, defer, choose, slot, addonrace_fail,
};
