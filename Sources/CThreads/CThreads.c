#define _GNU_SOURCE
#include "CThreads.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// The processors that the process was started with: pinning chooses among them, unpinning goes back to them.
static cpu_set_t processors;

__attribute__((constructor)) static void remember_processors(void) {
  CPU_ZERO(&processors);
  if (sched_getaffinity(0, sizeof processors, &processors) != 0) CPU_SET(0, &processors);
}

int cthreads_processor_count(void) { return CPU_COUNT(&processors); }

int cthreads_pin(int index) {
  int wanted = index % cthreads_processor_count();
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &processors) || wanted-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    return pthread_setaffinity_np(pthread_self(), sizeof one, &one);
  }
  return 0;
}

void cthreads_unpin(void) { pthread_setaffinity_np(pthread_self(), sizeof processors, &processors); }
void cthreads_yield(void) { sched_yield(); }
void cthreads_name(const char *name) { pthread_setname_np(pthread_self(), name); }

void cthreads_prefer_huge_pages(void *memory, long bytes) { madvise(memory, (size_t)bytes, MADV_HUGEPAGE); }

void cthreads_futex_wait(const uint32_t *word, uint32_t value, int milliseconds) {
  struct timespec limit = {milliseconds / 1000, (milliseconds % 1000) * 1000000L};
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, &limit, NULL, 0);
}

void cthreads_futex_wake_all(const uint32_t *word) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

void cthreads_shared_wait(const uint32_t *word, uint32_t value, int milliseconds) {
  struct timespec limit = {milliseconds / 1000, (milliseconds % 1000) * 1000000L};
  syscall(SYS_futex, word, FUTEX_WAIT, value, &limit, NULL, 0);
}

void cthreads_shared_wake_all(const uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0); }

int cthreads_die_with_parent(int parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  return getppid() == parent;
}

int cthreads_fork(void) {
  int parent = getpid();
  int child = fork();
  if (child == 0 && !cthreads_die_with_parent(parent)) _exit(70);
  return child;
}

static atomic_int interrupted;

// The copy that this process waits for, which an interrupt is passed on to.
static atomic_int awaited_copy;

static atomic_int second_interrupt_ends;

static void note_interrupt(int signal) {
  (void)signal;
  int before = atomic_exchange_explicit(&interrupted, 1, memory_order_relaxed);
  int copy = atomic_load_explicit(&awaited_copy, memory_order_relaxed);
  if (copy) kill(copy, SIGINT);
  if (before && atomic_load_explicit(&second_interrupt_ends, memory_order_relaxed)) _exit(130);
}

// When this process was last seen running, and how long it was stopped until then. In nanoseconds.
static atomic_long last_seen;
static atomic_long stopped;

// A stop is at least as long, and a process that looks at the clock does so more often.
static const long shortest_stop = 200000000;

static long nanoseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void note_stop(int signal) {
  (void)signal;
  long now = nanoseconds();
  long seen = atomic_exchange_explicit(&last_seen, now, memory_order_relaxed);
  if (seen && now - seen > shortest_stop) atomic_fetch_add_explicit(&stopped, now - seen, memory_order_relaxed);
}

double cthreads_running_seconds(void) {
  long now = nanoseconds();
  long seen = atomic_load_explicit(&last_seen, memory_order_relaxed);
  if (seen && now - seen > shortest_stop) {
    // If this was a stop, the thread that SIGCONT went to counts it meanwhile.
    struct timespec moment = {.tv_nsec = 2000000};
    nanosleep(&moment, NULL);
    now = nanoseconds();
  }
  atomic_store_explicit(&last_seen, now, memory_order_relaxed);
  return (double)(now - atomic_load_explicit(&stopped, memory_order_relaxed)) * 1e-9;
}

int cthreads_await_copy(int copy) {
  atomic_store_explicit(&awaited_copy, copy, memory_order_relaxed);
  if (atomic_load_explicit(&interrupted, memory_order_relaxed)) kill(copy, SIGINT);
  int status = 0;
  while (waitpid(copy, &status, 0) < 0 && errno == EINTR) {}
  atomic_store_explicit(&awaited_copy, 0, memory_order_relaxed);
  return status;
}

int cthreads_join_parents_group(void) { return setpgid(0, getpgid(getppid())); }

void cthreads_catch_interrupts(int second_ends) {
  atomic_store_explicit(&second_interrupt_ends, second_ends, memory_order_relaxed);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = note_interrupt;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  action.sa_handler = note_stop;
  sigaction(SIGCONT, &action, NULL);
  // Whoever started this process may have blocked them: Dispatch's threads do.
  sigset_t caught;
  sigemptyset(&caught);
  sigaddset(&caught, SIGINT);
  sigaddset(&caught, SIGTERM);
  sigaddset(&caught, SIGCONT);
  pthread_sigmask(SIG_UNBLOCK, &caught, NULL);
}

int cthreads_interrupted(void) { return atomic_load_explicit(&interrupted, memory_order_relaxed); }

int cthreads_shared_file(const char *name, long size) {
  int file = memfd_create(name, MFD_CLOEXEC);
  if (file >= 0 && ftruncate(file, size) != 0) {
    close(file);
    return -1;
  }
  return file;
}

int cthreads_sanitizer(void) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
  return 1;
#elif __has_feature(address_sanitizer)
  return 2;
#endif
#endif
  return 0;
}
