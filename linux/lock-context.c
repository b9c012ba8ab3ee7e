/* inode->i_flctx: locks_get_lock_context allocates on first use; readers acquire. */
#include <addonrace/kernel.h>

#define F_UNLCK 2
struct file_lock_context {
	spinlock_t flc_lock;
	struct list_head flc_flock, flc_posix, flc_lease;
};
struct inode {
	struct file_lock_context *i_flctx;
};

static struct kmem_cache cache = {sizeof(struct file_lock_context)};
static struct kmem_cache *flctx_cache = &cache;
#define trace_locks_get_lock_context(inode, type, ctx) ((void)(ctx))

#include "lock-context.cut.h"

struct lock {
	struct list_head list;
};

static void setup(struct inode *inode)
{
	inode->i_flctx = NULL;
}

static void racer_lock(struct inode *inode)
{
	struct file_lock_context *ctx = locks_get_lock_context(inode, 0);
	struct lock lock;

	if (!ctx)
		return;
	spin_lock(&ctx->flc_lock);
	BUG_ON(!list_empty(&ctx->flc_posix));
	list_add_tail(&lock.list, &ctx->flc_posix);
	list_del(&lock.list);
	spin_unlock(&ctx->flc_lock);
}

static void racer_look(struct inode *inode)
{
	struct file_lock_context *ctx = locks_inode_context(inode);

	if (!ctx)
		return;
	spin_lock(&ctx->flc_lock);
	BUG_ON(!list_empty(&ctx->flc_posix));
	spin_unlock(&ctx->flc_lock);
}

static void teardown(struct inode *inode)
{
	if (inode->i_flctx)
		kmem_cache_free(flctx_cache, inode->i_flctx);
}
