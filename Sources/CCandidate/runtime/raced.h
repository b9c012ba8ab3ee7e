// What the parts of the runtime of code that is raced know of each other.
#ifndef ADDONRACE_RACED_H
#define ADDONRACE_RACED_H

#include "addonrace_host.h"

#include <pthread.h>

#pragma GCC visibility push(hidden)

/// Who serves.
extern const addonrace_race *addonrace_server;
/// Who serves a program that is run again and again.
extern const addonrace_race addonrace_runner;


/// The calling thread is going to wait for another.
void addonrace_waits(void);

/// One turn of a loop that waits.
void addonrace_spin(unsigned turn);

static inline void addonrace_pause(void) {
#if defined(__x86_64__)
  __asm__ volatile("pause" ::: "memory");
#else
  __asm__ volatile("isb" ::: "memory");
#endif
}

#pragma GCC visibility pop

#endif
