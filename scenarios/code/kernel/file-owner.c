/*
 * A lazily populated pointer in the manner of file->f_owner (Linux 6.12, fs/fcntl.c), in a few lines of our own, and a
 * reader that acquires, so that it holds in C11 too. (Linux's readers rely on an address dependency.)
 *
 *   (nothing)        the compare-exchange publishes, and the reader's acquire sees all of it
 *   -DPLAIN_STORE    whoever allocates stores: two owners
 *   -DFREES_EARLY    the file's release frees the owner while the reader may still look at it
 */
#include <addonrace/kernel.h>

struct fown_struct {
	spinlock_t lock;
	int signum;
};

struct file {
	struct fown_struct *f_owner;
	int error[2];
	int seen;
};

static int f_owner_allocate(struct file *file)
{
	struct fown_struct *owner;

	if (smp_load_acquire(&file->f_owner))
		return 0;
	owner = kzalloc(sizeof(*owner), GFP_KERNEL);
	if (!owner)
		return -ENOMEM;
	spin_lock_init(&owner->lock);
	owner->signum = 29;
#ifdef PLAIN_STORE
	smp_store_release(&file->f_owner, owner);
#else
	if (cmpxchg(&file->f_owner, NULL, owner))
		kfree(owner);
#endif
	return 0;
}

static void setup(struct file *file)
{
	file->f_owner = NULL;
}

static void racer_set(struct file *file)
{
	f_owner_allocate(file);
}

static void racer_signal(struct file *file)
{
	struct fown_struct *owner = smp_load_acquire(&file->f_owner);

	if (!owner)
		return;
	spin_lock(&owner->lock);
	file->seen = owner->signum;
	spin_unlock(&owner->lock);
}

#ifdef FREES_EARLY
static void racer_release(struct file *file)
{
	kfree(xchg(&file->f_owner, NULL));
}
#endif

static void check(struct file *file)
{
	BUG_ON(file->seen != 0 && file->seen != 29);
}

static void teardown(struct file *file)
{
	kfree(file->f_owner);
}
