/// What people write by hand for one lazy slot, in C11: what `addonrace bench` compares with.
#ifndef CBASELINE_H
#define CBASELINE_H

#include <stdint.h>

/// What some visits did: blocks that were allocated, and those of them that lost the race and were freed.
struct cbaseline_tally {
  long allocations;
  long losses;
};

/// Visits `count` inodes, `spacing` bytes apart, each with a slot at its first byte: an acquire load; where that is NULL,
/// a zeroed block of `size` bytes with its lock and its back pointer, and a compare-exchange. Losers free their block.
struct cbaseline_tally cbaseline_visit(void *_Nonnull inodes, long spacing, long count, unsigned size);

/// The same, and writes down how many ticks each visit took, the time stamps included.
struct cbaseline_tally cbaseline_visit_timed(
    void *_Nonnull inodes, long spacing, long count, unsigned size, uint64_t *_Nonnull ticks);

/// Frees what hangs off the slots, and empties them. Nobody else may be looking.
void cbaseline_empty(void *_Nonnull inodes, long spacing, long count);

/// Makes one piece again of what has been freed, where the C library can: what is allocated next lies side by side.
void cbaseline_tidy_heap(void);

#endif
