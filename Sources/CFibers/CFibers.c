#define _GNU_SOURCE
#include "CFibers.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBERS_UNDER_ADDRESS_SANITIZER 1
#endif
#if __has_feature(thread_sanitizer)
#define FIBERS_UNDER_THREAD_SANITIZER 1
#endif
#endif

#if defined(FIBERS_UNDER_THREAD_SANITIZER)
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
#endif

// ThreadSanitizer is not told of a ring's turns: to it a racer stays one thread, which is what a racer is, and a switch
// costs nothing. Only its notion of the call stack is mixed up, so that of a report no more than the innermost frame is
// right. Fibers that are dropped in the middle would leave their frames on that call stack for ever: it is told of those.
#if defined(FIBERS_UNDER_ADDRESS_SANITIZER)
void __sanitizer_start_switch_fiber(void **fake_stack_save, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake_stack_save, const void **bottom_old, size_t *size_old);
void __asan_unpoison_memory_region(void const volatile *address, size_t size);
// A fiber that is dropped in the middle would leave its fake stack behind, several megabytes each time.
__attribute__((used, visibility("default"))) const char *__asan_default_options(void) {
  return "detect_stack_use_after_return=0";
}
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
  self->is_running = 1;
  self->body(self->argument);
  self->is_running = 0;
  for (;;) {
    if (self->thread != NULL) {
      cfiber_resume(self, self->next);
    } else {
      cfiber_switch(self, self->next);
    }
  }
}

__attribute__((noinline)) WITHOUT_INSTRUMENTATION void cfiber_resume(cfiber *from, cfiber *to) {
#if defined(FIBERS_UNDER_THREAD_SANITIZER)
  if (from->thread == NULL) from->thread = __tsan_get_current_fiber();
  if (to->thread == NULL) to->thread = __tsan_create_fiber(0);
  __tsan_switch_to_fiber(to->thread, 0);
#endif
  cfiber_switch(from, to);
}

WITHOUT_INSTRUMENTATION void cfiber_restart(cfiber *fiber) {
  if (fiber->is_running) {
#if defined(FIBERS_UNDER_ADDRESS_SANITIZER)
    __asan_unpoison_memory_region(fiber->stack_bottom, fiber->stack_size);
#endif
#if defined(FIBERS_UNDER_THREAD_SANITIZER)
    __tsan_destroy_fiber(fiber->thread);
    fiber->thread = NULL;
#endif
  }
  fiber->is_running = 0;
  fiber->stack_pointer = fiber->stack_top;
  fiber->resume_address = (void *)cfiber_start;
}

enum { GUARD = 4096 };

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
    // A stack that overflows does not run into the next one.
    mprotect(stacks + i * stack_size, GUARD, PROT_NONE);
    fiber->stack_bottom = stacks + i * stack_size;
    fiber->stack_size = stack_size;
    fiber->stack_top = (char *)fiber->stack_bottom + stack_size - ((i * colour) % (stack_size / 2)) / 16 * 16;
    fiber->stack_pointer = fiber->stack_top;
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
#if defined(FIBERS_UNDER_THREAD_SANITIZER)
  for (size_t i = 0; i < count; i++) {
    if (ring[i].thread != NULL) __tsan_destroy_fiber(ring[i].thread);
  }
#endif
  munmap(ring[0].stack_bottom, count * stack_size);
  free(ring);
}

// Faults on a fiber. The signal handler does nothing but change where its thread goes on: in the handler's function, on
// the fiber's own stack, below what was there.

static _Thread_local struct {
  char *bottom;
  size_t stack_size, count;
  void (*handler)(int, size_t, void *);
  void *argument;
} caught;

static const int fault_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT};
enum { fault_signal_count = sizeof fault_signals / sizeof *fault_signals };
static struct sigaction actions_before[fault_signal_count];
static pthread_once_t faults_are_caught = PTHREAD_ONCE_INIT;

static WITHOUT_INSTRUMENTATION void on_fault(int number, siginfo_t *info, void *context) {
  ucontext_t *machine = context;
#if defined(__x86_64__)
  char *stack = (char *)machine->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
  char *stack = (char *)machine->uc_mcontext.sp;
#endif
  // A stack that has overflowed is of no use any more: its fiber goes on at the top of it.
  size_t touched = (size_t)((char *)info->si_addr - caught.bottom);
  if (caught.bottom != NULL && number == SIGSEGV && touched < caught.count * caught.stack_size &&
      touched % caught.stack_size < GUARD) {
    stack = caught.bottom + (touched / caught.stack_size + 1) * caught.stack_size - GUARD;
    number = CFIBERS_OVERFLOW;
  }
  size_t fiber = caught.bottom == NULL ? 0 : (size_t)(stack - caught.bottom) / caught.stack_size;
  if (caught.bottom == NULL || stack < caught.bottom || fiber >= caught.count) {
    for (int i = 0; i < fault_signal_count; i++) {
      if (fault_signals[i] == number) sigaction(number, &actions_before[i], NULL);
    }
    if (number == SIGABRT) raise(number);
    return;
  }
#if defined(__x86_64__)
  machine->uc_mcontext.gregs[REG_RSP] = (greg_t)((((uintptr_t)stack - 256) & ~(uintptr_t)15) - 8);
  machine->uc_mcontext.gregs[REG_RIP] = (greg_t)caught.handler;
  machine->uc_mcontext.gregs[REG_RDI] = number;
  machine->uc_mcontext.gregs[REG_RSI] = (greg_t)fiber;
  machine->uc_mcontext.gregs[REG_RDX] = (greg_t)caught.argument;
#elif defined(__aarch64__)
  machine->uc_mcontext.sp = ((uintptr_t)stack - 256) & ~(uintptr_t)15;
  machine->uc_mcontext.pc = (uintptr_t)caught.handler;
  machine->uc_mcontext.regs[0] = (uint64_t)number;
  machine->uc_mcontext.regs[1] = fiber;
  machine->uc_mcontext.regs[2] = (uintptr_t)caught.argument;
#endif
}

/// A stack of its own for the calling thread's signals, if it has none.
static void have_signal_stack(void) {
  enum { SIZE = 64 << 10 };
  static __thread int is_there;
  if (is_there) return;
  is_there = 1;
  stack_t now;
  if (sigaltstack(NULL, &now) != 0 || !(now.ss_flags & SS_DISABLE)) return;
  void *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  stack_t stack = {.ss_sp = memory, .ss_size = SIZE};
  sigaltstack(&stack, NULL);
}

static void install_fault_handlers(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (int i = 0; i < fault_signal_count; i++) sigaction(fault_signals[i], &action, &actions_before[i]);
}

void cfiber_catch_faults(cfiber *ring, size_t count, void (*handler)(int, size_t, void *), void *argument) {
  if (ring == NULL) {
    caught.bottom = NULL;
    return;
  }
  pthread_once(&faults_are_caught, install_fault_handlers);
  have_signal_stack();
  caught.stack_size = ring[0].stack_size;
  caught.count = count;
  caught.handler = handler;
  caught.argument = argument;
  caught.bottom = ring[0].stack_bottom;
}
