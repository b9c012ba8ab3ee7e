/*
 * An inode's storage for bpf programs: allocated by the first program that asks for it, published with a compare-exchange,
 * and freed with its last element. Elements are on two lists, the storage's and the map's, each under a lock of its own.
 * There is one map, with one bucket.
 */
#include "bpf-storage.h"

struct inode {
	struct bpf_local_storage *storage;
	struct bpf_local_storage_map map;
	struct bpf_local_storage_map_bucket bucket;
};

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
