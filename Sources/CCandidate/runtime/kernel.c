// Compiled with kernel code that is explored, and linked into it, hidden: what <addonrace/kernel.h> calls.
#include "addonrace_host.h"

#include <stdbool.h>

#define PC ((uintptr_t)__builtin_return_address(0))

#pragma GCC visibility push(hidden)

extern const addonrace_host *addonrace_host_table;
#define host addonrace_host_table
#include "dependencies.h"
#ifndef ADDONRACE_RACED
extern addonrace_frame addonrace_entry;

#include "addonrace_entry.h"

NOTING_ENTRY(addonrace_kernel_load)
uint64_t addonrace_addonrace_kernel_load(const volatile void *place, uint32_t size, uint32_t order) {
  TELL_ADDRESS_AT_ENTRY(0);
  return LABELLED(uint64_t, host->load((uintptr_t)place, size, order, &addonrace_entry));
}
NOTING_ENTRY(addonrace_kernel_store)
void addonrace_addonrace_kernel_store(volatile void *place, uint32_t size, uint64_t value, uint32_t order) {
  TELL_AT_ENTRY(0, 2);
  host->store((uintptr_t)place, size, value, order, &addonrace_entry);
}
NOTING_ENTRY(addonrace_kernel_update)
uint64_t addonrace_addonrace_kernel_update(
    volatile void *place, uint32_t size, uint32_t kind, uint64_t operand, uint64_t expected, uint32_t order,
    uint32_t failure) {
  TELL_AT_ENTRY(0, 3);
  return LABELLED(
      uint64_t, host->update((uintptr_t)place, size, kind, operand, expected, order, failure, &addonrace_entry));
}
void addonrace_kernel_fence(uint32_t order) { host->fence(order, PC); }
#endif
void addonrace_kernel_relax(void) { host->pause(PC); }

// MARK: Locks

void addonrace_kernel_may_sleep(void) { host->may_sleep(PC); }

void addonrace_kernel_lock(volatile void *word, int may_sleep) {
  TELL(0);
  if (may_sleep) host->may_sleep(PC);
  host->lock((uintptr_t)word, PC);
  if (!may_sleep) host->atomic_context(1);
}
bool addonrace_kernel_trylock(volatile void *word, int may_sleep) {
  TELL(0);
  bool won = host->update(
                 (uintptr_t)word, 4, ADDONRACE_COMPARE_EXCHANGE, 1, 0, ADDONRACE_ACQUIRE, ADDONRACE_RELAXED,
                 &(addonrace_frame){.pc = PC}) == 0;
  if (won && !may_sleep) host->atomic_context(1);
  return LABELLED(bool, won);
}
void addonrace_kernel_unlock(volatile void *word, int may_sleep) {
  TELL(0);
  if (!may_sleep) host->atomic_context(-1);
  host->store((uintptr_t)word, 4, 0, ADDONRACE_RELEASE, &(addonrace_frame){.pc = PC});
}

void addonrace_kernel_rwlock(volatile void *word, int is_writer) {
  TELL(0);
  host->rwlock((uintptr_t)word, is_writer, PC);
  host->atomic_context(1);
}
void addonrace_kernel_rwunlock(volatile void *word, int is_writer) {
  TELL(0);
  host->atomic_context(-1);
  if (is_writer) {
    host->store((uintptr_t)word, 4, 0, ADDONRACE_RELEASE, &(addonrace_frame){.pc = PC});
  } else {
    host->update(
        (uintptr_t)word, 4, ADDONRACE_ADD, (uint32_t)-1, 0, ADDONRACE_RELEASE, ADDONRACE_RELEASE,
        &(addonrace_frame){.pc = PC});
  }
}
void addonrace_kernel_wait(volatile void *word, uint32_t value) {
  TELL(0);
  host->await((uintptr_t)word, 4, ~0u, value, PC);
}

// MARK: Read-side sections and grace periods

void addonrace_kernel_section(const void *domain, int begins) {
  // Who is in a section of RCU may not sleep; SRCU's readers may.
  if (!domain) host->atomic_context(begins ? 1 : -1);
  host->section(domain, begins, PC);
}
void addonrace_kernel_grace_period(const void *domain) { host->grace_period(domain, PC); }

struct head {
  struct head *next;
  void (*function)(struct head *);
};

/// What waits for a grace period is a thread of its own.
#ifdef ADDONRACE_TRACKED
__attribute__((visibility("default"))) void addonrace_clear_labels(void);
#else
static void addonrace_clear_labels(void) {}
#endif
static void *addonrace_deferred_call(void *head) {
  host->grace_period(0, (uintptr_t)addonrace_deferred_call);
  addonrace_clear_labels();
  ((struct head *)head)->function(head);
  return 0;
}
static void *addonrace_deferred_call_trace(void *head) {
  host->grace_period((const void *)1, (uintptr_t)addonrace_deferred_call_trace);
  addonrace_clear_labels();
  ((struct head *)head)->function(head);
  return 0;
}
static void *addonrace_deferred_free(void *pointer) {
  host->grace_period(0, (uintptr_t)addonrace_deferred_free);
  host->release(pointer, (uintptr_t)addonrace_deferred_free);
  return 0;
}
void addonrace_kernel_defer(const void *domain, void *head, void (*function)(void *)) {
  (void)function;
  if ((uintptr_t)domain > 1) host->fail(ADDONRACE_UNSUPPORTED, "call_srcu()", 0, 0, PC);
  host->create(domain ? addonrace_deferred_call_trace : addonrace_deferred_call, head, 1, PC);
}
void addonrace_kernel_defer_free(void *pointer) {
  if (pointer) host->create(addonrace_deferred_free, pointer, 1, PC);
}

// MARK: Memory, and ends

void *addonrace_kernel_allocate(size_t size, unsigned flags, int is_zeroed) {
  enum { RECLAIM = 0x400, NOFAIL = 0x8000 };
  if (flags & RECLAIM) host->may_sleep(PC);
  return (flags & NOFAIL ? host->allocate_surely : host->allocate)(size, 16, is_zeroed, PC);
}
void addonrace_kernel_free(const void *pointer) {
  if (pointer && (uintptr_t)pointer < (uintptr_t)-4095) host->release((void *)pointer, PC);
}
void addonrace_kernel_bug(const char *text, const char *file, uint32_t line) {
  host->fail(ADDONRACE_ASSERTION, text, file, line, PC);
}
