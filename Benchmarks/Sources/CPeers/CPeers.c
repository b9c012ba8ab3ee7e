#include "CPeers.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

/// 40 bytes, as struct fown_struct.
struct owner {
  uint32_t lock;
  uint64_t process;
  void *inode;
  uint64_t rest[2];
};

static struct owner *make_owner(void *inode) {
  struct owner *owner = calloc(1, sizeof *owner);
  if (!owner) abort();
  owner->lock = 0x10c0;
  owner->inode = inode;
  return owner;
}

// Loops of visits are unrolled four times, as those that they are compared with.

// MARK: pthread_once

struct once_slot {
  pthread_once_t once;
  struct owner *owner;
};

/// The function that pthread_once calls takes no arguments.
static _Thread_local struct once_slot *visited;
static _Thread_local long made;

static void make_visited(void) {
  visited->owner = make_owner(visited);
  made++;
}

void cpeers_pthread_once_create(void *inodes, long spacing, long count) {
  for (long number = 0; number < count; number++) {
    struct once_slot *slot = (void *)((char *)inodes + number * spacing);
    *slot = (struct once_slot){.once = PTHREAD_ONCE_INIT};
  }
}

struct cpeers_tally cpeers_pthread_once_visit(void *inodes, long spacing, long count) {
  made = 0;
#pragma clang loop unroll_count(4)
  for (long number = 0; number < count; number++) {
    visited = (void *)((char *)inodes + number * spacing);
    pthread_once(&visited->once, make_visited);
  }
  return (struct cpeers_tally){.allocations = made};
}

void cpeers_pthread_once_empty(void *inodes, long spacing, long count) {
  for (long number = 0; number < count; number++) {
    struct once_slot *slot = (void *)((char *)inodes + number * spacing);
    free(slot->owner);
  }
  cpeers_pthread_once_create(inodes, spacing, count);
}

// MARK: A mutex for every visit

struct mutex_slot {
  pthread_mutex_t mutex;
  struct owner *owner;
};

void cpeers_pthread_mutex_create(void *inodes, long spacing, long count) {
  for (long number = 0; number < count; number++) {
    struct mutex_slot *slot = (void *)((char *)inodes + number * spacing);
    pthread_mutex_init(&slot->mutex, NULL);
    slot->owner = NULL;
  }
}

struct cpeers_tally cpeers_pthread_mutex_visit(void *inodes, long spacing, long count) {
  struct cpeers_tally tally = {0};
#pragma clang loop unroll_count(4)
  for (long number = 0; number < count; number++) {
    struct mutex_slot *slot = (void *)((char *)inodes + number * spacing);
    pthread_mutex_lock(&slot->mutex);
    if (!slot->owner) {
      slot->owner = make_owner(slot);
      tally.allocations++;
    }
    pthread_mutex_unlock(&slot->mutex);
  }
  return tally;
}

void cpeers_pthread_mutex_empty(void *inodes, long spacing, long count) {
  for (long number = 0; number < count; number++) {
    struct mutex_slot *slot = (void *)((char *)inodes + number * spacing);
    free(slot->owner);
    slot->owner = NULL;
  }
}
