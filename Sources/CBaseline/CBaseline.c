#include "CBaseline.h"

#include "CThreads.h"

#include <stdatomic.h>
#include <stdlib.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

struct addon {
  uint32_t lock;
  uint32_t padding;
  uint64_t value;
  void *inode;
};

static inline void visit(_Atomic(struct addon *) *slot, unsigned size, struct cbaseline_tally *tally) {
  // What there is to do where the slot is empty lies out of the way of the visits that find it populated.
  if (__builtin_expect(atomic_load_explicit(slot, memory_order_acquire) != NULL, 1)) return;
  struct addon *mine = calloc(1, size);
  if (!mine) return;
  tally->allocations++;
  mine->lock = 0x10c0;
  mine->inode = slot;
  struct addon *found = NULL;
  if (!atomic_compare_exchange_strong_explicit(slot, &found, mine, memory_order_acq_rel, memory_order_acquire)) {
    tally->losses++;
    free(mine);
  }
}

// Begins a cache line, wherever it is linked: so its loop lies in every binary as it does in this one.
__attribute__((aligned(64))) struct cbaseline_tally cbaseline_visit(void *inodes, long spacing, long count, unsigned size) {
  struct cbaseline_tally tally = {0};
  char *inode = inodes;
  // Four in a row, as the strategies' loop: where a loop of one or two cycles happens to lie would decide otherwise.
  for (char *end = inode + (count & ~3L) * spacing; inode != end;) {
    visit((void *)inode, size, &tally);
    visit((void *)(inode + spacing), size, &tally);
    visit((void *)(inode + 2 * spacing), size, &tally);
    visit((void *)(inode + 3 * spacing), size, &tally);
    inode += 4 * spacing;
  }
  for (count &= 3; count > 0; count--) {
    visit((void *)inode, size, &tally);
    inode += spacing;
  }
  return tally;
}

struct cbaseline_tally cbaseline_visit_timed(
    void *inodes, long spacing, long count, unsigned size, uint64_t *ticks) {
  struct cbaseline_tally tally = {0};
  for (long number = 0; number < count; number++) {
    uint64_t start = cthreads_ticks_before();
    visit((void *)((char *)inodes + number * spacing), size, &tally);
    ticks[number] = cthreads_ticks_after() - start;
  }
  return tally;
}

void cbaseline_empty(void *inodes, long spacing, long count) {
  for (long number = 0; number < count; number++) {
    _Atomic(struct addon *) *slot = (void *)((char *)inodes + number * spacing);
    free(atomic_load_explicit(slot, memory_order_relaxed));
    atomic_store_explicit(slot, NULL, memory_order_relaxed);
  }
}

void cbaseline_tidy_heap(void) {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}
