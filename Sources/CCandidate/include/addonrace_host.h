/// What a program that is explored tells AddonRace, and is told: the hooks that are compiled with it call these.
///
/// Included by both sides. Sizes are in bytes, 1, 2, 4 or 8. `pc` is where in the program it is; a frame says more.
#ifndef ADDONRACE_HOST_H
#define ADDONRACE_HOST_H

#include <stddef.h>
#include <stdint.h>

/// C11's memory orders by their numbers, and two of the kernel's.
enum addonrace_order {
  ADDONRACE_RELAXED = 0,
  ADDONRACE_CONSUME = 1,
  ADDONRACE_ACQUIRE = 2,
  ADDONRACE_RELEASE = 3,
  ADDONRACE_ACQ_REL = 4,
  ADDONRACE_SEQ_CST = 5,
  /// A relaxed update between two strong fences, if it writes.
  ADDONRACE_FULL = 6,
  /// A relaxed load that later accesses through its value depend on.
  ADDONRACE_DEPENDENT = 7,
};

enum addonrace_update {
  ADDONRACE_EXCHANGE,
  ADDONRACE_ADD,
  ADDONRACE_OR,
  ADDONRACE_AND,
  ADDONRACE_XOR,
  ADDONRACE_NAND,
  ADDONRACE_COMPARE_EXCHANGE,
};

enum addonrace_failure {
  ADDONRACE_ASSERTION,
  /// abort(), a trap, a panic.
  ADDONRACE_CRASH,
  /// Something that cannot be explored.
  ADDONRACE_UNSUPPORTED,
  /// The program ends, as by exit().
  ADDONRACE_EXIT,
  /// An assumption that does not hold: there is no such execution.
  ADDONRACE_ASSUMPTION,
};

/// Where a hook was called from, with all that is private to its caller but for its stack: the registers that a call
/// leaves alone.
typedef struct addonrace_frame {
  uintptr_t pc, sp;
  union {
    uintptr_t registers[12];
    struct {
#if defined(__x86_64__)
      uintptr_t first, frame;
#else
      uintptr_t first[10], frame;
#endif
    };
  };
} addonrace_frame;

