// Included behind a user's racers: loops over many objects, compiled with them, so that a visit costs what it costs where
// it is called.
#ifndef ADDONRACE_LOOPS_H
#define ADDONRACE_LOOPS_H

#include <stdint.h>

/// The time stamp counter, read before all that follows, and after all that came before.
static inline __attribute__((always_inline)) uint64_t addonrace_ticks_before(void) {
#if defined(__x86_64__)
  uint32_t low, high;
  __asm__ volatile("rdtsc\n\tlfence" : "=a"(low), "=d"(high)::"memory");
  return (uint64_t)high << 32 | low;
#else
  uint64_t ticks;
  __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(ticks)::"memory");
  return ticks;
#endif
}
static inline __attribute__((always_inline)) uint64_t addonrace_ticks_after(void) {
#if defined(__x86_64__)
  uint32_t low, high;
  __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high)::"memory");
  return (uint64_t)high << 32 | low;
#else
  return addonrace_ticks_before();
#endif
}

/// `visit` is an expression with a `void *object`.
#define ADDONRACE_LOOPS(export, role, visit)                                                                  \
  export void addonrace_visits_##role(char *first, long spacing, long count, long passes) {                   \
    for (; passes > 0; passes--) {                                                                            \
      for (long number = 0; number < count; number++) {                                                       \
        void *object = first + number * spacing;                                                              \
        (void)object;                                                                                         \
        visit;                                                                                                \
      }                                                                                                       \
    }                                                                                                         \
  }                                                                                                           \
  export void addonrace_timed_##role(char *first, long spacing, long count, uint64_t *ticks) {                \
    for (long number = 0; number < count; number++) {                                                         \
      void *object = first + number * spacing;                                                                \
      (void)object;                                                                                           \
      uint64_t start = addonrace_ticks_before();                                                              \
      visit;                                                                                                  \
      ticks[number] = addonrace_ticks_after() - start;                                                        \
    }                                                                                                         \
  }

#endif
