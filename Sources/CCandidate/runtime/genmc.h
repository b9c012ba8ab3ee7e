// The names that public test programs for model checkers use.
#ifndef ADDONRACE_GENMC_H
#define ADDONRACE_GENMC_H

#include <pthread.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int __VERIFIER_thread_t;
void __VERIFIER_assume(int holds);
void __VERIFIER_assert(int holds);
void __VERIFIER_error(void);
int __VERIFIER_nondet_int(void);
bool __VERIFIER_nondet_bool(void);
void __VERIFIER_loop_begin(void);
void __VERIFIER_loop_bound(int bound);
void __VERIFIER_spin_start(void);
void __VERIFIER_spin_end(int ends);
void __VERIFIER_atomic_begin(void);
void __VERIFIER_atomic_end(void);
int __VERIFIER_thread_create(const void *attributes, void *(*body)(void *), void *argument);
void *__VERIFIER_thread_join(int name);
int __VERIFIER_thread_self(void);
static inline int __VERIFIER_spawn(void *(*body)(void *), void *argument) {
  return __VERIFIER_thread_create(0, body, argument);
}
static inline int __VERIFIER_spawn_symmetric(void *(*body)(void *), void *argument, int like) {
  (void)like;
  return __VERIFIER_thread_create(0, body, argument);
}
static inline void *__VERIFIER_join(int name) { return __VERIFIER_thread_join(name); }
static inline void __VERIFIER_join_symmetric(int name) { __VERIFIER_thread_join(name); }

#ifdef __cplusplus
}
#endif

#define __VERIFIER_local_write(statement) do { statement; } while (0)
#define __VERIFIER_final_write(statement) do { statement; } while (0)
#define __VERIFIER_speculative_read(value) (value)
#define __VERIFIER_confirming_read(value) (value)

#endif
