/// Stack switching between the visits that one racer has in flight.
///
/// Fibers come as a *ring*: a switch always goes to `next`, and the last one's `next` is the root, which is the thread
/// that made the ring. So a switch needs no scheduler, and one turn of the ring resumes every fiber once.
#ifndef CFIBERS_H
#define CFIBERS_H

#include <stddef.h>
#include <stdint.h>

/// One stack and where it stands. The first four words are what a switch touches.
typedef struct cfiber {
  void *_Nullable stack_pointer, *_Nullable frame_pointer, *_Nullable resume_address;
  struct cfiber *_Nonnull next;
  void (*_Nullable body)(void *_Nullable);
  void *_Nullable argument;
  void *_Nullable fake_stack;  // AddressSanitizer's
  void *_Nullable stack_bottom;
  size_t stack_size;
  void *_Nullable stack_top;
  void *_Nullable thread;  // ThreadSanitizer's, of fibers that are restarted
  int is_running;          // its body has begun and not ended
} cfiber;

/// Makes `count` fibers and returns an array of `count + 1`, the last being the root: the calling thread, which alone
/// may enter the ring. Stack tops are `colour` bytes apart from page to page, so that they do not share cache sets.
/// Each fiber runs `body(arguments[i])` at its first turn; when that returns, its turns are empty.
/// Returns NULL when there is no memory for the stacks.
cfiber *_Nullable cfiber_ring_create(
    size_t count, size_t stack_size, size_t colour, void (*_Nonnull body)(void *_Nullable),
    void *_Nullable *_Nonnull arguments);

/// Puts a fiber of a ring back to its beginning: its next resume runs `body(argument)`. Whatever is on its stack is
/// dropped. A ring whose fibers are restarted is left and entered by `cfiber_resume` alone.
void cfiber_restart(cfiber *_Nonnull fiber);

/// Goes on in any fiber of the ring, or in its root. All sanitizers are told.
void cfiber_resume(cfiber *_Nonnull from, cfiber *_Nonnull to);

enum { CFIBERS_OVERFLOW = 0 };

/// From now on, until the next call, what would end the process while the calling thread runs on one of a ring's fibers
/// (a bad access, a trap, an abort) goes on in `handler(signal, number of the fiber, argument)`, on the fiber's stack, or
/// with CFIBERS_OVERFLOW as the signal at the top of one that has overflowed;
/// `handler` must not return. With NULL as the ring, nothing is caught any more. Signals from elsewhere do what they did.
void cfiber_catch_faults(
    cfiber *_Nullable ring, size_t count, void (*_Nullable handler)(int, size_t, void *_Nullable),
    void *_Nullable argument);

/// Frees a ring. Whatever is still on its stacks is dropped.
void cfiber_ring_destroy(cfiber *_Nonnull ring, size_t count, size_t stack_size);

/// Nonzero in a binary built with AddressSanitizer, which must be told of each switch.
extern const int cfiber_sanitized;

/// The switch with the sanitizer's hooks around it.
void cfiber_switch_sanitized(cfiber *_Nonnull from, cfiber *_Nonnull to);

/// Saves stack pointer, frame pointer and resume address in `from` and goes on in `to`.
/// Nothing is pushed: the compiler spills only what lives across the switch.
static inline __attribute__((always_inline)) void cfiber_switch_bare(cfiber *_Nonnull from, cfiber *_Nonnull to) {
#if defined(__x86_64__)
  __asm__ volatile(
      "leaq 1f(%%rip), %%rax\n\t"
      "movq %%rsp, 0(%%rdi)\n\t"
      "movq %%rbp, 8(%%rdi)\n\t"
      "movq %%rax, 16(%%rdi)\n\t"
      "movq 0(%%rsi), %%rsp\n\t"
      "movq 8(%%rsi), %%rbp\n\t"
      "jmpq *16(%%rsi)\n\t"
      ".p2align 4\n"
      "1:\n"
      : "+D"(from), "+S"(to)
      :
      : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc", "memory", "xmm0",
        "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
        "xmm14", "xmm15");
#elif defined(__aarch64__)
  register cfiber *source __asm__("x0") = from;
  register cfiber *target __asm__("x1") = to;
  __asm__ volatile(
      "adr x2, 1f\n\t"
      "mov x3, sp\n\t"
      "stp x3, x29, [x0]\n\t"
      "str x2, [x0, #16]\n\t"
      "ldp x3, x29, [x1]\n\t"
      "ldr x2, [x1, #16]\n\t"
      "mov sp, x3\n\t"
      "br x2\n"
      "1:\n"
      : "+r"(source), "+r"(target)
      :
      : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x19",
        "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "cc", "memory", "v0", "v1", "v2", "v3",
        "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19",
        "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31");
#else
#error "CFibers knows x86-64 and aarch64"
#endif
}

static inline __attribute__((always_inline)) void cfiber_switch(cfiber *_Nonnull from, cfiber *_Nonnull to) {
  if (__builtin_expect(cfiber_sanitized, 0)) {
    cfiber_switch_sanitized(from, to);
  } else {
    cfiber_switch_bare(from, to);
  }
}

#endif
