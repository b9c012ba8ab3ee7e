// Compiled with a program that is explored, and linked into it, hidden: what ThreadSanitizer's instrumentation calls, and
// the thread-local storage that the program sees. Everything goes to the host; as long as none is bound,
// while the program is loaded and its constructors run, it is done here and directly.
#define _GNU_SOURCE
#include "addonrace_host.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#define PC ((uintptr_t)__builtin_return_address(0))

__attribute__((visibility("hidden"))) const addonrace_host *addonrace_host_table;
#define host addonrace_host_table

__attribute__((visibility("default"))) void addonrace_bind(const addonrace_host *table) { host = table; }

#pragma GCC visibility push(hidden)

// Hooks of atomic operations begin by noting all that is private to their caller.
addonrace_frame addonrace_entry;

#include "addonrace_entry.h"
#include "dependencies.h"

// MARK: Atomic operations

#define ATOMIC(bits, type)                                                                                        \
  NOTING_ENTRY(__tsan_atomic##bits##_load)                                                                        \
  type addonrace___tsan_atomic##bits##_load(const volatile type *a, int order) {                                  \
    TELL_ADDRESS_AT_ENTRY(0);                                                                                     \
    return host ? LABELLED(type, (type)host->load((uintptr_t)a, sizeof(type), order, &addonrace_entry)) : *a;     \
  }                                                                                                               \
  NOTING_ENTRY(__tsan_atomic##bits##_store)                                                                       \
  void addonrace___tsan_atomic##bits##_store(volatile type *a, type value, int order) {                           \
    TELL_AT_ENTRY(0, 1);                                                                                          \
    if (host) host->store((uintptr_t)a, sizeof(type), value, order, &addonrace_entry);                            \
    else *a = value;                                                                                              \
  }                                                                                                               \
  UPDATE(bits, type, exchange, ADDONRACE_EXCHANGE, value, value)                                                  \
  UPDATE(bits, type, fetch_add, ADDONRACE_ADD, value, before + value)                                             \
  UPDATE(bits, type, fetch_sub, ADDONRACE_ADD, (type)-value, before - value)                                      \
  UPDATE(bits, type, fetch_or, ADDONRACE_OR, value, before | value)                                               \
  UPDATE(bits, type, fetch_and, ADDONRACE_AND, value, before & value)                                             \
  UPDATE(bits, type, fetch_xor, ADDONRACE_XOR, value, before ^ value)                                             \
  UPDATE(bits, type, fetch_nand, ADDONRACE_NAND, value, ~(before & value))                                        \
  NOTING_ENTRY(__tsan_atomic##bits##_compare_exchange_val)                                                        \
  type addonrace___tsan_atomic##bits##_compare_exchange_val(                                                      \
      volatile type *a, type expected, type desired, int order, int failure) {                                    \
    type before = *a;                                                                                             \
    if (host) {                                                                                                   \
      TELL_AT_ENTRY(0, 2);                                                                                        \
      return LABELLED(type, (type)host->update(                                                                   \
          (uintptr_t)a, sizeof(type), ADDONRACE_COMPARE_EXCHANGE, desired, expected, order, failure, &addonrace_entry)); \
    }                                                                                                             \
    if (before == expected) *a = desired;                                                                         \
    return before;                                                                                                \
  }                                                                                                               \
  NOTING_ENTRY(__tsan_atomic##bits##_compare_exchange_strong)                                                     \
  int addonrace___tsan_atomic##bits##_compare_exchange_strong(                                                    \
      volatile type *a, type *expected, type desired, int order, int failure) {                                   \
    type before = addonrace___tsan_atomic##bits##_compare_exchange_val(a, *expected, desired, order, failure);    \
    if (before == *expected) return 1;                                                                            \
    *expected = before;                                                                                           \
    addonrace_set_labels(expected, addonrace_result_label[0], sizeof(type));                                      \
    return 0;                                                                                                     \
  }                                                                                                               \
  NOTING_ENTRY(__tsan_atomic##bits##_compare_exchange_weak)                                                       \
  int addonrace___tsan_atomic##bits##_compare_exchange_weak(                                                      \
      volatile type *a, type *expected, type desired, int order, int failure) {                                   \
    return addonrace___tsan_atomic##bits##_compare_exchange_strong(a, expected, desired, order, failure);         \
  }

