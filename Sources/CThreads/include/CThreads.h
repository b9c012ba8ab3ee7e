/// What Swift cannot reach of threads: pinning, processor hints, waiting on a futex, a child's ties to its parent.
#ifndef CTHREADS_H
#define CTHREADS_H

#include <stdint.h>

#define CTHREADS_INLINE static inline __attribute__((always_inline))

/// Tells the processor that this is a spin loop.
CTHREADS_INLINE void cthreads_pause(void) {
#if defined(__x86_64__)
  __asm__ volatile("pause" ::: "memory");
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");
#endif
}

/// One instruction of delay that no compiler removes.
CTHREADS_INLINE void cthreads_nop(void) { __asm__ volatile("nop"); }

/// What follows begins a cache line of code, wherever it is linked: a loop of a few cycles is as fast in every binary.
CTHREADS_INLINE void cthreads_begin_line_of_code(void) { __asm__ volatile(".p2align 6"); }

/// Nothing that follows begins before all that came before is done.
CTHREADS_INLINE void cthreads_serialize(void) {
#if defined(__x86_64__)
  __asm__ volatile("lfence" ::: "memory");
#elif defined(__aarch64__)
  __asm__ volatile("dsb ish\n\tisb" ::: "memory");
#endif
}

/// Sets bits of a word that only this thread writes, by one store of the whole word. (A compiler makes a store of one byte
/// of it, and a load of the word that follows waits until that has left the store buffer.)
CTHREADS_INLINE void cthreads_set_bits(uint64_t *_Nonnull word, uint64_t bits) {
  *(volatile uint64_t *)word = *word | bits;
}

/// Asks for the line at `address`, to write there. (Compilers make a plain prefetch of it unless told of the processor.)
CTHREADS_INLINE void cthreads_prefetch_write(const void *_Nonnull address) {
#if defined(__x86_64__)
  __asm__ volatile("prefetchw (%0)" : : "r"(address));
#else
  __builtin_prefetch(address, 1, 3);
#endif
}

/// Asks for the line at `address`, to read it.
CTHREADS_INLINE void cthreads_prefetch_read(const void *_Nonnull address) { __builtin_prefetch(address, 0, 3); }

/// The time stamp counter, read before anything that follows, in ticks that all processors share.
CTHREADS_INLINE uint64_t cthreads_ticks_before(void) {
#if defined(__x86_64__)
  uint32_t low, high;
  __asm__ volatile("rdtsc\n\tlfence" : "=a"(low), "=d"(high)::"memory");
  return (uint64_t)high << 32 | low;
#elif defined(__aarch64__)
  uint64_t ticks;
  __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(ticks)::"memory");
  return ticks;
#endif
}

/// The same, read after everything that came before.
CTHREADS_INLINE uint64_t cthreads_ticks_after(void) {
#if defined(__x86_64__)
  uint32_t low, high;
  __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high)::"memory");
  return (uint64_t)high << 32 | low;
#else
  return cthreads_ticks_before();
#endif
}

/// The number of processors that this process may run on.
int cthreads_processor_count(void);

/// Confines the calling thread to the `index`-th (modulo their number) of the processors that this process may use.
/// Returns 0, or an error number.
int cthreads_pin(int index);

/// Lets the calling thread run wherever the process may again.
void cthreads_unpin(void);

/// Asks for huge pages where these bytes are touched for the first time; `memory` begins a page. There may be none.
void cthreads_prefer_huge_pages(void *_Nonnull memory, long bytes);

/// Gives the rest of the time slice away.
void cthreads_yield(void);

/// Names the calling thread (15 characters at most), for debuggers and `top -H`.
void cthreads_name(const char *_Nonnull name);

/// Sleeps while `*word == value`, at most `milliseconds`.
void cthreads_futex_wait(const uint32_t *_Nonnull word, uint32_t value, int milliseconds);

/// Wakes every thread that sleeps on `word`.
void cthreads_futex_wake_all(const uint32_t *_Nonnull word);

/// The same between processes, for a word in memory that they share.
void cthreads_shared_wait(const uint32_t *_Nonnull word, uint32_t value, int milliseconds);
void cthreads_shared_wake_all(const uint32_t *_Nonnull word);

/// Asks the kernel to kill this process when its parent dies. Returns 0 if the parent is already gone.
int cthreads_die_with_parent(int parent);

/// A copy of this process, which dies with it: answers its number, and 0 in the copy; -1 where there is none. For processes of
/// one thread.
int cthreads_fork(void);

/// Waits for the end of what `cthreads_fork` answered, and passes interrupts on to it. Answers its status, as waitpid(2)
/// gives it.
int cthreads_await_copy(int copy);

/// From now on SIGINT and SIGTERM only set a flag, which `cthreads_interrupted` reads. Unless `second_ends` is 0, the second of
/// them ends the process at once, with status 130. SIGCONT is caught too, for `cthreads_running_seconds`.
void cthreads_catch_interrupts(int second_ends);
int cthreads_interrupted(void);

/// Seconds of the monotonic clock for which this process was not stopped (Ctrl-Z, SIGSTOP), once interrupts are caught. A stop
/// is known to within the time since somebody asked before, and from 0.2 s on.
double cthreads_running_seconds(void);

/// Makes this process one of its parent's process group: a terminal then stops, continues and interrupts both. Returns 0, or -1.
int cthreads_join_parents_group(void);

/// Creates an anonymous shared file of `size` bytes; returns its descriptor (closed on exec), or -1.
int cthreads_shared_file(const char *_Nonnull name, long size);

/// Which sanitizer this binary was built with: 0 none, 1 ThreadSanitizer, 2 AddressSanitizer.
int cthreads_sanitizer(void);

#endif
