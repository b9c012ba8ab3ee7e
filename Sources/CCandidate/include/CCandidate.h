/// The headers and the C that are compiled with a user's code, carried inside the binary, and what the explorer needs of
/// machine code.
#ifndef CCANDIDATE_H
#define CCANDIDATE_H

#include "addonrace_host.h"

/// A file that is compiled with a user's code, or that such code includes.
typedef struct ccandidate_file {
  /// Its path, as it is included.
  const char *_Nonnull path;
  const char *_Nonnull text;
} ccandidate_file;

/// The first of them; behind the last stands one whose path is empty.
const ccandidate_file *_Nonnull ccandidate_first_file(void);

/// Calls `main` of a program.
int ccandidate_call_main(void *_Nonnull function);

/// Calls what a thread begins with.
void *_Nullable ccandidate_call_body(void *_Nonnull function, void *_Nullable argument);

/// Calls a function without arguments.
void ccandidate_call(void *_Nonnull function);

/// Binds the hooks of a loaded program.
void ccandidate_bind(void *_Nonnull function, const addonrace_host *_Nullable host);

/// The control-flow graph of a loaded program whose dependencies are tracked.
const addonrace_flow *_Nonnull ccandidate_control_flow(void *_Nonnull function);

/// Tells such a program where its ways join, where its threads are, and where it is said whose number of a thread runs.
void ccandidate_track(
    void *_Nonnull function, const addonrace_block *_Nonnull blocks, addonrace_control *_Nonnull of_threads,
    const intptr_t *_Nullable const *_Nonnull thread);

/// Binds the runtime of a loaded program that is raced; NULL: its own runner serves it.
void ccandidate_bind_race(void *_Nonnull function, const addonrace_race *_Nullable race);

/// Runs a program that is loaded until something ends it.
void ccandidate_run_program(void *_Nonnull function, addonrace_program *_Nonnull program);

/// One visit of code that is raced: on the stack of whoever makes it, until its function returns.
typedef struct ccandidate_visit {
  void *_Nonnull state;
  uint64_t *_Nonnull entry;
  void *_Nullable fiber;
  uint32_t inode;
  /// Allocations that were asked for, and the number of the first that was got; -1 as long as there is none.
  uint32_t allocations;
  int64_t first_allocation;
  /// The object, as the function is told.
  uintptr_t object;
} ccandidate_visit;

/// The calling thread's: set again by whoever switches fibers.
extern _Thread_local ccandidate_visit *_Nullable ccandidate_visit_of_thread;

static inline __attribute__((always_inline)) ccandidate_visit *_Nullable ccandidate_current_visit(void) {
  return ccandidate_visit_of_thread;
}
static inline __attribute__((always_inline)) void ccandidate_set_visit(ccandidate_visit *_Nullable visit) {
  ccandidate_visit_of_thread = visit;
}

/// What a visit leaves.
typedef struct ccandidate_visited {
  int64_t first_allocation;
  uint32_t allocations;
} ccandidate_visited;

/// Calls a racer's function with its object.
static inline __attribute__((always_inline)) ccandidate_visited ccandidate_make_visit(
    void *_Nonnull function, uintptr_t object, void *_Nonnull state, uint64_t *_Nonnull entry, void *_Nullable fiber,
    uint32_t inode) {
  ccandidate_visit visit = {state, entry, fiber, inode, 0, -1, object};
  ccandidate_visit_of_thread = &visit;
  ((void (*)(uintptr_t))function)(object);
  return (ccandidate_visited){visit.first_allocation, visit.allocations};
}

/// Visits many objects, so many times over.
static inline void ccandidate_visits(void *_Nonnull function, void *_Nonnull first, long spacing, long count, long passes) {
  ((void (*)(void *, long, long, long))function)(first, spacing, count, passes);
}
/// Visits each once, and writes down how many ticks it took.
static inline void ccandidate_timed_visits(
    void *_Nonnull function, void *_Nonnull first, long spacing, long count, uint64_t *_Nonnull ticks) {
  ((void (*)(void *, long, long, uint64_t *))function)(first, spacing, count, ticks);
}
/// Calls a function with an object.
static inline void ccandidate_call_with(void *_Nonnull function, void *_Nonnull object) {
  ((void (*)(void *))function)(object);
}

/// What the calling thread's visits have asked for since it was last asked, where code is measured.
typedef struct ccandidate_counts {
  long allocations, frees, biggest;
} ccandidate_counts;
extern _Thread_local ccandidate_counts ccandidate_counts_of_thread;
static inline ccandidate_counts ccandidate_take_counts(void) {
  ccandidate_counts counts = ccandidate_counts_of_thread;
  ccandidate_counts_of_thread = (ccandidate_counts){0, 0, 0};
  return counts;
}
/// Serves code that is measured: the C library's heap, and nobody who looks.
const addonrace_race *_Nonnull ccandidate_measuring_server(void);

/// Calls `body(argument)`. Answers 0 where it was left in the middle, from whatever stack, by `ccandidate_escape`.
int ccandidate_protect(void (*_Nonnull body)(void *_Nullable), void *_Nullable argument);
/// Does not return.
void ccandidate_escape(void) __attribute__((noreturn));

/// Copies a stretch of a stack, redzones of sanitizers and all. `bytes` is a multiple of 8.
void ccandidate_copy_stack(void *_Nonnull to, const void *_Nonnull stack, size_t bytes);

/// Whether a stretch of a stack is as a copy has it.
int ccandidate_is_same_stack(const void *_Nonnull copy, const void *_Nonnull stack, size_t bytes);

/// A loaded object: its data that can be written, and the image of its thread-local storage.
typedef struct ccandidate_image {
  uintptr_t base;
  uintptr_t data;
  size_t data_size;
  uintptr_t tls;
  size_t tls_file_size, tls_size, tls_alignment;
} ccandidate_image;

/// Finds the object that an address lies in. Answers 0 where there is none.
int ccandidate_find_image(uintptr_t address, ccandidate_image *_Nonnull image);

#endif
