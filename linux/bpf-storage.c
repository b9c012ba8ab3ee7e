/*
 * An inode's storage for bpf programs: allocated by the first program that asks for it, published with a compare-exchange,
 * and freed with its last element. Elements are on two lists, the storage's and the map's, each under a lock of its own.
 * Around it: structures with the fields that are used, one map with one bucket, and frees after a grace period of RCU.
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

struct inode {
	struct bpf_local_storage *storage;
	struct bpf_local_storage_map map;
	struct bpf_local_storage_map_bucket bucket;
};

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

static struct bpf_local_storage_elem *bpf_selem_alloc(struct bpf_local_storage_map *smap, void *owner, void *value,
						      bool charge_mem, gfp_t gfp_flags)
{
	struct bpf_local_storage_elem *selem = kzalloc(sizeof(*selem), gfp_flags);

	(void)smap, (void)owner, (void)charge_mem;
	if (selem)
		selem->sdata.data[0] = *(u64 *)value;
	return selem;
}

#include "bpf-storage.cut.h"

static struct bpf_local_storage **inode_storage_ptr(void *owner)
{
	return &((struct inode *)owner)->storage;
}

static const struct bpf_map_ops inode_storage_ops = {.map_owner_storage_ptr = inode_storage_ptr};

static void setup(struct inode *inode)
{
	inode->storage = NULL;
	inode->map.map.ops = &inode_storage_ops;
	inode->map.buckets = &inode->bucket;
	inode->map.elem_size = sizeof(u64);
	INIT_HLIST_HEAD(&inode->bucket.list);
	raw_spin_lock_init(&inode->bucket.lock);
}

static struct bpf_local_storage_data *lookup(struct inode *inode, bool cacheit_lockit)
{
	struct bpf_local_storage *storage = rcu_dereference(inode->storage);

	return storage ? bpf_local_storage_lookup(storage, &inode->map, cacheit_lockit) : NULL;
}

/* bpf_inode_storage_get(), with BPF_LOCAL_STORAGE_GET_F_CREATE. */
static void racer_get(struct inode *inode)
{
	struct bpf_local_storage_data *sdata;
	u64 value = 7;

	rcu_read_lock();
	sdata = lookup(inode, true);
	if (!sdata)
		sdata = bpf_local_storage_update(inode, &inode->map, &value, BPF_NOEXIST, GFP_ATOMIC);
	if (!IS_ERR_OR_NULL(sdata))
		BUG_ON(sdata->data[0] != 7);
	rcu_read_unlock();
}

/* bpf_inode_storage_delete(). */
static void racer_delete(struct inode *inode)
{
	struct bpf_local_storage_data *sdata;

	rcu_read_lock();
	sdata = lookup(inode, false);
	if (sdata)
		bpf_selem_unlink(SELEM(sdata), false);
	rcu_read_unlock();
}

static void check(struct inode *inode)
{
	struct bpf_local_storage *storage = inode->storage;

	/* One element, on both lists; or none, on neither. */
	if (!storage) {
		BUG_ON(inode->bucket.list.first);
		return;
	}
	BUG_ON(!storage->list.first || storage->list.first->next);
	BUG_ON(inode->bucket.list.first !=
	       &container_of(storage->list.first, struct bpf_local_storage_elem, snode)->map_node);
	BUG_ON(inode->bucket.list.first->next);
}

static void teardown(struct inode *inode)
{
	if (!inode->storage)
		return;
	kfree(container_of(inode->storage->list.first, struct bpf_local_storage_elem, snode));
	kfree(inode->storage);
}
