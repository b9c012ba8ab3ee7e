/*
 * A socket's storage for bpf programs, when the socket and the map go at once. The socket is charged for what hangs off it, and
 * is freed as soon as its storage is gone. There is one map, with one bucket and one element.
 */
#include "bpf-storage.h"

struct net_core {
	int sysctl_optmem_max;
};
struct net {
	struct net_core core;
};
struct sock {
	struct bpf_local_storage *sk_bpf_storage;
	atomic_t sk_omem_alloc;
};
struct bpf_local_storage_cache {
	int unused;
};

static struct net init_net = {.core = {.sysctl_optmem_max = 1 << 16}};

#define sock_net(sk) ((void)(sk), &init_net)
#define rcu_read_lock_dont_migrate() rcu_read_lock()
#define rcu_read_unlock_migrate() rcu_read_unlock()
#define bpf_local_storage_cache_idx_free(cache, index) ((void)(cache), (void)(index))
#define this_cpu_inc(counter) ((void)&(counter))
#define this_cpu_dec(counter) ((void)&(counter))
#define cond_resched_rcu() ((void)0)
#define bpf_mem_alloc_destroy(cache) ((void)(cache))
#define kvfree(memory) kfree(memory)
#define bpf_map_area_free(map) kfree(map)

#include "socket-storage.cut.h"

static const struct bpf_map_ops sk_storage_ops = {
	.map_owner_storage_ptr = bpf_sk_storage_ptr,
	.map_local_storage_charge = bpf_sk_storage_charge,
	.map_local_storage_uncharge = bpf_sk_storage_uncharge,
};

struct pair {
	struct sock *sk;
	struct bpf_local_storage_map *map;
};

static void setup(struct pair *pair)
{
	u64 value = 7;

	pair->sk = kzalloc(sizeof(*pair->sk), GFP_KERNEL);
	pair->map = kzalloc(sizeof(*pair->map), GFP_KERNEL);
	pair->map->map.ops = &sk_storage_ops;
	pair->map->elem_size = sizeof(u64);
	pair->map->buckets = kzalloc(sizeof(*pair->map->buckets), GFP_KERNEL);
	INIT_HLIST_HEAD(&pair->map->buckets->list);
	raw_spin_lock_init(&pair->map->buckets->lock);
	BUG_ON(IS_ERR_OR_NULL(bpf_local_storage_update(pair->sk, pair->map, &value, BPF_NOEXIST, GFP_ATOMIC)));
}

/* The last lines of __sk_destruct(), and sk_prot_free(). */
static void racer_destroy(struct pair *pair)
{
	bpf_sk_storage_free(pair->sk);
	BUG_ON(atomic_read(&pair->sk->sk_omem_alloc));
	kfree(pair->sk);
}

static void racer_free_map(struct pair *pair)
{
	bpf_local_storage_map_free(&pair->map->map, NULL, NULL);
}
