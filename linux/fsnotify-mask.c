/*
 * inode->i_fsnotify_marks and i_fsnotify_mask: the last watch of an inode goes while a new one comes. Around the
 * kernel's functions: one object type of four, one group of one priority, no superblock counters, marks of the caller.
 */
#include <addonrace/kernel.h>

typedef u32 __u32;
enum fsnotify_obj_type {
	FSNOTIFY_OBJ_TYPE_INODE, FSNOTIFY_OBJ_TYPE_VFSMOUNT, FSNOTIFY_OBJ_TYPE_SB,
	FSNOTIFY_OBJ_TYPE_COUNT, FSNOTIFY_OBJ_TYPE_DETACHED = FSNOTIFY_OBJ_TYPE_COUNT
};
#define FSNOTIFY_CONN_FLAG_IS_WATCHED 0x01
#define FSNOTIFY_CONN_FLAG_HAS_IREF 0x02
#define FSNOTIFY_CONN_FLAG_DESTROYING 0x04
#define FSNOTIFY_MARK_FLAG_ATTACHED 0x0002
#define FSNOTIFY_MARK_FLAG_NO_IREF 0x0200
#define FSNOTIFY_GROUP_DUPS 0x02
#define FSNOTIFY_REAPER_DELAY 1

struct fsnotify_mark_connector {
	spinlock_t lock;
	unsigned char type, prio;
	unsigned short flags;
	union {
		void *obj;
		struct fsnotify_mark_connector *destroy_next;
	};
	struct hlist_head list;
};
typedef struct fsnotify_mark_connector *fsnotify_connp_t;
struct fsnotify_mark;
struct fsnotify_ops {
	void (*free_mark)(struct fsnotify_mark *);
};
struct fsnotify_group {
	const struct fsnotify_ops *ops;
	unsigned priority, flags;
};
struct fsnotify_mark {
	__u32 mask;
	refcount_t refcnt;
	struct fsnotify_group *group;
	struct list_head g_list;
	spinlock_t lock;
	struct hlist_node obj_list;
	struct fsnotify_mark_connector *connector;
	unsigned int flags;
};
struct super_block {
	fsnotify_connp_t marks;
	__u32 s_fsnotify_mask;
};
struct mount {
	fsnotify_connp_t mnt_fsnotify_marks;
	__u32 mnt_fsnotify_mask;
};
struct inode {
	fsnotify_connp_t i_fsnotify_marks;
	__u32 i_fsnotify_mask;
	struct fsnotify_mark old, new;
	bool is_added;
};

static struct kmem_cache cache = {sizeof(struct fsnotify_mark_connector)};
static struct kmem_cache *fsnotify_mark_connector_cachep = &cache;
static struct fsnotify_group group;
DEFINE_STATIC_SRCU(fsnotify_mark_srcu);
static DEFINE_SPINLOCK(destroy_lock);
/* Each thread's own, so that many inodes can be raced side by side: the reaper runs right after what queued its work. */
static __thread struct fsnotify_mark_connector *connector_destroy_list;
static __thread struct list_head destroy_list;
struct work_struct {
	int unused;
};
static struct mount *real_mount(void *mount)
{
	return mount;
}
#define fsnotify_sb_marks(sb) (&((struct super_block *)(sb))->marks)
#define fsnotify_conn_inode(conn) ((struct inode *)(conn)->obj)
#define fsnotify_conn_mount(conn) ((struct mount *)(conn)->obj)
#define fsnotify_conn_sb(conn) ((struct super_block *)(conn)->obj)
#define fsnotify_connector_sb(conn) ((struct super_block *)NULL)
#define fsnotify_object_sb(obj, type) ((struct super_block *)NULL)
#define fsnotify_sb_info(sb) true
#define fsnotify_attach_info_to_sb(sb) 0
#define fsnotify_update_sb_watchers(sb, conn) ((void)(sb))
#define fsnotify_valid_obj_type(type) ((type) < FSNOTIFY_OBJ_TYPE_COUNT)
#define fsnotify_calc_mask(mark) ((mark)->mask)
#define fsnotify_get_inode_ref(inode) ((void)(inode))
#define fsnotify_put_inode_ref(inode) ((void)(inode))
#define fsnotify_conn_watches_children(conn) false
#define fsnotify_conn_set_children_dentry_flags(conn) ((void)(conn))
#define fsnotify_compare_groups(a, b) 0
#define fsnotify_put_group(group) ((void)(group))
#define queue_work(queue, work) ((void)0)
#define queue_delayed_work(queue, work, delay) ((void)0)

#include "fsnotify-mask.cut.h"

#define OLD_MASK 1
#define NEW_MASK 2

static void make(struct fsnotify_mark *mark, __u32 mask)
{
	mark->mask = mask;
	refcount_set(&mark->refcnt, 1);
	mark->group = &group;
	spin_lock_init(&mark->lock);
	INIT_HLIST_NODE(&mark->obj_list);
	mark->connector = NULL;
	mark->flags = FSNOTIFY_MARK_FLAG_ATTACHED | FSNOTIFY_MARK_FLAG_NO_IREF;
}

/* As fsnotify_add_mark_locked does: the mark on the list, and then the mask, in another section of the connector's lock. */
static bool add(struct inode *inode, struct fsnotify_mark *mark)
{
	if (fsnotify_add_mark_list(mark, inode, FSNOTIFY_OBJ_TYPE_INODE, 0))
		return false;
	fsnotify_recalc_mask(mark->connector);
	return true;
}

static void setup(struct inode *inode)
{
	inode->i_fsnotify_marks = NULL;
	inode->i_fsnotify_mask = 0;
	inode->is_added = false;
	make(&inode->old, OLD_MASK);
	make(&inode->new, NEW_MASK);
	BUG_ON(!add(inode, &inode->old));
}

static void racer_remove(struct inode *inode)
{
	connector_destroy_list = NULL;
	INIT_LIST_HEAD(&destroy_list);
	fsnotify_put_mark(&inode->old);
	fsnotify_connector_destroy_workfn(NULL);
}

static void racer_add(struct inode *inode)
{
	inode->is_added = add(inode, &inode->new);
}

/* fsnotify(): is there anybody who wants to know? */
static void racer_event(struct inode *inode)
{
	(void)READ_ONCE(inode->i_fsnotify_mask);
}

static void check(struct inode *inode)
{
	BUG_ON(inode->is_added && !(inode->i_fsnotify_mask & NEW_MASK));
}

static void teardown(struct inode *inode)
{
	if (inode->i_fsnotify_marks)
		kmem_cache_free(fsnotify_mark_connector_cachep, inode->i_fsnotify_marks);
}
