// What the parts of the runner of programs know of each other.
#ifndef ADDONRACE_PROGRAM_H
#define ADDONRACE_PROGRAM_H

#include "raced.h"

#include <sched.h>
#include <setjmp.h>
#include <string.h>
#include <sys/syscall.h>

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

extern runner *addonrace_runner_state;
#define all addonrace_runner_state
/// Not static: it lies in what is put back, and a compiler must think so.
extern __thread worker *addonrace_me;
#define me addonrace_me

static inline uint64_t next_random(worker *w) {
  uint64_t x = w->random += 0x9e3779b97f4a7c15;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

static inline void delay(unsigned instructions) {
  while (instructions-- > 0) __asm__ volatile("nop");
}

/// The C library's, which our own name hides.
static inline long kernel(long number, const long *a) {
  return all->kernel(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

// MARK: program.c

/// Something went wrong, with an allocation or without one: the program ends with this run.
void addonrace_note_mishap(uint32_t kind, const block *b, uintptr_t pc, const char *text);
/// The same; `format` has a place for its bytes.
void addonrace_note_block(uint32_t kind, const block *b, uintptr_t pc, const char *format);
/// Ends the calling thread's body.
void addonrace_leave(void *result);
/// Notes a failure, and ends the calling thread's body.
void addonrace_fail(uint32_t failure, const char *text, const char *file, uint32_t line, uintptr_t pc);
/// A stack of its own for the calling thread's signals.
void addonrace_give_signal_stack(void);

// MARK: program_heap.c

void *addonrace_heap_allocate(size_t size, size_t alignment, int is_zeroed, int may_fail, uintptr_t pc);
void addonrace_heap_release(void *p, uintptr_t pc);
size_t addonrace_heap_size(void *p);
block *addonrace_block_at(const worker *w, uint32_t number);
/// The block that an address lies in, or right behind; or NULL.
block *addonrace_block_of(uintptr_t address);
/// Nothing was written behind it.
int addonrace_is_whole(const block *b);

// MARK: program_threads.c

worker *addonrace_make_worker(void);
/// The calling thread is the first of each run.
void addonrace_take_part(worker *first);
/// As if it had never run.
void addonrace_begin_run(worker *w);
void addonrace_put_storage_back(worker *w, char *storage);
worker *addonrace_begin_thread(void *(*body)(void *), void *argument, uintptr_t pc);
/// Waits for a thread's end, or runs it.
void addonrace_wait_for(worker *w);
/// The calling thread is going to wait: threads that it has started begin now. `runs` it will run itself.
void addonrace_let_begin(const worker *runs);
void addonrace_run_destructors(worker *w);

#pragma GCC visibility pop

#endif
