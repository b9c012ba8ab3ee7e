// Compiled with a program that is explored or raced, and linked into it, hidden: what ends a program, what it prints, and the names
// that public test programs use.
#define _GNU_SOURCE
#include "addonrace.h"
#include "addonrace_host.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PC ((uintptr_t)__builtin_return_address(0))

#pragma GCC visibility push(hidden)

extern const addonrace_host *addonrace_host_table;
#define host addonrace_host_table

// MARK: How a program ends

/// What it printed to standard error last, which says why it ends.
static char said[256];

static void hear(const char *text, size_t size) {
  if (!host || size == 0) return;
  if (size > sizeof said - 1) size = sizeof said - 1;
  // Hidden from everybody else: no line of it is the program's.
  host->own_write((uintptr_t)said, sizeof said);
  __builtin_memcpy(said, text, size);
  said[size] = 0;
}

void __assert_fail(const char *text, const char *file, unsigned line, const char *function) {
  (void)function;
  if (host) host->fail(ADDONRACE_ASSERTION, text, file, line, PC);
  _exit(134);
}
void __assert(const char *text, const char *file, int line) {
  if (host) host->fail(ADDONRACE_ASSERTION, text, file, (uint32_t)line, PC);
  _exit(134);
}
void abort(void) {
  if (host) host->fail(ADDONRACE_CRASH, said[0] ? said : "abort() was called", 0, 0, PC);
  _exit(134);
}
void exit(int status) {
  (void)status;
  if (host) host->fail(ADDONRACE_EXIT, "", 0, 0, PC);
  _exit(status);
}
void quick_exit(int status) { exit(status); }
void _Exit(int status) { exit(status); }
int atexit(void (*function)(void)) { return (void)function, 0; }
int __cxa_atexit(void (*function)(void *), void *argument, void *object) {
  return (void)function, (void)argument, (void)object, 0;
}
#ifndef ADDONRACE_RACED
int __cxa_thread_atexit_impl(void (*function)(void *), void *argument, void *object) {
  return (void)function, (void)argument, (void)object, 0;
}
#endif
void __stack_chk_fail(void) {
  if (host) host->fail(ADDONRACE_CRASH, "a stack was overwritten", 0, 0, PC);
  _exit(134);
}
static int refused(const char *what, uintptr_t pc) {
  if (host) host->fail(ADDONRACE_UNSUPPORTED, what, 0, 0, pc);
  return -1;
}
pid_t fork(void) { return refused("the program calls fork()", PC); }
pid_t vfork(void) { return refused("the program calls vfork()", PC); }

// MARK: What it prints: nothing, again and again

int printf(const char *format, ...) { return (int)strlen(format); }
int vprintf(const char *format, va_list list) { return (void)list, (int)strlen(format); }
int puts(const char *text) { return (int)strlen(text) + 1; }
int putchar(int character) { return character; }
int putc(int character, FILE *file) { return (void)file, character; }
int fputc(int character, FILE *file) { return (void)file, character; }
int fputs(const char *text, FILE *file) {
  if (file == stderr) hear(text, strlen(text));
  return 1;
}
int vfprintf(FILE *file, const char *format, va_list list) {
  if (file != stderr) return (int)strlen(format);
  char text[sizeof said];
  int size = vsnprintf(text, sizeof text, format, list);
  hear(text, strlen(text));
  return size;
}
int fprintf(FILE *file, const char *format, ...) {
  va_list list;
  va_start(list, format);
  int size = vfprintf(file, format, list);
  va_end(list);
  return size;
}
size_t fwrite(const void *text, size_t size, size_t count, FILE *file) {
  if (file == stderr) hear(text, size * count);
  return count;
}
int fflush(FILE *file) { return (void)file, 0; }
void perror(const char *text) { hear(text, strlen(text)); }
ssize_t write(int file, const void *text, size_t size) {
  if (file == 2) hear(text, size);
  return (ssize_t)size;
}
ssize_t writev(int file, const struct iovec *parts, int count) {
  ssize_t size = 0;
  for (int i = 0; i < count; i++) {
    if (file == 2 && i == 0) hear(parts[i].iov_base, parts[i].iov_len);
    size += (ssize_t)parts[i].iov_len;
  }
  return size;
}

// MARK: Time, of which there is none where code is explored

#ifndef ADDONRACE_RACED
time_t time(time_t *now) {
  if (now) *now = 0;
  return 0;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
  (void)clock;
  *now = (struct timespec){0};
  return 0;
}
int gettimeofday(struct timeval *now, void *zone) {
  (void)zone;
  *now = (struct timeval){0};
  return 0;
}
clock_t clock(void) { return 0; }
#endif

// MARK: Strings, as code that is instrumented

char *strdup(const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = malloc(size);
  for (size_t i = 0; copy && i < size; i++) copy[i] = text[i];
  return copy;
}

// MARK: <addonrace.h>, and the names of the software-verification competition

static int is_weak_update;
void addonrace_weak_update(int is_weak) { (void)is_weak, (void)is_weak_update; }

unsigned addonrace_choose(unsigned count) { return host && count > 1 ? host->choose(count, PC) : 0; }
void addonrace_note(const char *text) {
  if (host) host->note(text, PC);
}
void addonrace_assume(int holds) {
  if (!holds && host) host->fail(ADDONRACE_ASSUMPTION, "", 0, 0, PC);
}
void addonrace_slot(void *slot, const char *name) {
  if (host) host->slot((uintptr_t)slot, name);
}

void __VERIFIER_assume(int holds) {
  if (!holds && host) host->fail(ADDONRACE_ASSUMPTION, "", 0, 0, PC);
}
void __VERIFIER_assert(int holds) {
  if (!holds && host) host->fail(ADDONRACE_ASSERTION, "__VERIFIER_assert", 0, 0, PC);
}
void __VERIFIER_error(void) {
  if (host) host->fail(ADDONRACE_ASSERTION, "__VERIFIER_error() was reached", 0, 0, PC);
}
void reach_error(void) {
  if (host) host->fail(ADDONRACE_ASSERTION, "reach_error() was reached", 0, 0, PC);
}
_Bool __VERIFIER_nondet_bool(void) { return host ? (_Bool)host->choose(2, PC) : 0; }
int __VERIFIER_nondet_int(void) { return host ? (int)host->choose(2, PC) : 0; }
unsigned __VERIFIER_nondet_uint(void) { return host ? host->choose(2, PC) : 0; }
void __VERIFIER_loop_bound(int bound) { (void)bound; }
void __VERIFIER_loop_begin(void) {}
void __VERIFIER_spin_start(void) {}
void __VERIFIER_spin_end(int ends) { (void)ends; }
void __VERIFIER_assume_internal(int holds) { __VERIFIER_assume(holds); }

static uint32_t atomic_section;
void __VERIFIER_atomic_begin(void) {
  if (host) host->lock((uintptr_t)&atomic_section, PC);
}
void __VERIFIER_atomic_end(void) {
  if (host) {
    host->store((uintptr_t)&atomic_section, 4, 0, ADDONRACE_RELEASE, &(addonrace_frame){.pc = PC});
  }
}
int __VERIFIER_thread_create(const void *attributes, void *(*body)(void *), void *argument) {
  pthread_t name;
  (void)attributes;
  pthread_create(&name, NULL, body, argument);
  return (int)name;
}
void *__VERIFIER_thread_join(int name) {
  void *result;
  pthread_join((pthread_t)name, &result);
  return result;
}
int __VERIFIER_thread_self(void) { return host ? (int)host->self() + 1 : 1; }
