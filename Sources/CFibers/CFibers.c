#define _GNU_SOURCE
#include "CFibers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBERS_UNDER_ADDRESS_SANITIZER 1
#endif
#endif

// ThreadSanitizer is not told of fibers: to it a racer stays one thread, which is what a racer is, and a switch costs
// nothing. Only its notion of the call stack is mixed up, so that of a report no more than the innermost frame is right.
#if defined(FIBERS_UNDER_ADDRESS_SANITIZER)
void __sanitizer_start_switch_fiber(void **fake_stack_save, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake_stack_save, const void **bottom_old, size_t *size_old);
#define WITHOUT_INSTRUMENTATION __attribute__((disable_sanitizer_instrumentation))
const int cfiber_sanitized = 1;
#else
#define WITHOUT_INSTRUMENTATION
const int cfiber_sanitized = 0;
#endif

__attribute__((noinline)) WITHOUT_INSTRUMENTATION void cfiber_switch_sanitized(cfiber *from, cfiber *to) {
#if defined(FIBERS_UNDER_ADDRESS_SANITIZER)
  __sanitizer_start_switch_fiber(&from->fake_stack, to->stack_bottom, to->stack_size);
#endif
  cfiber_switch_bare(from, to);
#if defined(FIBERS_UNDER_ADDRESS_SANITIZER)
  __sanitizer_finish_switch_fiber(from->fake_stack, NULL, NULL);
#endif
}

// A fiber's first resume jumps here with `to` still in its register.
void cfiber_start(void);
#if defined(__x86_64__)
__asm__(
    ".text\n.globl cfiber_start\n.hidden cfiber_start\n.type cfiber_start,@function\n"
    "cfiber_start:\n\txorl %ebp, %ebp\n\tmovq %rsi, %rdi\n\tcallq cfiber_run\n\tud2\n"
    ".size cfiber_start, .-cfiber_start\n");
#elif defined(__aarch64__)
__asm__(
    ".text\n.globl cfiber_start\n.hidden cfiber_start\n.type cfiber_start,%function\n"
    "cfiber_start:\n\tmov x29, xzr\n\tmov x30, xzr\n\tmov x0, x1\n\tbl cfiber_run\n\tbrk #1\n"
    ".size cfiber_start, .-cfiber_start\n");
#endif

__attribute__((used, visibility("hidden"))) WITHOUT_INSTRUMENTATION void cfiber_run(cfiber *self) {
#if defined(FIBERS_UNDER_ADDRESS_SANITIZER)
  __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
#endif
  self->body(self->argument);
  for (;;) cfiber_switch(self, self->next);
}

cfiber *cfiber_ring_create(
    size_t count, size_t stack_size, size_t colour, void (*body)(void *), void **arguments) {
  cfiber *ring = aligned_alloc(64, (sizeof(cfiber) * (count + 1) + 63) / 64 * 64);
  if (ring == NULL) return NULL;
  char *stacks = mmap(
      NULL, count * stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stacks == MAP_FAILED) {
    free(ring);
    return NULL;
  }
  memset(ring, 0, sizeof(cfiber) * (count + 1));
  for (size_t i = 0; i < count; i++) {
    cfiber *fiber = &ring[i];
    fiber->stack_bottom = stacks + i * stack_size;
    fiber->stack_size = stack_size;
    fiber->stack_pointer = (char *)fiber->stack_bottom + stack_size - ((i * colour) % (stack_size / 2)) / 16 * 16;
    fiber->resume_address = (void *)cfiber_start;
    fiber->body = body;
    fiber->argument = arguments[i];
    fiber->next = &ring[i + 1];
  }
  cfiber *root = &ring[count];
  root->next = ring;
#if defined(FIBERS_UNDER_ADDRESS_SANITIZER)
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    pthread_attr_getstack(&attributes, &root->stack_bottom, &root->stack_size);
    pthread_attr_destroy(&attributes);
  }
#endif
  return ring;
}

void cfiber_ring_destroy(cfiber *ring, size_t count, size_t stack_size) {
  munmap(ring[0].stack_bottom, count * stack_size);
  free(ring);
}