typedef struct addonrace_host {
  uint64_t (*_Nonnull load)(uintptr_t address, uint32_t size, uint32_t order, const addonrace_frame *_Nonnull);
  void (*_Nonnull store)(uintptr_t address, uint32_t size, uint64_t value, uint32_t order, const addonrace_frame *_Nonnull);
  /// Answers what was there.
  uint64_t (*_Nonnull update)(
      uintptr_t address, uint32_t size, uint32_t update, uint64_t operand, uint64_t expected, uint32_t order,
      uint32_t failure, const addonrace_frame *_Nonnull);
  void (*_Nonnull fence)(uint32_t order, uintptr_t pc);

  /// Plain accesses, before they happen. A copy only passes on what it reads.
  void (*_Nonnull read)(uintptr_t address, uint32_t size, uintptr_t pc);
  void (*_Nonnull copy)(uintptr_t address, uint32_t size, uintptr_t pc);
  void (*_Nonnull write)(uintptr_t address, uint32_t size, uintptr_t pc);
  /// What the hooks themselves are about to write, which nobody judges.
  void (*_Nonnull own_write)(uintptr_t address, uint32_t size);

  void *_Nullable (*_Nonnull allocate)(size_t size, size_t alignment, int is_zeroed, uintptr_t pc);
  /// One that may not fail.
  void *_Nullable (*_Nonnull allocate_surely)(size_t size, size_t alignment, int is_zeroed, uintptr_t pc);
  void (*_Nonnull release)(void *_Nullable, uintptr_t pc);
  size_t (*_Nonnull size)(void *_Nullable);
  /// The calling thread's block of thread-local storage.
  void *_Nonnull (*_Nonnull thread_storage)(void);

  /// Answers the thread's number; the calling one's is `self`.
  uint32_t (*_Nonnull create)(
      void *_Nullable (*_Nonnull body)(void *_Nullable), void *_Nullable argument, uint32_t count, uintptr_t pc);
  uint32_t (*_Nonnull self)(void);
  void *_Nullable (*_Nonnull join)(uint32_t thread, uintptr_t pc);
  /// Ends the calling thread. Does not return.
  void (*_Nonnull leave)(void *_Nullable result);

  /// Takes a lock: waits as long as its word holds 1, and makes it 1.
  void (*_Nonnull lock)(uintptr_t address, uintptr_t pc);
  /// The racer's last operation, a compare-exchange that lost, was a lock's first try: it is a taking of that lock, from then
  /// on wherever it comes by there. Returns only where it was something else.
  void (*_Nonnull lost_lock)(uintptr_t address, uintptr_t pc);
  /// Takes a readers-writer lock, or a share of it: its word counts readers, and has its highest bit where it is held alone.
  void (*_Nonnull rwlock)(uintptr_t address, int is_alone, uintptr_t pc);
  /// Reads a word, acquiring, and waits as long as its bits in `mask` are `value`.
  uint64_t (*_Nonnull await)(uintptr_t address, uint32_t size, uint64_t mask, uint64_t value, uintptr_t pc);
  /// The thread is in a loop that waits.
  void (*_Nonnull pause)(uintptr_t pc);
  /// One of 0 ... count - 1: each is explored.
  uint32_t (*_Nonnull choose)(uint32_t count, uintptr_t pc);

  /// Read-side sections and grace periods, by the address of their domain; NULL is RCU's.
  void (*_Nonnull section)(const void *_Nullable domain, int begins, uintptr_t pc);
  void (*_Nonnull grace_period)(const void *_Nullable domain, uintptr_t pc);

  /// The thread takes what one may not sleep with, or lets go of it; and what may sleep.
  void (*_Nonnull atomic_context)(int change);
  void (*_Nonnull may_sleep)(uintptr_t pc);

  /// Does not return.
  void (*_Nonnull fail)(uint32_t failure, const char *_Nonnull text, const char *_Nullable file, uint32_t line, uintptr_t pc);
  /// For the trace.
  void (*_Nonnull note)(const char *_Nonnull text, uintptr_t pc);
  /// A pointer of 8 bytes that is NULL at first, and that the program populates.
  void (*_Nonnull slot)(uintptr_t address, const char *_Nonnull name);

  /// Where dependencies are tracked: the labels of the address and the value of the access that comes next, and the reads,
  /// by their numbers, that a branch around it depends on.
  void (*_Nonnull depends)(uint32_t address, uint32_t data, uint64_t control);
  /// The label of the last read.
  uint32_t (*_Nonnull label)(void);
  /// The reads that a label stands for.
  uint64_t (*_Nonnull reads)(uint32_t label);
} addonrace_host;

// MARK: Dependencies

/// The labels of the byte at `a` are at `a` ^ this.
#define ADDONRACE_LABELS 0x500000000000ull

/// A block of a function: where the ways that part behind it join (its immediate post-dominator), how many ways there are,
/// the first of them, and whether a function begins here.
typedef struct addonrace_block {
  uint32_t join, ways, next, is_entry;
} addonrace_block;

enum { ADDONRACE_DEPTH = 128, ADDONRACE_NOWHERE = 0xffffffff };

/// Where a thread is: the block of each function that has not returned, and the branches whose ways have not joined.
typedef struct addonrace_control {
  uint32_t frames, branches;
  struct addonrace_place {
    uintptr_t address;
    uint32_t block;
  } frame[ADDONRACE_DEPTH];
  struct addonrace_branch {
    uint32_t depth, join;
    uint64_t reads;
    uint8_t label;
  } branch[ADDONRACE_DEPTH];
} addonrace_control;

/// A program's blocks as SanitizerCoverage has them: a guard each; its place, and 1 where a function begins; and lists of
/// places, each a block, what follows it, 0, what it calls, 0.
typedef struct addonrace_flow {
  uint32_t *_Nullable guards, *_Nullable guards_end;
  const uintptr_t *_Nullable places, *_Nullable places_end;
  const uintptr_t *_Nullable successors, *_Nullable successors_end;
} addonrace_flow;

// MARK: Code that is raced on real threads

