// Compiled with a program whose dependencies are tracked, and linked into it, hidden: what the passes of
// DataFlowSanitizer and SanitizerCoverage call. Values have labels, one bit for each of up to eight reads of a thread; the
// host knows which. A branch on a labelled value makes everything up to where its ways join depend on that.
#include "addonrace_host.h"

#pragma GCC visibility push(hidden)
extern const addonrace_host *addonrace_host_table;
#define host addonrace_host_table
#include "dependencies.h"

uint16_t addonrace_argument_labels[400];
uint16_t addonrace_result_label[400];

#define CALLER ((uintptr_t)__builtin_frame_address(1))

// MARK: Labels

static uint8_t *labels(const void *place) { return (uint8_t *)((uintptr_t)place ^ ADDONRACE_LABELS); }

void addonrace_copy_labels(void *to, const void *from, size_t size) {
  if (!host) return;
  __builtin_memmove(labels(to), labels(from), size);
}
void addonrace_set_labels(void *to, uint8_t label, size_t size) {
  if (host) __builtin_memset(labels(to), label, size);
}
uint8_t addonrace_label_of_read(void) { return host ? (uint8_t)host->label() : 0; }

__attribute__((visibility("default"))) void addonrace_clear_labels(void) {
  __builtin_memset(addonrace_argument_labels, 0, sizeof addonrace_argument_labels);
}

// MARK: The control-flow graph, as the compiler has left it

static addonrace_flow flow;
static const addonrace_block *blocks;
static addonrace_control *controls;
static const intptr_t *const *current;

__attribute__((visibility("default"))) const addonrace_flow *addonrace_control_flow(void) { return &flow; }

/// The host knows where ways join, and whose turn it is.
__attribute__((visibility("default"))) void addonrace_track(
    const addonrace_block *all, addonrace_control *of_threads, const intptr_t *const *thread) {
  blocks = all;
  controls = of_threads;
  current = thread;
}

void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *stop) {
  flow.guards = start;
  flow.guards_end = stop;
}
void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop) {
  flow.places = start;
  flow.places_end = stop;
}
void __sanitizer_cov_cfs_init(const uintptr_t *start, const uintptr_t *stop) {
  flow.successors = start;
  flow.successors_end = stop;
}

// MARK: Where a thread is

static addonrace_control *control(void) { return controls && *current ? &controls[**current] : 0; }

/// Forgets functions that have returned: frames of callers lie above. With `entered`, the frame itself is a new one.
static void forget(addonrace_control *c, uintptr_t frame, int entered) {
  while (c->frames && (c->frame[c->frames - 1].address < frame || (entered && c->frame[c->frames - 1].address == frame))) {
    c->frames--;
    while (c->branches && c->branch[c->branches - 1].depth == c->frames) c->branches--;
  }
}

void __sanitizer_cov_trace_pc_guard(uint32_t *guard) {
  addonrace_control *c = control();
  if (!c || !*guard) return;
  uint32_t block = *guard - 1;
  uintptr_t frame = CALLER;
  forget(c, frame, blocks[block].is_entry);
  if (!c->frames || c->frame[c->frames - 1].address != frame) {
    if (c->frames == ADDONRACE_DEPTH) return;
    c->frame[c->frames++].address = frame;
  }
  uint32_t depth = c->frames - 1;
  c->frame[depth].block = block;
  while (c->branches && c->branch[c->branches - 1].depth == depth && c->branch[c->branches - 1].join == block) c->branches--;
}

/// Of branches that come together in `join`, in the function at hand: what a value that is chosen there depends on.
uint8_t addonrace_chosen(void) {
  addonrace_control *c = control();
  if (!c || !c->frames || c->frame[c->frames - 1].address != CALLER) return 0;
  uint32_t join = blocks[c->frame[c->frames - 1].block].next;
  uint8_t label = 0;
  for (uint32_t i = c->branches; i-- > 0;) {
    if (c->branch[i].depth != c->frames - 1 || c->branch[i].join != join) break;
    label |= c->branch[i].label;
  }
  return label;
}

void __dfsan_conditional_callback(uint8_t label) {
  addonrace_control *c = control();
  if (!label || !c || !c->frames) return;
  uintptr_t frame = CALLER;
  forget(c, frame, 0);
  if (!c->frames) return;
  uint32_t depth = c->frames - 1, join = ADDONRACE_NOWHERE;
  if (c->frame[depth].address == frame) {
    const addonrace_block *block = &blocks[c->frame[depth].block];
    // A value is selected without a branch.
    if (block->ways < 2) return;
    join = block->join;
  }
  uint64_t reads = host->reads(label);
  if (!reads) return;
  if (c->branches && c->branch[c->branches - 1].depth == depth && c->branch[c->branches - 1].join == join) {
    c->branch[c->branches - 1].reads |= reads;
    c->branch[c->branches - 1].label |= label;
  } else if (c->branches < ADDONRACE_DEPTH) {
    c->branch[c->branches++] = (struct addonrace_branch){depth, join, reads, label};
  }
}

void addonrace_tell(uint8_t address, uint8_t data, uintptr_t frame) {
  addonrace_control *c = control();
  if (!c) return;
  uint64_t reads = 0;
  if (c->branches) {
    forget(c, frame, 0);
    for (uint32_t i = 0; i < c->branches; i++) reads |= c->branch[i].reads;
  }
  host->depends(address, data, reads);
}