#define UPDATE(bits, type, name, kind, operand, after)                                                            \
  NOTING_ENTRY(__tsan_atomic##bits##_##name)                                                                      \
  type addonrace___tsan_atomic##bits##_##name(volatile type *a, type value, int order) {                          \
    if (host) {                                                                                                   \
      TELL_AT_ENTRY(0, 1);                                                                                        \
      return LABELLED(                                                                                            \
          type,                                                                                                   \
          (type)host->update((uintptr_t)a, sizeof(type), kind, (type)(operand), 0, order, order, &addonrace_entry)); \
    }                                                                                                             \
    type before = *a;                                                                                             \
    *a = (type)(after);                                                                                           \
    return before;                                                                                                \
  }

ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)

static void too_wide(uintptr_t pc) {
  if (host) host->fail(ADDONRACE_UNSUPPORTED, "an atomic operation of 16 bytes", 0, 0, pc);
}
#define ATOMIC128(name, ...)                        \
  __int128 __tsan_atomic128_##name(__VA_ARGS__) {   \
    too_wide(PC);                                   \
    return 0;                                       \
  }
ATOMIC128(load, const volatile __int128 *a, int order)
ATOMIC128(store, volatile __int128 *a, __int128 value, int order)
ATOMIC128(exchange, volatile __int128 *a, __int128 value, int order)
ATOMIC128(compare_exchange_val, volatile __int128 *a, __int128 e, __int128 d, int order, int failure)

void __tsan_atomic_thread_fence(int order) {
  if (host) host->fence(order, PC);
}
void __tsan_atomic_signal_fence(int order) { (void)order; }

// MARK: Plain accesses

static void accesses(void (*tell)(uintptr_t, uint32_t, uintptr_t), const volatile void *a, size_t size, uintptr_t pc) {
  uintptr_t address = (uintptr_t)a, end = address + size;
  while (address < end) {
    uint32_t step = address % 8 == 0 && end - address >= 8 ? 8 : address % 4 == 0 && end - address >= 4 ? 4 : 1;
    tell(address, step, pc);
    address += step;
  }
}

// A plain access is one event of its racer, so what comes in one piece is told in one piece.
#define PLAIN(prefix, bytes)                                                                                      \
  void __tsan_##prefix##read##bytes(void *a) {                                                                    \
    TELL(0);                                                                                                      \
    if (host) host->read((uintptr_t)a, bytes, PC);                                                                \
  }                                                                                                               \
  void __tsan_##prefix##write##bytes(void *a) {                                                                   \
    TELL(0);                                                                                                      \
    if (host) host->write((uintptr_t)a, bytes, PC);                                                               \
  }                                                                                                               \
  void __tsan_##prefix##read_write##bytes(void *a) {                                                              \
    TELL(0);                                                                                                      \
    if (!host) return;                                                                                            \
    host->read((uintptr_t)a, bytes, PC);                                                                          \
    host->write((uintptr_t)a, bytes, PC);                                                                         \
  }
#define PLAIN_ALL(prefix)                                                                                         \
  PLAIN(prefix, 1) PLAIN(prefix, 2) PLAIN(prefix, 4) PLAIN(prefix, 8)                                             \
  void __tsan_##prefix##read16(void *a) {                                                                         \
    TELL(0);                                                                                                      \
    if (host) accesses(host->read, a, 16, PC);                                                                    \
  }                                                                                                               \
  void __tsan_##prefix##write16(void *a) {                                                                        \
    TELL(0);                                                                                                      \
    if (host) accesses(host->write, a, 16, PC);                                                                   \
  }                                                                                                               \
  void __tsan_##prefix##read_write16(void *a) {                                                                   \
    TELL(0);                                                                                                      \
    if (!host) return;                                                                                            \
    accesses(host->read, a, 16, PC);                                                                              \
    accesses(host->write, a, 16, PC);                                                                             \
  }
PLAIN_ALL()
PLAIN_ALL(unaligned_)
PLAIN_ALL(volatile_)
PLAIN_ALL(unaligned_volatile_)