/// Who serves the allocations, the locks and the sections of code that is raced. Each is called by the thread that it is
/// about.
typedef struct addonrace_race {
  void *_Nullable (*_Nonnull allocate)(size_t size, size_t alignment, int is_zeroed, int may_fail, uintptr_t pc);
  void (*_Nonnull release)(void *_Nonnull, uintptr_t pc);
  /// Of an allocation; 0 for anything else.
  size_t (*_Nonnull size)(void *_Nonnull);
  /// The thread takes a lock, or lets go of it: there a window only delays.
  void (*_Nonnull holds_lock)(int change);
  /// The same for a lock, or a section, that one may not sleep with.
  void (*_Nonnull atomic_context)(int change);
  void (*_Nonnull may_sleep)(uintptr_t pc);
  void (*_Nonnull section)(const void *_Nullable domain, int begins);
  void (*_Nonnull grace_period)(const void *_Nullable domain);
  /// Calls `body(argument)` when the thread is in no section.
  void (*_Nonnull defer)(void *_Nullable (*_Nonnull body)(void *_Nullable), void *_Nullable argument);
  uint32_t (*_Nonnull choose)(uint32_t count);
  void (*_Nonnull slot)(uintptr_t address, const char *_Nonnull name);
  /// Does not return.
  void (*_Nonnull fail)(uint32_t failure, const char *_Nonnull text, const char *_Nullable file, uint32_t line, uintptr_t pc);
} addonrace_race;

enum addonrace_mishap_kind {
  ADDONRACE_MISHAP_ASSERTION,
  ADDONRACE_MISHAP_CRASH,
  ADDONRACE_MISHAP_LEAK,
  /// A second free, a free of something else, a write to freed memory or beyond an allocation.
  ADDONRACE_MISHAP_BAD_ACCESS,
  ADDONRACE_MISHAP_ATOMIC_CONTEXT,
  /// Something that cannot be raced.
  ADDONRACE_MISHAP_UNSUPPORTED,
};

/// What went wrong in a run of a program.
typedef struct addonrace_mishap {
  uint32_t kind, thread;
  /// Where it was seen, and where the allocation that it is about was made; or 0.
  uintptr_t pc, allocated_at;
  uint64_t run;
  char text[248];
} addonrace_mishap;

/// How often allocations fail.
enum addonrace_refusals {
  ADDONRACE_NEVER,
  ADDONRACE_NTH,
  ADDONRACE_EVERY,
  /// The first in one run, the second in the next, and so on.
  ADDONRACE_EACH_IN_TURN,
  /// Any, with a probability of `n` / 2^32.
  ADDONRACE_PROBABILITY,
};

enum addonrace_program_end {
  ADDONRACE_END_TIME,
  ADDONRACE_END_ENOUGH,
  ADDONRACE_END_MISHAP,
  ADDONRACE_END_INTERRUPTED,
};

enum { ADDONRACE_MISHAPS = 8 };

/// A program that is run again and again: what its runner is told, and what it counts.
typedef struct addonrace_program {
  /// Functions. It begins with `main`, or else it has racers; the others may be NULL.
  void *_Nullable main, *_Nullable setup, *_Nullable check, *_Nullable teardown;
  void *_Nonnull *_Nullable racers;
  uint32_t racer_count;
  /// Its data and the image of its thread-local storage.
  uintptr_t data;
  size_t data_size;
  uintptr_t storage_image;
  size_t storage_file_size, storage_size;
  /// 0 natural, 1 widened, 2 forced.
  uint32_t shape;
  uint32_t processors;
  uint64_t seed;
  double seconds;
  /// Collisions that are enough.
  uint64_t enough;
  uint32_t refusals;
  uint64_t refusals_n;
  int32_t refused_racer;
  int checks;
  int (*_Nullable interrupted)(void);

  // What it counts: the runner alone writes these, and others read them while it runs.
  uint64_t runs, populations, collisions, losers, allocations, frees, refused;
  /// Threads of a run, and slots that it declared: the most that there were.
  uint32_t threads, slots;
  uint32_t end;
  uint32_t mishap_count;
  addonrace_mishap mishaps[ADDONRACE_MISHAPS];
} addonrace_program;

#endif
