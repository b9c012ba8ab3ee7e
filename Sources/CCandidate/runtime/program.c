// Compiled with code that is raced on real threads, and linked into it, hidden: runs a program again and again. Its
// threads are served by threads that exist already, its data is put back before each run, and what it has allocated is
// looked at after each.
#define _GNU_SOURCE
#include "raced.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define PC ((uintptr_t)__builtin_return_address(0))

#pragma GCC visibility push(hidden)

enum {
  WORKERS = 64,
  KEYS = 64,
  SLOTS = 8,
  BLOCKS = 1 << 16,
  /// Bytes of one thread's allocations in one run.
  ARENA = 16 << 20,
  STACK = 1 << 20,
  LINE = 64,
  /// Of a block, no more than so many bytes are filled, or looked at.
  FILLED = 4096,
  LOOKED_AT = 512,
};

enum { ALIVE = 0xa110ca7e, FREED = 0xf4eedb10 };
static const uint64_t canary = 0xfdfdfdfdfdfdfdfd;
static const uint8_t freed_byte = 0x6b, unwritten_byte = 0x5a;

/// Stands before each allocation.
typedef struct block {
  uint32_t size, state;
  uintptr_t allocated_at;
} block;

typedef struct destructor {
  void (*function)(void *);
  void *argument;
} destructor;

typedef struct worker {
  /// Counts the bodies that it was given, those that somebody has begun, and those that have ended.
  uint32_t given, begun, ended;
  uint32_t sleeps;
  uint32_t number;
  void *(*body)(void *);
  void *argument, *result;
  /// It has come to its first allocation of this run, or has ended.
  uint32_t has_arrived;
  uint32_t allocations, attempts;
  uint32_t locks;
  uint64_t random;
  char *arena;
  size_t used;
  uint32_t block_count;
  uint32_t *blocks;
  char *storage;
  jmp_buf base;
  const void *values[KEYS];
  destructor destructors[KEYS];
  uint32_t destructor_count;
  char rest[128];
} worker;

/// All that the runner knows: not among the program's data, which is put back.
typedef struct runner {
  addonrace_program *program;
  worker *workers[WORKERS];
  uint32_t started;
  uint32_t made;
  char *arenas;
  char *pristine;
  uint32_t *dirty;
  uint32_t dirty_count;
  uint8_t *is_dirty;
  size_t lines;
  uint64_t run;
  /// The threads of this run may begin.
  uint64_t gate;
  uint32_t waits_at_gate;
  uint32_t late_gates;
  uint32_t has_failed, is_void, has_exited;
  uintptr_t slots[SLOTS];
  uint32_t slot_count;
  void (*key_destructors[KEYS])(void *);
  uint32_t key_count;
  uint32_t spins;
  /// Instructions that whoever runs a thread instead of waiting for it is ahead of the others; and whom it ran.
  int32_t lead;
  worker *ran_instead;
  cpu_set_t processors;
  long (*kernel)(long, ...);
  int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
} runner;

static runner *all;
/// Not static: it lies in what is put back, and a compiler must think so.
__thread worker *addonrace_me;
#define me addonrace_me

