// What the race shapes of AddonRace are compared with: loops in C that do nothing but race and count, with the C
// library's malloc and free. Two pinned racers (or more, in the pipeline) visit batches of slots; one barrier a batch;
// while one batch is raced, the one before it is emptied.
//
//     race-loops SHAPE SECONDS [RACERS]      SHAPE: natural adaptive delay pipeline forced
//
// Prints: populations/s, collisions/s, yield, losers/slot.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 256, IN_FLIGHT = 32, MOST_RACERS = 255, LINE = 128 };
enum shape { NATURAL, ADAPTIVE, DELAY, PIPELINE, FORCED };
static const char *const shape_names[] = {"natural", "adaptive", "delay", "pipeline", "forced"};

struct addon {
  uint64_t owner, magic, rest[2];
};
typedef _Atomic(struct addon *) slot;
struct line {
  _Alignas(LINE) _Atomic uint64_t word;
};
struct count {
  _Alignas(LINE) uint64_t won, lost, batches;
};

static enum shape shape;
static int racers = 2, cores;
static double deadline;
static char *slots[2];
static size_t spacing;
static uint32_t order[BATCH + 1];
static struct line barrier, stop, progress[MOST_RACERS];
static struct count counts[MOST_RACERS];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

static inline void relax(void) {
  if (racers > cores) {
    sched_yield();
  } else {
#if defined(__x86_64__)
    __asm__ volatile("pause");
#endif
  }
}

static inline void spin(int instructions) {
  for (; instructions > 0; instructions--) __asm__ volatile("nop");
}

static inline slot *slot_at(char *batch, int position) { return (slot *)(batch + order[position] * spacing); }

static inline struct addon *make(int racer) {
  struct addon *addon = malloc(sizeof *addon);
  addon->owner = (uint64_t)racer;
  addon->magic = 0xadd0;
  return addon;
}

static inline void publish(slot *slot, struct addon *mine, struct count *count) {
  struct addon *expected = NULL;
  if (atomic_compare_exchange_strong_explicit(slot, &expected, mine, memory_order_acq_rel, memory_order_acquire)) {
    count->won++;
  } else {
    free(mine);
    count->lost++;
  }
}

static inline void announce(int racer, uint64_t ticket) {
  atomic_store_explicit(&progress[racer].word, ticket, memory_order_release);
}

static inline int everyone_reached(int racer, uint64_t ticket) {
  for (int other = 0; other < racers; other++) {
    if (other != racer && atomic_load_explicit(&progress[other].word, memory_order_acquire) < ticket) return 0;
  }
  return 1;
}

static inline void meet(int racer, uint64_t ticket) {
  announce(racer, ticket);
  while (!everyone_reached(racer, ticket)) relax();
}

static void race_natural(int racer, char *batch, struct count *count) {
  for (int i = 0; i < BATCH; i++) {
    slot *slot = slot_at(batch, i);
    if (!atomic_load_explicit(slot, memory_order_acquire)) publish(slot, make(racer), count);
  }
}

// Whoever is last to announce waits a little: how long it learns from who came too late.
static void race_adaptive(int racer, char *batch, struct count *count, uint64_t epoch, int *delay, int window) {
  for (int i = 0; i < BATCH; i++) {
    slot *slot = slot_at(batch, i);
    uint64_t ticket = epoch + i + 1;
    __builtin_prefetch((void *)slot_at(batch, i + 1), 0, 3);
    announce(racer, ticket);
    int last = everyone_reached(racer, ticket);
    if (last) {
      spin(*delay >> 4);
    } else {
      while (!everyone_reached(racer, ticket)) relax();
    }
    if (!atomic_load_explicit(slot, memory_order_acquire)) {
      struct addon *mine = make(racer);
      spin(window);
      publish(slot, mine, count);
    } else if (last) {
      if (*delay > 0) --*delay;
    } else if (*delay < 2000 << 4) {
      ++*delay;
    }
  }
}

static void race_pipeline(int racer, char *batch, struct count *count, uint64_t epoch) {
  struct addon *mine[IN_FLIGHT];
  for (int group = 0; group < BATCH; group += IN_FLIGHT) {
    if (racers <= cores) meet(racer, epoch + group + 1);
    int empty[IN_FLIGHT];
    for (int i = 0; i < IN_FLIGHT; i++) {
      empty[i] = atomic_load_explicit(slot_at(batch, group + i), memory_order_acquire) == NULL;
    }
    if (racers > cores) sched_yield();
    for (int i = 0; i < IN_FLIGHT; i++) {
      if (empty[i]) mine[i] = make(racer);
    }
    for (int i = 0; i < IN_FLIGHT; i++) {
      if (empty[i]) publish(slot_at(batch, group + i), mine[i], count);
    }
  }
}

