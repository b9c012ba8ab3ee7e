/// Ways of C and C++ to make something on first use, each for many slots in a row.
///
/// Each has three functions, about `count` inodes that lie `spacing` bytes apart in zeroed memory, at least 64 bytes each:
/// `create` puts them into their first state, `visit` makes sure that each has its owner, `empty` frees all owners.
#ifndef CPEERS_H
#define CPEERS_H

#ifdef __cplusplus
extern "C" {
#endif

/// Blocks that some visits allocated, and those that they freed because they had lost.
struct cpeers_tally {
  long allocations;
  long losses;
};

#define CPEERS_DECLARE(name)                                                                                           \
  void cpeers_##name##_create(void *_Nonnull inodes, long spacing, long count);                                        \
  struct cpeers_tally cpeers_##name##_visit(void *_Nonnull inodes, long spacing, long count);                          \
  void cpeers_##name##_empty(void *_Nonnull inodes, long spacing, long count);

/// POSIX: pthread_once, a control word for each slot.
CPEERS_DECLARE(pthread_once)
/// POSIX: a mutex, taken by every visit.
CPEERS_DECLARE(pthread_mutex)
/// C++: std::call_once.
CPEERS_DECLARE(call_once)

/// C++: visits one function-local static so often.
void cpeers_local_static_visit(long count);

/// Looks at something, as far as the compiler knows, which may find everything changed afterwards.
static inline void cpeers_look(const void *_Nonnull something) { __asm__ volatile("" ::"r"(something) : "memory"); }

#ifdef __cplusplus
}
#endif
#endif
