#include "CPeers.h"

#include <cstdint>
#include <mutex>
#include <new>

namespace {

/// 40 bytes, as struct fown_struct.
struct Owner {
  std::uint32_t lock = 0x10c0;
  std::uint64_t process = 0;
  void *inode;
  std::uint64_t rest[2] = {};
  explicit Owner(void *inode) : inode(inode) {}
};

struct OnceSlot {
  std::once_flag once;
  Owner *owner = nullptr;
};

OnceSlot *slot(void *inodes, long spacing, long number) {
  return reinterpret_cast<OnceSlot *>(static_cast<char *>(inodes) + number * spacing);
}

Owner &local_static() {
  // Not a constant: it has to be made on first use.
  static Owner owner(new char);
  return owner;
}

} // namespace

void cpeers_call_once_create(void *inodes, long spacing, long count) {
  for (long number = 0; number < count; number++) new (slot(inodes, spacing, number)) OnceSlot;
}

cpeers_tally cpeers_call_once_visit(void *inodes, long spacing, long count) {
  cpeers_tally tally = {};
#pragma clang loop unroll_count(4)
  for (long number = 0; number < count; number++) {
    OnceSlot *visited = slot(inodes, spacing, number);
    std::call_once(visited->once, [&] {
      visited->owner = new Owner(visited);
      tally.allocations++;
    });
  }
  return tally;
}

void cpeers_call_once_empty(void *inodes, long spacing, long count) {
  for (long number = 0; number < count; number++) {
    OnceSlot *emptied = slot(inodes, spacing, number);
    delete emptied->owner;
    emptied->~OnceSlot();
  }
  cpeers_call_once_create(inodes, spacing, count);
}

void cpeers_local_static_visit(long count) {
#pragma clang loop unroll_count(4)
  for (long number = 0; number < count; number++) cpeers_look(&local_static());
}
