// Compiled with a program that is explored or raced, and linked into it, hidden: what Swift allocates by itself.
#define _GNU_SOURCE
#include "addonrace_host.h"

#include <dlfcn.h>
#include <link.h>

#define PC ((uintptr_t)__builtin_return_address(0))

#pragma GCC visibility push(hidden)

extern const addonrace_host *addonrace_host_table;
void *addonrace_allocate(size_t size, size_t alignment, uintptr_t pc);
void addonrace_release(void *p, uintptr_t pc);
size_t addonrace_size(void *p);
int addonrace_is_early(const void *p);

void *swift_slowAlloc(size_t size, size_t mask) { 
  return addonrace_allocate(size, mask == (size_t)-1 || mask < 15 ? 16 : mask + 1, PC);
}
void swift_slowDealloc(void *p, size_t size, size_t mask) {
  (void)size, (void)mask;
  addonrace_release(p, PC);
}

// Objects of the program's own classes. Those of the library's (arrays, strings) stay where they are: nobody looks into
// them.
void *swift_allocObject(const void *metadata, size_t size, size_t mask) {
  static void *(*runtimes)(const void *, size_t, size_t);
  static uintptr_t start, end;
  if (!runtimes) {
    const addonrace_host *host = addonrace_host_table;
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
  uintptr_t *object = addonrace_allocate(size, mask < 16 ? 16 : mask + 1, PC);
  // One strong reference, and one unowned.
  object[0] = (uintptr_t)metadata;
  object[1] = 3;
  return object;
}
static void give_back(void *object, size_t size, size_t mask, const char *name, uintptr_t pc) {
  if (addonrace_is_early(object)) return;
  if (addonrace_size(object)) addonrace_release(object, pc);
  else ((void (*)(void *, size_t, size_t))dlsym(RTLD_DEFAULT, name))(object, size, mask);
}
void swift_deallocClassInstance(void *object, size_t size, size_t mask) {
  give_back(object, size, mask, "swift_deallocClassInstance", PC);
}
void swift_deallocObject(void *object, size_t size, size_t mask) {
  give_back(object, size, mask, "swift_deallocObject", PC);
}