void __tsan_read_range(void *a, size_t size) {
  TELL(0);
  if (host) accesses(host->read, a, size, PC);
}
void __tsan_write_range(void *a, size_t size) {
  TELL(0);
  if (host) accesses(host->write, a, size, PC);
}
void __tsan_vptr_read(void **a) {
  TELL(0);
  if (host) host->read((uintptr_t)a, 8, PC);
}
void __tsan_vptr_update(void **a, void *value) {
  TELL(0);
  if (host && *a != value) host->write((uintptr_t)a, 8, PC);
}
void __tsan_external_read(void *a, void *pc, void *tag) {
  (void)pc, (void)tag;
  if (host) host->read((uintptr_t)a, 1, PC);
}
void __tsan_external_write(void *a, void *pc, void *tag) {
  (void)pc, (void)tag;
  if (host) host->write((uintptr_t)a, 1, PC);
}
void __tsan_init(void) {}
void __tsan_func_entry(void *pc) { (void)pc; }
void __tsan_func_exit(void) {}
void __tsan_ignore_thread_begin(void) {}
void __tsan_ignore_thread_end(void) {}

// Memory functions: piece by piece, each told before it is done, because what is read may be on the graph.
static uint32_t step(uintptr_t a, uintptr_t b, size_t left) {
  uintptr_t both = a | b;
  return both % 8 == 0 && left >= 8 ? 8 : both % 4 == 0 && left >= 4 ? 4 : both % 2 == 0 && left >= 2 ? 2 : 1;
}

static void copy_piece(char *to, const char *from, uint32_t size, uintptr_t pc) {
  host->copy((uintptr_t)from, size, pc);
  uint64_t value = 0;
  __builtin_memcpy(&value, from, size);
  host->write((uintptr_t)to, size, pc);
  __builtin_memcpy(to, &value, size);
  addonrace_copy_labels(to, from, size);
}

void *addonrace_copy(void *to, const void *from, size_t size, uintptr_t pc) {
  if (!host) {
    char *target = to;
    const char *source = from;
    if (target <= source) for (size_t i = 0; i < size; i++) target[i] = source[i];
    else for (size_t i = size; i > 0; i--) target[i - 1] = source[i - 1];
    return to;
  }
  if ((uintptr_t)to - (uintptr_t)from >= size) {
    for (size_t done = 0; done < size;) {
      uint32_t piece = step((uintptr_t)to + done, (uintptr_t)from + done, size - done);
      copy_piece((char *)to + done, (const char *)from + done, piece, pc);
      done += piece;
    }
  } else {
    for (size_t left = size; left > 0;) {
      uint32_t piece = left % 8 == 0 ? step((uintptr_t)to + left - 8, (uintptr_t)from + left - 8, 8) : 1;
      left -= piece;
      copy_piece((char *)to + left, (const char *)from + left, piece, pc);
    }
  }
  return to;
}

static void *set(void *to, int byte, size_t size, uintptr_t pc) {
  volatile char *target = to;
  for (size_t done = 0; done < size;) {
    uint32_t piece = host ? step((uintptr_t)to + done, 0, size - done) : 1;
    if (host) host->write((uintptr_t)to + done, piece, pc);
    for (uint32_t i = 0; i < piece; i++) target[done + i] = (char)byte;
    addonrace_set_labels((char *)to + done, 0, piece);
    done += piece;
  }
  return to;
}

void *__tsan_memcpy(void *to, const void *from, size_t size) { return addonrace_copy(to, from, size, PC); }
void *__tsan_memmove(void *to, const void *from, size_t size) { return addonrace_copy(to, from, size, PC); }
void *__tsan_memset(void *to, int byte, size_t size) { return set(to, byte, size, PC); }

// MARK: Thread-local storage

static char early_storage[16 << 10] __attribute__((aligned(64)));

static int copy_image(struct dl_phdr_info *info, size_t size, void *argument) {
  (void)size, (void)argument;
  const ElfW(Phdr) *storage = NULL;
  int is_here = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    if (header->p_type == PT_LOAD && (uintptr_t)early_storage - (info->dlpi_addr + header->p_vaddr) < header->p_memsz) is_here = 1;
    if (header->p_type == PT_TLS) storage = header;
  }
  if (!is_here) return 0;
  if (storage) {
    if (storage->p_memsz > sizeof early_storage) abort();
    const char *image = (const char *)(info->dlpi_addr + storage->p_vaddr);
    for (size_t i = 0; i < storage->p_filesz; i++) early_storage[i] = image[i];
  }
  return 1;
}

typedef struct {
  uintptr_t module, offset;
} tls_index;

void *__tls_get_addr(tls_index *index) {
  if (host) return (char *)host->thread_storage() + index->offset;
  static int is_copied;
  if (!is_copied) {
    is_copied = 1;
    dl_iterate_phdr(copy_image, NULL);
  }
  return early_storage + index->offset;
}