static uint64_t next_random(worker *w) {
  uint64_t x = w->random += 0x9e3779b97f4a7c15;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

static void delay(unsigned instructions) {
  while (instructions-- > 0) __asm__ volatile("nop");
}

/// The C library's, which our own name hides.
static long kernel(long number, const long *a) {
  return all->kernel(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

// MARK: What went wrong

static void note(uint32_t kind, const block *b, uintptr_t pc, const char *text) {
  addonrace_program *program = all->program;
  uint32_t number = __atomic_fetch_add(&program->mishap_count, 1, __ATOMIC_RELAXED);
  __atomic_store_n(&all->has_failed, 1, __ATOMIC_RELAXED);
  if (number >= ADDONRACE_MISHAPS) return;
  addonrace_mishap *mishap = &program->mishaps[number];
  mishap->kind = kind;
  mishap->thread = me ? me->number : 0;
  mishap->pc = pc;
  mishap->allocated_at = b ? b->allocated_at : 0;
  mishap->run = all->run;
  size_t length = strlen(text);
  if (length >= sizeof mishap->text) length = sizeof mishap->text - 1;
  memcpy(mishap->text, text, length);
  mishap->text[length] = 0;
}

static void note_block(uint32_t kind, const block *b, uintptr_t pc, const char *format) {
  char text[sizeof ((addonrace_mishap *)0)->text];
  snprintf(text, sizeof text, format, b->size);
  note(kind, b, pc, text);
}

static void leave(void *result) {
  me->result = result;
  longjmp(me->base, 1);
}

static void fail(uint32_t failure, const char *text, const char *file, uint32_t line, uintptr_t pc) {
  char sentence[sizeof ((addonrace_mishap *)0)->text];
  switch (failure) {
    case ADDONRACE_EXIT: __atomic_store_n(&all->has_exited, 1, __ATOMIC_RELAXED); break;
    case ADDONRACE_ASSUMPTION: __atomic_store_n(&all->is_void, 1, __ATOMIC_RELAXED); break;
    case ADDONRACE_UNSUPPORTED: note(ADDONRACE_MISHAP_UNSUPPORTED, 0, pc, text); break;
    default:
      if (file) snprintf(sentence, sizeof sentence, "%s (%s:%u)", text, file, line);
      else snprintf(sentence, sizeof sentence, "%s", text);
      note(failure == ADDONRACE_ASSERTION ? ADDONRACE_MISHAP_ASSERTION : ADDONRACE_MISHAP_CRASH, 0, pc, sentence);
  }
  if (me) leave(0);
  for (;;) pause();
}

/// What would end the process ends the thread that did it.
static void catch_signal(int number, siginfo_t *info, void *context) {
  (void)info;
  if (!me) {
    signal(number, SIG_DFL);
    raise(number);
    return;
  }
#if defined(__x86_64__)
  uintptr_t pc = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] + 1;
#else
  uintptr_t pc = (uintptr_t)((ucontext_t *)context)->uc_mcontext.pc + 1;
#endif
  const char *text = "it ends with a signal";
  switch (number) {
    case SIGSEGV: case SIGBUS: text = "an access through NULL or a stray pointer, or a stack that is too deep"; break;
    case SIGILL: case SIGTRAP: text = "a trap"; break;
    case SIGFPE: text = "a division by zero"; break;
  }
  note(ADDONRACE_MISHAP_CRASH, 0, pc, text);
  leave(0);
}

static void catch_signals(void) {
  static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
  int (*real)(int, const struct sigaction *, struct sigaction *) =
      (int (*)(int, const struct sigaction *, struct sigaction *))dlsym(RTLD_DEFAULT, "sigaction");
  struct sigaction action = {.sa_sigaction = catch_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) real(numbers[i], &action, 0);
}

/// A stack of its own for the calling thread's signals.
static void give_signal_stack(void) {
  enum { SIZE = 64 << 10 };
  void *memory = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) kernel(SYS_sigaltstack, (long[6]){(long)&(stack_t){.ss_sp = memory, .ss_size = SIZE}});
}

// MARK: Heap

static block *block_at(const worker *w, uint32_t number) { return (block *)(w->arena + w->blocks[number]); }

/// Whose arena an address lies in.
static worker *owner_of(uintptr_t address) {
  uintptr_t number = (address - (uintptr_t)all->arenas) / ARENA;
  return address >= (uintptr_t)all->arenas && number < all->made ? all->workers[number] : 0;
}

/// The block that an address lies in, or right behind.
static block *block_of(uintptr_t address) {
  worker *w = owner_of(address);
  if (!w) return 0;
  uint32_t offset = (uint32_t)(address - (uintptr_t)w->arena), low = 0, high = w->block_count;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (w->blocks[middle] <= offset) low = middle + 1;
    else high = middle;
  }
  if (low == 0) return 0;
  block *b = block_at(w, low - 1);
  return address - (uintptr_t)(b + 1) <= b->size ? b : 0;
}

