/// Atomic operations with named memory orderings over libatomic_ops, for 32 and 64 bits.
///
/// A name says operation, ordering on success, ordering on failure where there is one, and width:
/// `catomics_compare_exchange_acq_rel_acquire_64`. Every function is an always-inlined wrapper, so that the code that
/// imports it contains the instruction and no call.
///
/// libatomic_ops serves what it can serve *exactly*. Where its suffixes mean something else than the name here says
/// (its compare-exchange `_full` is acquire-release with an acquiring failure, its load and store `_full` add a
/// fence) or it has no such operation (exchange, fetch-or, a sequentially consistent compare-exchange, a failure
/// ordering of one's own), the compiler's `__atomic` builtins stand in: see "What libatomic_ops lacks".
#ifndef CATOMICS_H
#define CATOMICS_H

#include <stdint.h>

#ifdef AO_DISABLE_GCC_ATOMICS
#error "AO_DISABLE_GCC_ATOMICS turns libatomic_ops into inline assembly, which ThreadSanitizer cannot see."
#endif
#include <atomic_ops.h>

_Static_assert(sizeof(AO_t) == 8, "CAtomics is for 64-bit machines");
_Static_assert(sizeof(unsigned int) == 4, "AO_int_ operations must be 32 bits wide");

#define CATOMICS_INLINE static inline __attribute__((always_inline))

// MARK: What libatomic_ops has

#define CATOMICS_FROM_LIBRARY(width, type, word, AO)                                                                  \
  CATOMICS_INLINE type catomics_load_relaxed_##width(const volatile type *_Nonnull p) {                               \
    return (type)AO##load((const volatile word *)p);                                                                  \
  }                                                                                                                   \
  CATOMICS_INLINE type catomics_load_acquire_##width(const volatile type *_Nonnull p) {                               \
    return (type)AO##load_acquire((const volatile word *)p);                                                          \
  }                                                                                                                   \
  CATOMICS_INLINE void catomics_store_relaxed_##width(volatile type *_Nonnull p, type value) {                        \
    AO##store((volatile word *)p, (word)value);                                                                       \
  }                                                                                                                   \
  CATOMICS_INLINE void catomics_store_release_##width(volatile type *_Nonnull p, type value) {                        \
    AO##store_release((volatile word *)p, (word)value);                                                               \
  }                                                                                                                   \
  CATOMICS_INLINE type catomics_compare_exchange_relaxed_relaxed_##width(                                             \
      volatile type *_Nonnull p, type expected, type desired) {                                                       \
    return (type)AO##fetch_compare_and_swap((volatile word *)p, (word)expected, (word)desired);                       \
  }                                                                                                                   \
  CATOMICS_INLINE type catomics_compare_exchange_acquire_acquire_##width(                                             \
      volatile type *_Nonnull p, type expected, type desired) {                                                       \
    return (type)AO##fetch_compare_and_swap_acquire((volatile word *)p, (word)expected, (word)desired);               \
  }                                                                                                                   \
  CATOMICS_INLINE type catomics_compare_exchange_release_relaxed_##width(                                             \
      volatile type *_Nonnull p, type expected, type desired) {                                                       \
    return (type)AO##fetch_compare_and_swap_release((volatile word *)p, (word)expected, (word)desired);               \
  }                                                                                                                   \
  CATOMICS_INLINE type catomics_compare_exchange_acq_rel_acquire_##width(                                             \
      volatile type *_Nonnull p, type expected, type desired) {                                                       \
    return (type)AO##fetch_compare_and_swap_full((volatile word *)p, (word)expected, (word)desired);                  \
  }                                                                                                                   \
  CATOMICS_INLINE type catomics_fetch_add_relaxed_##width(volatile type *_Nonnull p, type value) {                    \
    return (type)AO##fetch_and_add((volatile word *)p, (word)value);                                                  \
  }                                                                                                                   \
  CATOMICS_INLINE type catomics_fetch_add_acquire_##width(volatile type *_Nonnull p, type value) {                    \
    return (type)AO##fetch_and_add_acquire((volatile word *)p, (word)value);                                          \
  }                                                                                                                   \
  CATOMICS_INLINE type catomics_fetch_add_release_##width(volatile type *_Nonnull p, type value) {                    \
    return (type)AO##fetch_and_add_release((volatile word *)p, (word)value);                                          \
  }                                                                                                                   \
  CATOMICS_INLINE type catomics_fetch_add_seq_cst_##width(volatile type *_Nonnull p, type value) {                    \
    return (type)AO##fetch_and_add_full((volatile word *)p, (word)value);                                             \
  }

CATOMICS_FROM_LIBRARY(32, uint32_t, unsigned int, AO_int_)
CATOMICS_FROM_LIBRARY(64, uint64_t, AO_t, AO_)

// MARK: What libatomic_ops lacks

#define CATOMICS_LOAD_STORE(width, type)                                                                              \
  CATOMICS_INLINE type catomics_load_seq_cst_##width(const volatile type *_Nonnull p) {                               \
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                                                      \
  }                                                                                                                   \
  CATOMICS_INLINE void catomics_store_seq_cst_##width(volatile type *_Nonnull p, type value) {                        \
    __atomic_store_n(p, value, __ATOMIC_SEQ_CST);                                                                     \
  }

/// Strong and weak compare-exchange. The strong one returns the value that it found; the weak one, which may fail
/// although it found `*expected`, returns whether it wrote and updates `*expected`.
#define CATOMICS_COMPARE_EXCHANGE(width, type, name, success, failure)                                                \
  CATOMICS_INLINE type catomics_compare_exchange_##name##_##width(                                                    \
      volatile type *_Nonnull p, type expected, type desired) {                                                       \
    __atomic_compare_exchange_n(p, &expected, desired, 0, success, failure);                                          \
    return expected;                                                                                                  \
  }

