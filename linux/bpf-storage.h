/*
 * What stands around Linux's storage for bpf programs, whoever its owner is: structures with the fields that are used, and
 * frees after a grace period of RCU.
 */
#include <addonrace/kernel.h>

#define BPF_LOCAL_STORAGE_CACHE_SIZE 16
enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2, BPF_F_LOCK = 4 };
enum { BPF_SPIN_LOCK = 1 };

struct bpf_local_storage;
struct bpf_local_storage_map;
struct bpf_map_ops {
	struct bpf_local_storage **(*map_owner_storage_ptr)(void *owner);
	int (*map_local_storage_charge)(struct bpf_local_storage_map *smap, void *owner, u32 size);
	void (*map_local_storage_uncharge)(struct bpf_local_storage_map *smap, void *owner, u32 size);
};
struct bpf_map {
	const struct bpf_map_ops *ops;
	void *record;
};
struct bpf_local_storage_map_bucket {
	struct hlist_head list;
	raw_spinlock_t lock;
};
struct bpf_local_storage_map {
	struct bpf_map map;
	struct bpf_local_storage_map_bucket *buckets;
	u32 bucket_log;
	u16 elem_size, cache_idx;
	int selem_ma, storage_ma;
	bool bpf_ma;
};
struct bpf_local_storage_data {
	struct bpf_local_storage_map *smap;
	u64 data[1];
};
struct bpf_local_storage_elem {
	struct hlist_node map_node, snode;
	struct bpf_local_storage *local_storage;
	struct rcu_head rcu;
	struct bpf_local_storage_data sdata;
};
struct bpf_local_storage {
	struct bpf_local_storage_data *cache[BPF_LOCAL_STORAGE_CACHE_SIZE];
	struct bpf_local_storage_map *smap;
	struct hlist_head list;
	void *owner;
	struct rcu_head rcu;
	raw_spinlock_t lock;
};
#define SDATA(selem) (&(selem)->sdata)
#define SELEM(data) container_of((data), struct bpf_local_storage_elem, sdata)

#define btf_record_has_field(record, field) ((void)(record), false)
#define copy_map_value_locked(map, to, from, all) ((void)(map))
#define check_storage_bpf_ma(storage, smap, selem) ((void)(smap), false)
#define bpf_mem_cache_alloc_flags(cache, flags) ((void)(cache), NULL)
#define bpf_map_kzalloc(map, size, flags) kzalloc(size, flags)
#define hash_ptr(pointer, bits) ((void)(pointer), (void)(bits), 0)
#define migrate_disable() ((void)0)
#define migrate_enable() ((void)0)

static void bpf_local_storage_free(struct bpf_local_storage *storage, struct bpf_local_storage_map *smap, bool bpf_ma,
				   bool reuse_now)
{
	(void)smap, (void)bpf_ma, (void)reuse_now;
	if (storage)
		kfree_rcu(storage, rcu);
}

static void bpf_selem_free(struct bpf_local_storage_elem *selem, struct bpf_local_storage_map *smap, bool reuse_now)
{
	(void)smap, (void)reuse_now;
	kfree_rcu(selem, rcu);
}

static int mem_charge(struct bpf_local_storage_map *smap, void *owner, u32 size);

static struct bpf_local_storage_elem *bpf_selem_alloc(struct bpf_local_storage_map *smap, void *owner, void *value,
						      bool charge_mem, gfp_t gfp_flags)
{
	struct bpf_local_storage_elem *selem;

	if (charge_mem && mem_charge(smap, owner, smap->elem_size))
		return NULL;
	selem = kzalloc(sizeof(*selem), gfp_flags);
	if (selem)
		selem->sdata.data[0] = *(u64 *)value;
	return selem;
}

#include "bpf-storage.cut.h"
