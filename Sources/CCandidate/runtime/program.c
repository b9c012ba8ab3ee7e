// Compiled with code that is raced on real threads, and linked into it, hidden: runs a program again and again. Its data is
// put back before each run, and what it has allocated is looked at after each.
#define _GNU_SOURCE
#include "program.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#pragma GCC visibility push(hidden)

runner *addonrace_runner_state;
__thread worker *addonrace_me;

// MARK: What went wrong

void addonrace_note_mishap(uint32_t kind, const block *b, uintptr_t pc, const char *text) {
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

void addonrace_note_block(uint32_t kind, const block *b, uintptr_t pc, const char *format) {
  char text[sizeof ((addonrace_mishap *)0)->text];
  snprintf(text, sizeof text, format, b->size);
  addonrace_note_mishap(kind, b, pc, text);
}

void addonrace_leave(void *result) {
  me->result = result;
  longjmp(me->base, 1);
}

void addonrace_fail(uint32_t failure, const char *text, const char *file, uint32_t line, uintptr_t pc) {
  char sentence[sizeof ((addonrace_mishap *)0)->text];
  switch (failure) {
    case ADDONRACE_EXIT: __atomic_store_n(&all->has_exited, 1, __ATOMIC_RELAXED); break;
    case ADDONRACE_ASSUMPTION: __atomic_store_n(&all->is_void, 1, __ATOMIC_RELAXED); break;
    case ADDONRACE_UNSUPPORTED: addonrace_note_mishap(ADDONRACE_MISHAP_UNSUPPORTED, 0, pc, text); break;
    default:
      if (file) snprintf(sentence, sizeof sentence, "%s (%s:%u)", text, file, line);
      else snprintf(sentence, sizeof sentence, "%s", text);
      addonrace_note_mishap(failure == ADDONRACE_ASSERTION ? ADDONRACE_MISHAP_ASSERTION : ADDONRACE_MISHAP_CRASH, 0, pc, sentence);
  }
  if (me) addonrace_leave(0);
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
  addonrace_note_mishap(ADDONRACE_MISHAP_CRASH, 0, pc, text);
  addonrace_leave(0);
}

static void catch_signals(void) {
  static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
  int (*real)(int, const struct sigaction *, struct sigaction *) =
      (int (*)(int, const struct sigaction *, struct sigaction *))dlsym(RTLD_DEFAULT, "sigaction");
  struct sigaction action = {.sa_sigaction = catch_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) real(numbers[i], &action, 0);
}

/// A stack of its own for the calling thread's signals.
void addonrace_give_signal_stack(void) {
  enum { SIZE = 64 << 10 };
  void *memory = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) kernel(SYS_sigaltstack, (long[6]){(long)&(stack_t){.ss_sp = memory, .ss_size = SIZE}});
}

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
  block *b = addonrace_block_of(address);
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
      block *b = addonrace_block_at(w, number);
      if (b->state == ALIVE) {
        addonrace_note_block(
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
      block *b = addonrace_block_at(w, number);
      if (b->state == ALIVE) unreached++;
      else freed++;
      if (!program->checks) continue;
      if (b->state != ALIVE && b->state != FREED) {
        addonrace_note_mishap(ADDONRACE_MISHAP_BAD_ACCESS, 0, 0, "what stands before an allocation was overwritten");
        return;
      }
      if (!addonrace_is_whole(b)) {
        addonrace_note_block(ADDONRACE_MISHAP_BAD_ACCESS, b, 0, "something was written behind %u bytes");
      } else if (b->state == FREED && !is_poisoned(b)) {
        addonrace_note_block(ADDONRACE_MISHAP_BAD_ACCESS, b, 0, "%u bytes were written to after they had been freed");
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
    for (uint32_t i = 0; i < program->racer_count; i++) addonrace_begin_thread((void *(*)(void *))program->racers[i], 0, 0);
    // Those that racers have started, too.
    for (uint32_t i = 1; i < __atomic_load_n(&all->started, __ATOMIC_ACQUIRE); i++) addonrace_wait_for(all->workers[i]);
    call(program->check);
    call(program->teardown);
  }
  addonrace_run_destructors(me);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int is_idle(void) {
  for (uint32_t i = 1; i < all->made; i++) {
    if (__atomic_load_n(&all->workers[i]->ended, __ATOMIC_ACQUIRE) != all->workers[i]->given) return 0;
  }
  return 1;
}

static int make(addonrace_program *program) {
  if (all && is_idle()) {
    all->program = program;
    all->has_failed = 0;
    addonrace_take_part(all->workers[0]);
    put_data_back(1);
    return 1;
  }
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
  const runner *before = all;
  all = new;
  sched_getaffinity(0, sizeof new->processors, &new->processors);
  memcpy(new->pristine, before ? before->pristine : (const char *)program->data, program->data_size);
  if (before) memcpy((char *)program->data, new->pristine, program->data_size), all = new;
  worker *first = addonrace_make_worker();
  if (!first) return 0;
  catch_signals();
  addonrace_take_part(first);
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
    addonrace_begin_run(me);
    addonrace_put_storage_back(me, me->storage);
    if (!setjmp(me->base)) run_program();
    addonrace_let_begin(0);
    for (uint32_t i = 1; i < __atomic_load_n(&all->started, __ATOMIC_ACQUIRE); i++) {
      // Of a run that has failed some may wait for what will not be done.
      if (all->has_failed) break;
      addonrace_wait_for(all->workers[i]);
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
