// Compiled with a program that is explored or raced, and linked into it, hidden: the names of its allocator. Whoever serves
// it is bound when it is loaded; until then its constructors run, and are served here.
#define _GNU_SOURCE
#include "addonrace_host.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#define PC ((uintptr_t)__builtin_return_address(0))

#pragma GCC visibility push(hidden)

extern const addonrace_host *addonrace_host_table;
#define host addonrace_host_table

#ifdef ADDONRACE_RACED
// Without the way through a host: this is where racers meet.
extern const addonrace_race *addonrace_server;
static inline int is_served(void) { return addonrace_server != NULL; }
static inline void *serve(size_t size, size_t alignment, int is_zeroed, uintptr_t pc) {
  return addonrace_server->allocate(size, alignment, is_zeroed, 1, pc);
}
static inline void take_back(void *p, uintptr_t pc) { addonrace_server->release(p, pc); }
static inline size_t size_of(void *p) { return addonrace_server->size(p); }
static void copy(void *to, const void *from, size_t size, uintptr_t pc) { (void)pc, memcpy(to, from, size); }
#else
static inline int is_served(void) { return host != NULL; }
static inline void *serve(size_t size, size_t alignment, int is_zeroed, uintptr_t pc) {
  return host->allocate(size, alignment, is_zeroed, pc);
}
static inline void take_back(void *p, uintptr_t pc) { host->release(p, pc); }
static inline size_t size_of(void *p) { return host->size(p); }
/// As code that is instrumented does it.
void *addonrace_copy(void *to, const void *from, size_t size, uintptr_t pc);
#define copy addonrace_copy
#endif

// What constructors allocate belongs to the program's data, and is put back with it.
static char early[256 << 10] __attribute__((aligned(64)));
static size_t early_used;

static int is_early(const void *p) { return (uintptr_t)p - (uintptr_t)early < sizeof early; }

static void *allocate(size_t size, size_t alignment, int is_zeroed, uintptr_t pc) {
  if (is_served()) return serve(size, alignment, is_zeroed, pc);
  size_t start = (early_used + 16 + alignment - 1) & ~(alignment - 1);
  if (start + size > sizeof early) abort();
  early_used = start + size;
  __builtin_memcpy(early + start - 8, &size, sizeof size);
  return early + start;
}
static void release(void *p, uintptr_t pc) {
  if (p && !is_early(p) && is_served()) take_back(p, pc);
}

// MARK: C's names

void *malloc(size_t size) { return allocate(size, 16, 0, PC); }
void *calloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
  return allocate(bytes, 16, 1, PC);
}
void free(void *p) { release(p, PC); }
void cfree(void *p) { release(p, PC); }
size_t malloc_usable_size(void *p) {
  if (is_early(p)) {
    size_t size;
    __builtin_memcpy(&size, (char *)p - 8, sizeof size);
    return size;
  }
  return p && is_served() ? size_of(p) : 0;
}
static void *resize(void *p, size_t size, uintptr_t pc) {
  void *new = allocate(size, 16, 0, pc);
  if (!new || !p) return new;
  size_t before = malloc_usable_size(p);
  copy(new, p, before < size ? before : size, pc);
  release(p, pc);
  return new;
}
void *realloc(void *p, size_t size) { return resize(p, size, PC); }
void *reallocarray(void *p, size_t count, size_t size) {
  size_t bytes;
  return __builtin_mul_overflow(count, size, &bytes) ? NULL : resize(p, bytes, PC);
}
void *aligned_alloc(size_t alignment, size_t size) { return allocate(size, alignment, 0, PC); }
void *memalign(size_t alignment, size_t size) { return allocate(size, alignment, 0, PC); }
void *valloc(size_t size) { return allocate(size, 4096, 0, PC); }
int posix_memalign(void **p, size_t alignment, size_t size) {
  void *new = allocate(size, alignment, 0, PC);
  if (!new) return ENOMEM;
  *p = new;
  return 0;
}

// MARK: Swift's names

void *swift_slowAlloc(size_t size, size_t mask) {
  return allocate(size, mask == (size_t)-1 || mask < 15 ? 16 : mask + 1, 0, PC);
}
void swift_slowDealloc(void *p, size_t size, size_t mask) {
  (void)size, (void)mask;
  release(p, PC);
}

// Objects of the program's own classes. Those of the library's (arrays, strings) stay where they are: nobody looks into
// them.
void *swift_allocObject(const void *metadata, size_t size, size_t mask) {
  static void *(*runtimes)(const void *, size_t, size_t);
  static uintptr_t start, end;
  if (!runtimes) {
    if (host) host->own_write((uintptr_t)&runtimes, sizeof runtimes), host->own_write((uintptr_t)&start, 16);
    runtimes = (void *(*)(const void *, size_t, size_t))dlsym(RTLD_DEFAULT, "swift_allocObject");
    Dl_info info;
    struct link_map *map;
    if (dladdr1((void *)swift_allocObject, &info, (void **)&map, RTLD_DL_LINKMAP)) start = (uintptr_t)info.dli_fbase;
    // Functions lie before data.
    end = (uintptr_t)&runtimes;
  }
  // Before the metadata stands the function that destroys the object: who has that gives the memory back.
  uintptr_t destroyer = ((const uintptr_t *)metadata)[-2];
  if (destroyer < start || destroyer >= end) return runtimes(metadata, size, mask);
  uintptr_t *object = allocate(size, mask < 16 ? 16 : mask + 1, 0, PC);
  // One strong reference, and one unowned.
  object[0] = (uintptr_t)metadata;
  object[1] = 3;
  return object;
}
static void give_back(void *object, size_t size, size_t mask, const char *name, uintptr_t pc) {
  if (is_early(object)) return;
  if (is_served() && size_of(object)) release(object, pc);
  else ((void (*)(void *, size_t, size_t))dlsym(RTLD_DEFAULT, name))(object, size, mask);
}
void swift_deallocClassInstance(void *object, size_t size, size_t mask) {
  give_back(object, size, mask, "swift_deallocClassInstance", PC);
}
void swift_deallocObject(void *object, size_t size, size_t mask) {
  give_back(object, size, mask, "swift_deallocObject", PC);
}
