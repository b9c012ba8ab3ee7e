/// The processor's event counters, through perf_event_open: of the calling thread, in user mode.
#ifndef CCOUNTERS_H
#define CCOUNTERS_H

#include <stdint.h>

enum ccounters_event {
  /// Loads and stores that the last cache did not have.
  CCOUNTERS_CACHE_MISSES,
  /// The kernel's own count, which every machine has.
  CCOUNTERS_PAGE_FAULTS,
};

/// Starts to count. Returns a descriptor for the other functions, or the negative of an error number.
int ccounters_open(enum ccounters_event event);

/// Events since it was opened.
uint64_t ccounters_read(int counter);

void ccounters_close(int counter);

#endif