static void race_forced(int racer, char *batch, struct count *count, uint64_t epoch) {
  for (int i = 0; i < BATCH; i++) {
    slot *slot = slot_at(batch, i);
    if (!atomic_load_explicit(slot, memory_order_acquire)) {
      struct addon *mine = make(racer);
      meet(racer, epoch + i + 1);
      publish(slot, mine, count);
    } else {
      announce(racer, epoch + i + 1);
    }
  }
}

static void *race(void *argument) {
  int racer = (int)(intptr_t)argument, delay = 40 << 4;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(racer % cores, &one);
  pthread_setaffinity_np(pthread_self(), sizeof one, &one);
  struct count count = {0};
  uint64_t crossing = 0, epoch = 0;
  for (;;) {
    crossing += racers;
    atomic_fetch_add_explicit(&barrier.word, 1, memory_order_acq_rel);
    while (atomic_load_explicit(&barrier.word, memory_order_acquire) < crossing) relax();
    uint64_t last = atomic_load_explicit(&stop.word, memory_order_relaxed);
    if (last && count.batches >= last) break;
    char *batch = slots[count.batches & 1], *before = slots[~count.batches & 1];
    epoch += BATCH + 8;
    switch (shape) {
      case NATURAL: race_natural(racer, batch, &count); break;
      case ADAPTIVE: race_adaptive(racer, batch, &count, epoch, &delay, 0); break;
      case DELAY: race_adaptive(racer, batch, &count, epoch, &delay, 200); break;
      case PIPELINE: race_pipeline(racer, batch, &count, epoch); break;
      case FORCED: race_forced(racer, batch, &count, epoch); break;
    }
    if (count.batches > 0) {
      for (int i = BATCH * racer / racers; i < BATCH * (racer + 1) / racers; i++) {
        slot *slot = slot_at(before, i);
        struct addon *addon = atomic_load_explicit(slot, memory_order_relaxed);
        if (addon && addon->magic != 0xadd0) abort();
        free(addon);
        atomic_store_explicit(slot, NULL, memory_order_relaxed);
      }
    }
    count.batches++;
    if (racer == 0 && !last && now() > deadline) {
      atomic_store_explicit(&stop.word, count.batches + 1, memory_order_relaxed);
    }
  }
  counts[racer] = count;
  return NULL;
}

int main(int count, char **arguments) {
  cpu_set_t allowed;
  sched_getaffinity(0, sizeof allowed, &allowed);
  cores = CPU_COUNT(&allowed);
  int known = 0;
  for (int i = 0; count > 2 && i < 5; i++) {
    if (strcmp(arguments[1], shape_names[i]) == 0) {
      shape = (enum shape)i;
      known = 1;
    }
  }
  if (count > 3) racers = atoi(arguments[3]);
  if (!known || racers < 2 || racers > MOST_RACERS) {
    fprintf(stderr, "usage: race-loops natural|adaptive|delay|pipeline|forced SECONDS [RACERS]\n");
    return 64;
  }
  // A natural race is best with slots side by side and neighbours far apart in time.
  spacing = shape == NATURAL || shape == ADAPTIVE ? sizeof(slot) : 64;
  for (int i = 0; i <= BATCH; i++) order[i] = (uint32_t)(i * 31 % BATCH);
  for (int i = 0; i < 2; i++) {
    slots[i] = aligned_alloc(4096, (BATCH * spacing + 4095) / 4096 * 4096);
    memset(slots[i], 0, BATCH * spacing);
  }
  double start = now();
  deadline = start + atof(arguments[2]);
  pthread_t threads[MOST_RACERS];
  for (intptr_t i = 0; i < racers; i++) pthread_create(&threads[i], NULL, race, (void *)i);
  uint64_t won = 0, lost = 0;
  for (int i = 0; i < racers; i++) {
    pthread_join(threads[i], NULL);
    won += counts[i].won;
    lost += counts[i].lost;
  }
  double seconds = now() - start;
  printf("%.0f %.0f %.4f %.3f\n", won / seconds, lost / seconds, (double)lost / won, (double)lost / won);
  return 0;
}