static int is_refused(worker *w) {
  const addonrace_program *program = all->program;
  uint64_t n = program->refusals_n;
  w->attempts++;
  if (program->refused_racer >= 0 && program->refused_racer != (int)w->number) return 0;
  switch (program->refusals) {
    case ADDONRACE_NTH: return w->attempts == n;
    case ADDONRACE_EVERY: return w->attempts % n == 0;
    case ADDONRACE_EACH_IN_TURN: return w->attempts == 1 + all->run % 8;
    case ADDONRACE_PROBABILITY: return next_random(w) >> 32 < n;
    default: return 0;
  }
}

/// Waits for a while until every thread of the run has come to an allocation, or to its end.
static void meet(worker *w) {
  __atomic_store_n(&w->has_arrived, 1, __ATOMIC_RELAXED);
  uint32_t count = __atomic_load_n(&all->started, __ATOMIC_RELAXED);
  for (unsigned turn = 0; turn < 2000; turn++) {
    int all_here = 1;
    for (uint32_t i = 1; i < count; i++) {
      if (!__atomic_load_n(&all->workers[i]->has_arrived, __ATOMIC_RELAXED)) all_here = 0;
    }
    if (all_here) return;
    if (all->spins) addonrace_pause();
    else sched_yield(), turn += 50;
  }
}

static void window(worker *w) {
  if (w->allocations || w->locks || all->program->shape == 0) return;
  if (all->program->shape == 2) meet(w);
  else if (!all->spins) sched_yield();
  else delay(next_random(w) & 511);
}

static void *allocate(size_t size, size_t alignment, int is_zeroed, int may_fail, uintptr_t pc) {
  worker *w = me;
  if (!w || !all) return NULL;
  window(w);
  if (may_fail && all->program->refusals && is_refused(w)) {
    __atomic_fetch_add(&all->program->refused, 1, __ATOMIC_RELAXED);
    return NULL;
  }
  if (alignment < 16) alignment = 16;
  size_t start = (w->used + sizeof(block) + alignment - 1) & ~(alignment - 1);
  if (size > ARENA || start + size + sizeof canary > ARENA || w->block_count == BLOCKS) {
    fail(ADDONRACE_UNSUPPORTED, "a thread allocates more than 16 MB, or 65,536 times, in one run", 0, 0, pc);
  }
  block *b = (block *)(w->arena + start) - 1;
  b->size = (uint32_t)size;
  b->allocated_at = pc;
  __atomic_store_n(&b->state, ALIVE, __ATOMIC_RELAXED);
  w->used = start + size + sizeof canary;
  w->blocks[w->block_count++] = (uint32_t)((char *)b - w->arena);
  w->allocations++;
  char *memory = (char *)(b + 1);
  if (is_zeroed) memset(memory, 0, size);
  else memset(memory, unwritten_byte, size < FILLED ? size : FILLED);
  memcpy(memory + size, &canary, sizeof canary);
  return memory;
}

static int is_whole(const block *b) { return memcmp((const char *)(b + 1) + b->size, &canary, sizeof canary) == 0; }

static void give_back(void *p, uintptr_t pc) {
  if (!all || !all->program) return;
  block *b = owner_of((uintptr_t)p) ? (block *)p - 1 : 0;
  if (b && (uintptr_t)p % 16) b = 0;
  uint32_t state = b ? __atomic_load_n(&b->state, __ATOMIC_RELAXED) : 0;
  if (state == ALIVE) state = __atomic_exchange_n(&b->state, FREED, __ATOMIC_RELAXED);
  if (state == FREED) {
    note_block(ADDONRACE_MISHAP_BAD_ACCESS, b, pc, "%u bytes are freed a second time");
  } else if (state != ALIVE) {
    note(ADDONRACE_MISHAP_BAD_ACCESS, 0, pc, "something is freed that was never allocated");
  } else {
    if (!is_whole(b)) note_block(ADDONRACE_MISHAP_BAD_ACCESS, b, pc, "something was written behind %u bytes");
    memset(p, freed_byte, b->size < FILLED ? b->size : FILLED);
  }
}

