/// What people write by hand for one lazy slot, in C11: what `addonrace bench` compares with.
#ifndef CBASELINE_H
#define CBASELINE_H

#include <stdint.h>

/// Visits `count` inodes, `spacing` bytes apart, each with a slot at its first byte: an acquire load; where that is NULL,
/// a zeroed block of `size` bytes with its lock and its back pointer, and a compare-exchange. Losers free their block.
/// Returns how many blocks it allocated.
long cbaseline_visit(void *_Nonnull inodes, long spacing, long count, unsigned size);

/// Frees what hangs off the slots, and empties them. Nobody else may be looking.
void cbaseline_empty(void *_Nonnull inodes, long spacing, long count);

#endif
