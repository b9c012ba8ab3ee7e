/*
 * A slot that is populated lazily: whoever finds it empty allocates, and a compare-exchange settles whose allocation it is.
 *
 *   (nothing)     right
 *   -DLEAKS       the loser keeps its own
 *   -DRELAXED     publishes without release: the value may be read before it is there
 *   -DSTORES      no compare-exchange: both store
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct addon {
  int value;
};

static _Atomic(struct addon *) slot;

static struct addon *get(void) {
  struct addon *addon = atomic_load_explicit(&slot, memory_order_acquire);
  if (addon != NULL) return addon;
  struct addon *mine = malloc(sizeof *mine);
  mine->value = 42;
#if defined(STORES)
  atomic_store_explicit(&slot, mine, memory_order_release);
  return mine;
#elif defined(RELAXED)
  if (atomic_compare_exchange_strong_explicit(&slot, &addon, mine, memory_order_relaxed, memory_order_relaxed)) return mine;
#else
  if (atomic_compare_exchange_strong_explicit(&slot, &addon, mine, memory_order_acq_rel, memory_order_acquire)) return mine;
#endif
#if !defined(LEAKS)
  free(mine);
#endif
  return addon;
}

static void *racer(void *unused) {
  assert(get()->value == 42);
  return unused;
}

int main(void) {
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, racer, NULL);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  free(atomic_load(&slot));
  return 0;
}
