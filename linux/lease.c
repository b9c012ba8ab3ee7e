/*
 * The first lease of an inode against an open for reading: break_lease looks at i_flctx without a barrier, and where it
 * finds none, nothing orders the count that the open has taken before that look.
 */
#include <addonrace/kernel.h>

#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2
#define FL_DELEG 4
#define FL_LEASE 32
#define FL_UNLOCK_PENDING 512
#define FL_LAYOUT 2048
#define FMODE_READ 1
#define FMODE_WRITE 2
#define O_RDONLY 0

struct file_lock_context {
	spinlock_t flc_lock;
	struct list_head flc_flock, flc_posix, flc_lease;
};
struct inode {
	struct file_lock_context *i_flctx;
	atomic_t i_writecount, i_readcount;
	/* What the two have found: both is what must not be. */
	bool has_lease, opened_without_breaking;
};
struct file {
	struct inode *f_inode;
	unsigned f_mode;
};
struct file_lock_core {
	struct list_head flc_list;
	struct file *flc_file;
	void *flc_owner;
	unsigned flc_flags;
};
struct file_lease;
struct lease_manager_operations {
	int (*lm_change)(struct file_lease *, int, struct list_head *);
	void (*lm_setup)(struct file_lease *, void **);
};
struct file_lease {
	struct file_lock_core c;
	const struct lease_manager_operations *fl_lmops;
};

static struct kmem_cache cache = {sizeof(struct file_lock_context)};
static struct kmem_cache *flctx_cache = &cache;
static const struct lease_manager_operations operations;
static const int leases_enable = 1;
#define trace_locks_get_lock_context(inode, type, ctx) ((void)(ctx))
#define trace_generic_add_lease(inode, lease) ((void)(lease))
#define file_inode(file) ((file)->f_inode)
#define file_f_owner_allocate(file) 0
#define inode_is_open_for_write(inode) (atomic_read(&(inode)->i_writecount) > 0)
#define inode_trylock(inode) 1
#define inode_unlock(inode) ((void)(inode))
#define percpu_down_read(semaphore) ((void)0)
#define percpu_up_read(semaphore) ((void)0)
#define time_out_leases(inode, dispose) ((void)(dispose))
#define locks_dispose_list(dispose) ((void)(dispose))
#define locks_insert_lock_ctx(lock, before) list_add_tail(&(lock)->flc_list, before)
#define locks_unlink_lock_ctx(lock) list_del_init(&(lock)->flc_list)

static int __break_lease(struct inode *inode, unsigned mode, unsigned type)
{
	return -EAGAIN;
}

#include "lease.cut.h"

static void setup(struct inode *inode)
{
	inode->i_flctx = NULL;
	atomic_set(&inode->i_writecount, 0);
	atomic_set(&inode->i_readcount, 0);
	inode->has_lease = inode->opened_without_breaking = false;
}

/* open(O_RDONLY), as do_dentry_open does: the count, then the lease. */
static void racer_open(struct inode *inode)
{
	atomic_inc(&inode->i_readcount);
	if (break_lease(inode, O_RDONLY) == 0)
		inode->opened_without_breaking = true;
}

/* fcntl(F_SETLEASE, F_WRLCK), by who has no count of its own. */
static void racer_lease(struct inode *inode)
{
	struct file file = {inode, 0};
	struct file_lease *lease = kzalloc(sizeof(*lease), GFP_KERNEL), *added = lease;

	if (!lease)
		return;
	lease->fl_lmops = &operations;
	lease->c.flc_file = &file;
	lease->c.flc_flags = FL_LEASE;
	INIT_LIST_HEAD(&lease->c.flc_list);
	if (generic_add_lease(&file, F_WRLCK, &added, NULL) == 0)
		inode->has_lease = true;
	else
		kfree(lease);
}

static void check(struct inode *inode)
{
	BUG_ON(inode->has_lease && inode->opened_without_breaking);
}

static void teardown(struct inode *inode)
{
	struct file_lock_context *ctx = inode->i_flctx;

	if (!ctx)
		return;
	if (!list_empty(&ctx->flc_lease))
		kfree(list_first_entry(&ctx->flc_lease, struct file_lease, c.flc_list));
	kmem_cache_free(flctx_cache, ctx);
}
