// Compiled with code that is raced on real threads, and linked into it, hidden: the heap of a program that is run again and
// again. Each thread takes from an arena of its own, and nothing comes again within a run.
#define _GNU_SOURCE
#include "program.h"

#pragma GCC visibility push(hidden)

block *addonrace_block_at(const worker *w, uint32_t number) { return (block *)(w->arena + w->blocks[number]); }

/// Whose arena an address lies in.
static worker *owner_of(uintptr_t address) {
  uintptr_t number = (address - (uintptr_t)all->arenas) / ARENA;
  return address >= (uintptr_t)all->arenas && number < all->made ? all->workers[number] : 0;
}

/// The block that an address lies in, or right behind.
block *addonrace_block_of(uintptr_t address) {
  worker *w = owner_of(address);
  if (!w) return 0;
  uint32_t offset = (uint32_t)(address - (uintptr_t)w->arena), low = 0, high = w->block_count;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (w->blocks[middle] <= offset) low = middle + 1;
    else high = middle;
  }
  if (low == 0) return 0;
  block *b = addonrace_block_at(w, low - 1);
  return address - (uintptr_t)(b + 1) <= b->size ? b : 0;
}

static int is_refused(worker *w) {
  const addonrace_program *program = all->program;
  uint64_t n = program->refusals_n;
  w->attempts++;
  if (program->refused_racer >= 0 && program->refused_racer != (int)w->number) return 0;
  switch (program->refusals) {
    case ADDONRACE_NTH: return w->attempts == n;
    case ADDONRACE_EVERY: return w->attempts % n == 0;
    case ADDONRACE_EACH_IN_TURN: return w->attempts == 1 + all->run % 8;
    case ADDONRACE_PROBABILITY: return next_random(w) >> 32 < n;
    default: return 0;
  }
}

/// Waits for a while until every thread of the run has come to an allocation, or to its end.
static void meet(worker *w) {
  __atomic_store_n(&w->has_arrived, 1, __ATOMIC_RELAXED);
  uint32_t count = __atomic_load_n(&all->started, __ATOMIC_RELAXED);
  for (unsigned turn = 0; turn < 2000; turn++) {
    int all_here = 1;
    for (uint32_t i = 1; i < count; i++) {
      if (!__atomic_load_n(&all->workers[i]->has_arrived, __ATOMIC_RELAXED)) all_here = 0;
    }
    if (all_here) return;
    if (all->spins) addonrace_pause();
    else sched_yield(), turn += 50;
  }
}

static void window(worker *w) {
  if (w->allocations || w->locks || all->program->shape == 0) return;
  if (all->program->shape == 2) meet(w);
  else if (!all->spins) sched_yield();
  else delay(next_random(w) & 511);
}

void *addonrace_heap_allocate(size_t size, size_t alignment, int is_zeroed, int may_fail, uintptr_t pc) {
  worker *w = me;
  if (!w || !all) return NULL;
  window(w);
  if (may_fail && all->program->refusals && is_refused(w)) {
    __atomic_fetch_add(&all->program->refused, 1, __ATOMIC_RELAXED);
    return NULL;
  }
  if (alignment < 16) alignment = 16;
  size_t start = (w->used + sizeof(block) + alignment - 1) & ~(alignment - 1);
  if (size > ARENA || start + size + sizeof canary > ARENA || w->block_count == BLOCKS) {
    addonrace_fail(ADDONRACE_UNSUPPORTED, "a thread allocates more than 16 MB, or 65,536 times, in one run", 0, 0, pc);
  }
  block *b = (block *)(w->arena + start) - 1;
  b->size = (uint32_t)size;
  b->allocated_at = pc;
  __atomic_store_n(&b->state, ALIVE, __ATOMIC_RELAXED);
  w->used = start + size + sizeof canary;
  w->blocks[w->block_count++] = (uint32_t)((char *)b - w->arena);
  w->allocations++;
  char *memory = (char *)(b + 1);
  if (is_zeroed) memset(memory, 0, size);
  else memset(memory, unwritten_byte, size < FILLED ? size : FILLED);
  memcpy(memory + size, &canary, sizeof canary);
  return memory;
}

int addonrace_is_whole(const block *b) { return memcmp((const char *)(b + 1) + b->size, &canary, sizeof canary) == 0; }

void addonrace_heap_release(void *p, uintptr_t pc) {
  if (!all || !all->program) return;
  block *b = owner_of((uintptr_t)p) ? (block *)p - 1 : 0;
  if (b && (uintptr_t)p % 16) b = 0;
  uint32_t state = b ? __atomic_load_n(&b->state, __ATOMIC_RELAXED) : 0;
  if (state == ALIVE) state = __atomic_exchange_n(&b->state, FREED, __ATOMIC_RELAXED);
  if (state == FREED) {
    addonrace_note_block(ADDONRACE_MISHAP_BAD_ACCESS, b, pc, "%u bytes are freed a second time");
  } else if (state != ALIVE) {
    addonrace_note_mishap(ADDONRACE_MISHAP_BAD_ACCESS, 0, pc, "something is freed that was never allocated");
  } else {
    if (!addonrace_is_whole(b)) addonrace_note_block(ADDONRACE_MISHAP_BAD_ACCESS, b, pc, "something was written behind %u bytes");
    memset(p, freed_byte, b->size < FILLED ? b->size : FILLED);
  }
}

size_t addonrace_heap_size(void *p) {
  return owner_of((uintptr_t)p) ? ((block *)p - 1)->size : 0;
}