#define CATOMICS_COMPARE_EXCHANGE_WEAK(width, type, name, success, failure)                                           \
  CATOMICS_INLINE _Bool catomics_compare_exchange_weak_##name##_##width(                                              \
      volatile type *_Nonnull p, type *_Nonnull expected, type desired) {                                             \
    return __atomic_compare_exchange_n(p, expected, desired, 1, success, failure);                                    \
  }

#define CATOMICS_READ_MODIFY_WRITE(width, type, ordering, constant)                                                   \
  CATOMICS_INLINE type catomics_exchange_##ordering##_##width(volatile type *_Nonnull p, type value) {                \
    return __atomic_exchange_n(p, value, constant);                                                                   \
  }                                                                                                                   \
  CATOMICS_INLINE type catomics_fetch_or_##ordering##_##width(volatile type *_Nonnull p, type value) {                \
    return __atomic_fetch_or(p, value, constant);                                                                     \
  }                                                                                                                   \
  CATOMICS_INLINE type catomics_fetch_and_##ordering##_##width(volatile type *_Nonnull p, type value) {               \
    return __atomic_fetch_and(p, value, constant);                                                                    \
  }

/// The kernel's `cmpxchg`: a full barrier on both sides when it succeeds, no ordering when it fails.
/// On x86-64 `lock cmpxchg` is that barrier by itself (and is one on failure too: stronger than asked).
/// Elsewhere fences stand around a relaxed compare-exchange; the one before it is also run when it then fails.
#if defined(__x86_64__)
#define CATOMICS_FULL(width, type)                                                                                    \
  CATOMICS_INLINE type catomics_compare_exchange_full_##width(                                                        \
      volatile type *_Nonnull p, type expected, type desired) {                                                       \
    return catomics_compare_exchange_acq_rel_relaxed_##width(p, expected, desired);                                   \
  }                                                                                                                   \
  CATOMICS_INLINE type catomics_exchange_full_##width(volatile type *_Nonnull p, type value) {                        \
    return catomics_exchange_acq_rel_##width(p, value);                                                               \
  }
#else
#define CATOMICS_FULL(width, type)                                                                                    \
  CATOMICS_INLINE type catomics_compare_exchange_full_##width(                                                        \
      volatile type *_Nonnull p, type expected, type desired) {                                                       \
    __atomic_thread_fence(__ATOMIC_SEQ_CST);                                                                          \
    type found = catomics_compare_exchange_relaxed_relaxed_##width(p, expected, desired);                             \
    if (found == expected) __atomic_thread_fence(__ATOMIC_SEQ_CST);                                                   \
    return found;                                                                                                     \
  }                                                                                                                   \
  CATOMICS_INLINE type catomics_exchange_full_##width(volatile type *_Nonnull p, type value) {                        \
    __atomic_thread_fence(__ATOMIC_SEQ_CST);                                                                          \
    type found = catomics_exchange_relaxed_##width(p, value);                                                         \
    __atomic_thread_fence(__ATOMIC_SEQ_CST);                                                                          \
    return found;                                                                                                     \
  }
#endif

#define CATOMICS_FROM_COMPILER(width, type)                                                                           \
  CATOMICS_LOAD_STORE(width, type)                                                                                    \
  CATOMICS_COMPARE_EXCHANGE(width, type, acquire_relaxed, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)                         \
  CATOMICS_COMPARE_EXCHANGE(width, type, release_acquire, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE)                         \
  CATOMICS_COMPARE_EXCHANGE(width, type, relaxed_acquire, __ATOMIC_RELAXED, __ATOMIC_ACQUIRE)                         \
  CATOMICS_COMPARE_EXCHANGE(width, type, acq_rel_relaxed, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)                         \
  CATOMICS_COMPARE_EXCHANGE(width, type, seq_cst_relaxed, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)                         \
  CATOMICS_COMPARE_EXCHANGE(width, type, seq_cst_acquire, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE)                         \
  CATOMICS_COMPARE_EXCHANGE(width, type, seq_cst_seq_cst, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)                         \
  CATOMICS_COMPARE_EXCHANGE_WEAK(width, type, acq_rel_acquire, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)                    \
  CATOMICS_READ_MODIFY_WRITE(width, type, relaxed, __ATOMIC_RELAXED)                                                  \
  CATOMICS_READ_MODIFY_WRITE(width, type, acquire, __ATOMIC_ACQUIRE)                                                  \
  CATOMICS_READ_MODIFY_WRITE(width, type, release, __ATOMIC_RELEASE)                                                  \
  CATOMICS_READ_MODIFY_WRITE(width, type, acq_rel, __ATOMIC_ACQ_REL)                                                  \
  CATOMICS_READ_MODIFY_WRITE(width, type, seq_cst, __ATOMIC_SEQ_CST)                                                  \
  CATOMICS_INLINE type catomics_fetch_add_acq_rel_##width(volatile type *_Nonnull p, type value) {                    \
    return __atomic_fetch_add(p, value, __ATOMIC_ACQ_REL);                                                            \
  }                                                                                                                   \
  CATOMICS_FULL(width, type)

CATOMICS_FROM_COMPILER(32, uint32_t)
CATOMICS_FROM_COMPILER(64, uint64_t)

CATOMICS_INLINE void catomics_fence_acquire(void) { __atomic_thread_fence(__ATOMIC_ACQUIRE); }
CATOMICS_INLINE void catomics_fence_release(void) { __atomic_thread_fence(__ATOMIC_RELEASE); }
CATOMICS_INLINE void catomics_fence_acq_rel(void) { __atomic_thread_fence(__ATOMIC_ACQ_REL); }
CATOMICS_INLINE void catomics_fence_seq_cst(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

#endif
