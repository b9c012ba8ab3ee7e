#define _GNU_SOURCE
#include "CCandidate.h"

#include <link.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#pragma clang diagnostic ignored "-Wc23-extensions"

static const char host_text[] = {
#embed "include/addonrace_host.h"
    , 0};
static const char hooks_text[] = {
#embed "runtime/hooks.c"
    , 0};
static const char threads_text[] = {
#embed "runtime/threads.c"
    , 0};
static const char library_text[] = {
#embed "runtime/library.c"
    , 0};
static const char raced_text[] = {
#embed "runtime/raced.c"
    , 0};
static const char raced_header[] = {
#embed "runtime/raced.h"
    , 0};
static const char program_text[] = {
#embed "runtime/program.c"
    , 0};
static const char program_header[] = {
#embed "runtime/program.h"
    , 0};
static const char program_heap[] = {
#embed "runtime/program_heap.c"
    , 0};
static const char program_threads[] = {
#embed "runtime/program_threads.c"
    , 0};
static const char loops_text[] = {
#embed "runtime/addonrace_loops.h"
    , 0};
static const char heap_text[] = {
#embed "runtime/heap.c"
    , 0};
static const char entry_text[] = {
#embed "runtime/addonrace_entry.h"
    , 0};
static const char kernel_code[] = {
#embed "runtime/kernel.c"
    , 0};
static const char dependencies_code[] = {
#embed "runtime/dependencies.c"
    , 0};
static const char dependencies_header[] = {
#embed "runtime/dependencies.h"
    , 0};
static const char genmc_text[] = {
#embed "runtime/genmc.h"
    , 0};
static const char rust_text[] = {
#embed "runtime/rust.c"
    , 0};
static const char prelude_text[] = {
#embed "runtime/addonrace_prelude.h"
    , 0};
static const char addonrace_text[] = {
#embed "runtime/addonrace.h"
    , 0};
static const char kernel_text[] = {
#embed "runtime/addonrace/kernel.h"
    , 0};

static const ccandidate_file files[] = {
    {"addonrace_host.h", host_text},       {"hooks.c", hooks_text},
    {"addonrace_entry.h", entry_text},     {"kernel.c", kernel_code},
    {"rust.c", rust_text},                 {"genmc.h", genmc_text},
    {"threads.c", threads_text},           {"library.c", library_text},
    {"addonrace_prelude.h", prelude_text}, {"addonrace.h", addonrace_text},
    {"addonrace/kernel.h", kernel_text},   {"raced.c", raced_text},
    {"raced.h", raced_header},             {"program.c", program_text},
    {"program.h", program_header},         {"program_heap.c", program_heap},
    {"program_threads.c", program_threads},
    {"dependencies.c", dependencies_code}, {"dependencies.h", dependencies_header},
    {"heap.c", heap_text},                 {"addonrace_loops.h", loops_text},
    {"", ""},
};

const ccandidate_file *ccandidate_first_file(void) { return files; }

int ccandidate_call_main(void *function) {
  static char name[] = "program";
  static char *arguments[] = {name, 0};
  return ((int (*)(int, char **, char **))function)(1, arguments, environ);
}

void *ccandidate_call_body(void *function, void *argument) { return ((void *(*)(void *))function)(argument); }

void ccandidate_call(void *function) { ((void (*)(void))function)(); }

void ccandidate_bind(void *function, const addonrace_host *host) { ((void (*)(const addonrace_host *))function)(host); }

const addonrace_flow *ccandidate_control_flow(void *function) { return ((const addonrace_flow *(*)(void))function)(); }

void ccandidate_track(
    void *function, const addonrace_block *blocks, addonrace_control *of_threads, const intptr_t *const *thread) {
  ((void (*)(const addonrace_block *, addonrace_control *, const intptr_t *const *))function)(blocks, of_threads, thread);
}

void ccandidate_bind_race(void *function, const addonrace_race *race) {
  ((void (*)(const addonrace_race *))function)(race);
}

void ccandidate_run_program(void *function, addonrace_program *program) {
  ((void (*)(addonrace_program *))function)(program);
}

// MARK: Code that is measured

_Thread_local ccandidate_counts ccandidate_counts_of_thread;

