#include "CBaseline.h"

#include <stdatomic.h>
#include <stdlib.h>

struct addon {
  uint32_t lock;
  uint32_t padding;
  uint64_t value;
  void *inode;
};

static long visit(_Atomic(struct addon *) *slot, unsigned size) {
  if (atomic_load_explicit(slot, memory_order_acquire)) return 0;
  struct addon *mine = calloc(1, size);
  if (!mine) return 0;
  mine->lock = 0x10c0;
  mine->inode = slot;
  struct addon *found = NULL;
  if (!atomic_compare_exchange_strong_explicit(slot, &found, mine, memory_order_acq_rel, memory_order_acquire)) {
    free(mine);
  }
  return 1;
}

long cbaseline_visit(void *inodes, long spacing, long count, unsigned size) {
  long allocations = 0;
  for (long number = 0; number < count; number++) {
    allocations += visit((void *)((char *)inodes + number * spacing), size);
  }
  return allocations;
}

void cbaseline_empty(void *inodes, long spacing, long count) {
  for (long number = 0; number < count; number++) {
    _Atomic(struct addon *) *slot = (void *)((char *)inodes + number * spacing);
    free(atomic_load_explicit(slot, memory_order_relaxed));
    atomic_store_explicit(slot, NULL, memory_order_relaxed);
  }
}
