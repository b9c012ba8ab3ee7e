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
  uintptr_t registers[12];
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
} addonrace_host;

#endif