static size_t size_of(void *p) {
  return owner_of((uintptr_t)p) ? ((block *)p - 1)->size : 0;
}

// MARK: Threads

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
static void let_begin(const worker *runs) {
  if (__atomic_load_n(&all->gate, __ATOMIC_RELAXED) != all->run) {
    __atomic_store_n(&all->gate, all->run, __ATOMIC_RELEASE);
  }
  worker *first = all->workers[1];
  if (all->started < 2 || !is_creators(first) || first == runs) return;
  if (__atomic_load_n(&first->begun, __ATOMIC_RELAXED) != first->given) wake(first);
}
void addonrace_waits(void) {
  if (all && me) let_begin(0);
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

static void run_destructors(worker *w) {
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

/// A thread that begins finds its storage as it was written.
static void put_storage_back(worker *w) {
  const addonrace_program *program = all->program;
  if (!w->storage || program->storage_size <= sizeof me) return;
  memcpy(w->storage, (const void *)program->storage_image, program->storage_file_size);
  memset(w->storage + program->storage_file_size, 0, program->storage_size - program->storage_file_size);
  me = w;
}

static void begin_run(worker *w) {
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

static void run_body(worker *w, uint32_t number) {
  put_storage_back(w);
  me = w;
  if (!setjmp(w->base)) {
    w->result = w->body(w->argument);
    run_destructors(w);
  }
  __atomic_store_n(&w->has_arrived, 1, __ATOMIC_RELAXED);
  __atomic_store_n(&w->ended, number, __ATOMIC_RELEASE);
}

static void *serve(void *argument) {
  worker *w = argument;
  me = w;
  dl_iterate_phdr(find_storage, &w->storage);
  give_signal_stack();
  uint32_t last = 0;
  for (;;) {
    wait_while(w, &w->given, last);
    last = __atomic_load_n(&w->given, __ATOMIC_ACQUIRE);
    pass_gate(w);
    if (begins(w, last)) run_body(w, last);
  }
  return 0;
}

/// Whoever waits for a thread that has not begun runs it: no third thread takes a processor from the two that race.
static void run_instead(worker *w) {
  if (!is_creators(w) || !begins(w, w->given)) return;
  worker *before = me;
  char *storage = w->storage;
  size_t size = all->program->storage_size > sizeof me && before->storage ? all->program->storage_size : 0;
  char kept[size + 1];
  memcpy(kept, before->storage, size);
  w->storage = before->storage;
  delay((uint32_t)all->lead);
  run_body(w, w->given);
  w->storage = storage;
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

static worker *make_worker(void) {
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
static worker *begin_thread(void *(*body)(void *), void *argument, uintptr_t pc) {
  // More than one thread may start others.
  while (__atomic_exchange_n(&creating, 1, __ATOMIC_ACQUIRE)) sched_yield();
  uint32_t number = all->started;
  worker *w = number < all->made ? all->workers[number] : number < WORKERS ? make_worker() : 0;
  if (w) {
    begin_run(w);
    w->body = body;
    w->argument = argument;
    __atomic_store_n(&w->given, w->given + 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&all->started, number + 1, __ATOMIC_RELEASE);
    if (!is_creators(w)) wake(w);
  }
  __atomic_store_n(&creating, 0, __ATOMIC_RELEASE);
  if (!w) fail(ADDONRACE_UNSUPPORTED, "more than 63 threads in one run", 0, 0, pc);
  return w;
}

static void wait_for(worker *w) {
  me->has_arrived = 1;
  let_begin(w);
  run_instead(w);
  uint32_t given = __atomic_load_n(&w->given, __ATOMIC_RELAXED);
  uint32_t spins = place_of(w->number) == place_of(me->number) ? 0 : all->spins;
  for (uint32_t turn = 0; __atomic_load_n(&w->ended, __ATOMIC_ACQUIRE) != given; turn++) {
    if (turn < spins) addonrace_pause();
    else sched_yield();
  }
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
  *name = name_of(begin_thread(body, argument, PC));
  return 0;
}
int pthread_join(pthread_t name, void **result) {
  worker *w = all ? named(name) : 0;
  if (!w) return ESRCH;
  wait_for(w);
  if (result) *result = w->result;
  return 0;
}
int pthread_detach(pthread_t name) { return (void)name, 0; }
pthread_t pthread_self(void) { return me ? name_of(me) : 1; }
int pthread_equal(pthread_t a, pthread_t b) { return a == b; }
void pthread_exit(void *result) {
  expect_runner(PC);
  run_destructors(me);
  leave(result);
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
  *name = name_of(begin_thread((void *(*)(void *))(void *)body, argument, PC));
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
static void defer(void *(*body)(void *), void *argument) { begin_thread(body, argument, 0); }
static uint32_t choose(uint32_t count) { return (uint32_t)(next_random(me) % count); }
static void slot(uintptr_t address, const char *name) {
  (void)name;
  uint32_t number = __atomic_load_n(&all->slot_count, __ATOMIC_RELAXED);
  if (number == SLOTS) return;
  all->slots[number] = address;
  all->slot_count = number + 1;
}

const addonrace_race addonrace_runner = {
    allocate, give_back, size_of, holds_lock, holds_lock, may_sleep, section, grace_period, defer, choose, slot, fail,
};

// MARK: Data

/// Lines that some run has changed are put back before each; whether there are others is seen now and then.
static void put_data_back(int looks) {
  addonrace_program *program = all->program;
  char *data = (char *)program->data;
  if (looks) {
    for (size_t line = 0; line < all->lines; line++) {
      if (all->is_dirty[line]) continue;
      size_t offset = line * LINE, rest = program->data_size - offset, bytes = rest < LINE ? rest : LINE;
      if (memcmp(data + offset, all->pristine + offset, bytes) == 0) continue;
      all->is_dirty[line] = 1;
      all->dirty[all->dirty_count++] = (uint32_t)line;
    }
  }
  for (uint32_t i = 0; i < all->dirty_count; i++) {
    size_t offset = (size_t)all->dirty[i] * LINE, rest = program->data_size - offset;
    memcpy(data + offset, all->pristine + offset, rest < LINE ? rest : LINE);
  }
}

// MARK: After a run

static uint32_t unreached;
static void follow(const char *memory, size_t size);
static void reach(uintptr_t address) {
  block *b = block_of(address);
  if (!b || b->state != ALIVE) return;
  // For as long as the search takes.
  b->state = ALIVE + 1;
  unreached--;
  follow((const char *)(b + 1), b->size);
}
static void follow(const char *memory, size_t size) {
  uintptr_t end = (uintptr_t)memory + size;
  for (uintptr_t place = ((uintptr_t)memory + 7) & ~(uintptr_t)7; place + 8 <= end && unreached; place += 8) {
    uintptr_t value = *(const uintptr_t *)place;
    if (value - (uintptr_t)all->arenas < (size_t)WORKERS * ARENA) reach(value);
  }
}

static void look_for_leaks(void) {
  addonrace_program *program = all->program;
  for (uint32_t i = 0; i < all->dirty_count && unreached; i++) {
    size_t offset = (size_t)all->dirty[i] * LINE, rest = program->data_size - offset;
    follow((const char *)program->data + offset, rest < LINE ? rest : LINE);
  }
  if (unreached) follow((const char *)program->data, program->data_size);
  for (uint32_t i = 0; i < all->made && unreached; i++) {
    if (all->workers[i]->storage) follow(all->workers[i]->storage, program->storage_size);
  }
  for (uint32_t i = 0; i < all->started && unreached; i++) {
    worker *w = all->workers[i];
    for (uint32_t number = 0; number < w->block_count; number++) {
      block *b = block_at(w, number);
      if (b->state == ALIVE) {
        note_block(
            ADDONRACE_MISHAP_LEAK, b, b->allocated_at, "%u bytes are never freed, and nothing points to them any more");
      }
    }
  }
}

static int is_poisoned(const block *b) {
  const uint8_t *memory = (const uint8_t *)(b + 1);
  for (uint32_t i = 0; i < b->size && i < LOOKED_AT; i++) {
    if (memory[i] != freed_byte) return 0;
  }
  return 1;
}

/// Whoever came too late to allocate begins earlier the next time.
static void adapt(uint32_t allocators) {
  enum { MOST = 4000, STEP = 8 };
  if (!all->ran_instead || allocators != 1) return;
  int32_t lead = all->lead + (all->ran_instead->allocations ? STEP : -STEP);
  all->lead = lead < 0 ? 0 : lead > MOST ? MOST : lead;
}

/// Looks at all that was allocated.
static void look(void) {
  addonrace_program *program = all->program;
  uint32_t allocators = 0;
  uint64_t allocated = 0, freed = 0;
  unreached = 0;
  for (uint32_t i = 0; i < all->started; i++) {
    worker *w = all->workers[i];
    allocators += w->allocations > 0 && i > 0;
    allocated += w->block_count;
    for (uint32_t number = 0; number < w->block_count; number++) {
      block *b = block_at(w, number);
      if (b->state == ALIVE) unreached++;
      else freed++;
      if (!program->checks) continue;
      if (b->state != ALIVE && b->state != FREED) {
        note(ADDONRACE_MISHAP_BAD_ACCESS, 0, 0, "what stands before an allocation was overwritten");
        return;
      }
      if (!is_whole(b)) {
        note_block(ADDONRACE_MISHAP_BAD_ACCESS, b, 0, "something was written behind %u bytes");
      } else if (b->state == FREED && !is_poisoned(b)) {
        note_block(ADDONRACE_MISHAP_BAD_ACCESS, b, 0, "%u bytes were written to after they had been freed");
      }
    }
  }
  if (me->allocations) allocators++;
  adapt(allocators);
  program->allocations += allocated;
  program->frees += freed;
  uint64_t populated = 0;
  for (uint32_t i = 0; i < all->slot_count; i++) {
    populated += all->slots[i] && *(const volatile uintptr_t *)all->slots[i] != 0;
  }
  if (all->slot_count == 0) populated = allocated > 0;
  program->populations += populated;
  if (allocators > 1) {
    program->collisions += populated;
    program->losers += populated * (allocators - 1);
  }
  if (unreached && program->checks && !all->has_exited && !all->is_void) look_for_leaks();
}

// MARK: Runs

static void call(void *function) {
  if (function) ((void (*)(void))function)();
}

static void run_program(void) {
  addonrace_program *program = all->program;
  if (program->main) {
    static char name[] = "program";
    char *arguments[] = {name, 0};
    ((int (*)(int, char **, char **))program->main)(1, arguments, environ);
  } else {
    call(program->setup);
    for (uint32_t i = 0; i < program->racer_count; i++) begin_thread((void *(*)(void *))program->racers[i], 0, 0);
    // Those that racers have started, too.
    for (uint32_t i = 1; i < __atomic_load_n(&all->started, __ATOMIC_ACQUIRE); i++) wait_for(all->workers[i]);
    call(program->check);
    call(program->teardown);
  }
  run_destructors(me);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int make(addonrace_program *program) {
  enum { READ_WRITE = PROT_READ | PROT_WRITE, PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };
  size_t lines = (program->data_size + LINE - 1) / LINE;
  runner *new = mmap(0, sizeof *new, READ_WRITE, PRIVATE, -1, 0);
  new->arenas = mmap(0, (size_t)WORKERS * ARENA, READ_WRITE, PRIVATE, -1, 0);
  new->pristine = mmap(0, program->data_size + 1, READ_WRITE, PRIVATE, -1, 0);
  new->dirty = mmap(0, lines * sizeof *new->dirty + 1, READ_WRITE, PRIVATE, -1, 0);
  new->is_dirty = mmap(0, lines + 1, READ_WRITE, PRIVATE, -1, 0);
  new->lines = lines;
  new->program = program;
  new->spins = program->processors > 1 ? 4000 : 0;
  new->create =
      (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))dlsym(RTLD_DEFAULT, "pthread_create");
  new->kernel = (long (*)(long, ...))dlsym(RTLD_DEFAULT, "syscall");
  all = new;
  sched_getaffinity(0, sizeof new->processors, &new->processors);
  memcpy(new->pristine, (const void *)program->data, program->data_size);
  worker *first = make_worker();
  if (!first) return 0;
  pthread_t (*self)(void) = (pthread_t (*)(void))dlsym(RTLD_DEFAULT, "pthread_self");
  pin(self(), 0);
  give_signal_stack();
  catch_signals();
  me = first;
  dl_iterate_phdr(find_storage, &first->storage);
  return 1;
}

enum { RUNS_LOOKED_AT = 64, RUNS_BETWEEN_CLOCKS = 32, RUNS_BETWEEN_EARLY_STARTS = 64, LATE_GATES = 8 };

static uint32_t what_ended(const addonrace_program *program, double end) {
  if (all->has_failed) return ADDONRACE_END_MISHAP;
  if (program->interrupted()) return ADDONRACE_END_INTERRUPTED;
  if (program->collisions >= program->enough) return ADDONRACE_END_ENOUGH;
  return now() >= end ? ADDONRACE_END_TIME : UINT32_MAX;
}

#pragma GCC visibility pop

/// Runs a program until something ends it. The calling thread is its first.
__attribute__((visibility("default"))) void addonrace_run_program(addonrace_program *program) {
  double end = now() + program->seconds;
  if (!make(program)) {
    program->mishap_count = 1;
    program->mishaps[0] = (addonrace_mishap){.kind = ADDONRACE_MISHAP_UNSUPPORTED, .text = "no memory for its threads"};
    return;
  }
  for (;;) {
    all->run = program->runs + 1;
    all->started = 1;
    all->slot_count = all->key_count = 0;
    all->is_void = all->has_exited = 0;
    all->ran_instead = 0;
    // Some runs begin each thread at once: whoever starts them may be one of those that race.
    all->waits_at_gate = all->late_gates < LATE_GATES && all->run % RUNS_BETWEEN_EARLY_STARTS != 0;
    begin_run(me);
    put_storage_back(me);
    if (!setjmp(me->base)) run_program();
    let_begin(0);
    for (uint32_t i = 1; i < __atomic_load_n(&all->started, __ATOMIC_ACQUIRE); i++) {
      // Of a run that has failed some may wait for what will not be done.
      if (all->has_failed) break;
      wait_for(all->workers[i]);
    }
    if (!all->has_failed) look();
    if (all->started > program->threads) program->threads = all->started;
    if (all->slot_count > program->slots) program->slots = all->slot_count;
    __atomic_store_n(&program->runs, all->run, __ATOMIC_RELEASE);
    if (all->has_failed || all->run % RUNS_BETWEEN_CLOCKS == 0 || all->run < RUNS_BETWEEN_CLOCKS) {
      uint32_t what = what_ended(program, end);
      if (what != UINT32_MAX) {
        program->end = what;
        return;
      }
    }
    put_data_back(all->run <= RUNS_LOOKED_AT || all->run % RUNS_LOOKED_AT == 0);
  }
}