static void *measured_allocate(size_t size, size_t alignment, int is_zeroed, int may_fail, uintptr_t pc) {
  (void)may_fail, (void)pc;
  ccandidate_counts_of_thread.allocations++;
  if ((long)size > ccandidate_counts_of_thread.biggest) ccandidate_counts_of_thread.biggest = (long)size;
  if (alignment <= 16) return is_zeroed ? calloc(1, size) : malloc(size);
  void *block = 0;
  if (posix_memalign(&block, alignment, size)) return 0;
  return is_zeroed ? memset(block, 0, size) : block;
}
static void measured_release(void *block, uintptr_t pc) {
  (void)pc;
  ccandidate_counts_of_thread.frees++;
  free(block);
}
static void no_change(int change) { (void)change; }
static void nothing(uintptr_t pc) { (void)pc; }
static void no_section(const void *domain, int begins) { (void)domain, (void)begins; }
static void no_grace_period(const void *domain) { (void)domain; }
static void call_now(void *(*body)(void *), void *argument) { body(argument); }
static uint32_t choose_first(uint32_t count) { return (void)count, 0; }
static void no_slot(uintptr_t address, const char *name) { (void)address, (void)name; }
static void measured_fail(uint32_t failure, const char *text, const char *file, uint32_t line, uintptr_t pc) {
  (void)failure, (void)pc;
  fprintf(stderr, "Fatal error: %s (%s:%u)\n", text, file ? file : "", line);
  abort();
}

static const addonrace_race measuring_server = {
    measured_allocate, measured_release, malloc_usable_size, no_change, no_change, nothing, no_section,
    no_grace_period, call_now, choose_first, no_slot, measured_fail,
};
const addonrace_race *ccandidate_measuring_server(void) { return &measuring_server; }

// MARK: Code that is raced

_Thread_local ccandidate_visit *ccandidate_visit_of_thread;

static _Thread_local jmp_buf *way_out;

int ccandidate_protect(void (*body)(void *), void *argument) {
  jmp_buf here;
  jmp_buf *volatile before = way_out;
  way_out = &here;
  int is_left = setjmp(here);
  if (!is_left) body(argument);
  way_out = before;
  return !is_left;
}

void ccandidate_escape(void) {
  if (way_out) longjmp(*way_out, 1);
  abort();
}

#if defined(__clang__)
#define WITHOUT_INSTRUMENTATION __attribute__((disable_sanitizer_instrumentation))
#else
#define WITHOUT_INSTRUMENTATION
#endif

// Volatile, so that no call of a library's function comes of it: sanitizers watch those.
WITHOUT_INSTRUMENTATION void ccandidate_copy_stack(void *to, const void *stack, size_t bytes) {
  const volatile uint64_t *source = stack;
  uint64_t *target = to;
  for (size_t i = 0; i < bytes / 8; i++) target[i] = source[i];
}

WITHOUT_INSTRUMENTATION int ccandidate_is_same_stack(const void *copy, const void *stack, size_t bytes) {
  const volatile uint64_t *now = stack;
  const uint64_t *before = copy;
  for (size_t i = 0; i < bytes / 8; i++) {
    if (before[i] != now[i]) return 0;
  }
  return 1;
}

struct search {
  uintptr_t address;
  ccandidate_image *image;
};

static int look(struct dl_phdr_info *info, size_t size, void *argument) {
  (void)size;
  struct search *search = argument;
  int is_here = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    if (header->p_type == PT_LOAD && search->address - (info->dlpi_addr + header->p_vaddr) < header->p_memsz) is_here = 1;
  }
  if (!is_here) return 0;
  ccandidate_image *image = search->image;
  *image = (ccandidate_image){.base = info->dlpi_addr};
  uintptr_t sealed_end = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    uintptr_t start = info->dlpi_addr + header->p_vaddr;
    if (header->p_type == PT_TLS) {
      image->tls = start;
      image->tls_file_size = header->p_filesz;
      image->tls_size = header->p_memsz;
      image->tls_alignment = header->p_align;
    } else if (header->p_type == PT_GNU_RELRO) {
      sealed_end = start + header->p_memsz;
    }
  }
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    if (header->p_type != PT_LOAD || !(header->p_flags & PF_W)) continue;
    uintptr_t start = info->dlpi_addr + header->p_vaddr, end = start + header->p_memsz;
    // What was sealed after it was relocated is never written.
    if (sealed_end > start && sealed_end <= end) start = sealed_end & ~(uintptr_t)63;
    if (start >= end) continue;
    if (image->data_size == 0) {
      image->data = start;
      image->data_size = end - start;
    } else {
      image->data_size = end - image->data;
    }
  }
  return 1;
}

int ccandidate_find_image(uintptr_t address, ccandidate_image *image) {
  struct search search = {address, image};
  return dl_iterate_phdr(look, &search);
}
