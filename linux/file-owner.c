/*
 * file->f_owner as the tree at hand has it: fcntl(F_SETOWN) allocates on first use, and the loser of the compare-exchange
 * frees its own. Around it: structures with the fields that are used.
 */
#include <addonrace/kernel.h>

enum pid_type { PIDTYPE_PID, PIDTYPE_TGID };
typedef u32 kuid_t;
struct pid {
	refcount_t count;
};
struct cred {
	kuid_t uid, euid;
};
struct file;
struct fown_struct {
	struct file *file;
	rwlock_t lock;
	struct pid *pid;
	enum pid_type pid_type;
	kuid_t uid, euid;
	int signum;
};
struct file {
	struct fown_struct *f_owner;
	struct pid pids[2];
};

static struct cred cred = {1000, 1000};
#define current_cred() (&cred)
#define security_file_set_fowner(file) ((void)(file))

static struct pid *get_pid(struct pid *pid)
{
	if (pid)
		refcount_inc(&pid->count);
	return pid;
}

static void put_pid(struct pid *pid)
{
	if (pid && refcount_dec_and_test(&pid->count))
		BUG();
}

#include "file-owner.cut.h"

static void setup(struct file *file)
{
	file->f_owner = NULL;
	refcount_set(&file->pids[0].count, 1);
	refcount_set(&file->pids[1].count, 1);
}

static void racer_set(struct file *file)
{
	if (file_f_owner_allocate(file) == 0)
		__f_setown(file, &file->pids[0], PIDTYPE_TGID, 1);
}

static void racer_replace(struct file *file)
{
	if (file_f_owner_allocate(file) == 0)
		__f_setown(file, &file->pids[1], PIDTYPE_PID, 0);
}

/* As send_sigio does: the owner, and under its lock the process. */
static void racer_signal(struct file *file)
{
	struct fown_struct *owner = file_f_owner(file);

	if (!owner)
		return;
	read_lock(&owner->lock);
	BUG_ON(owner->file != file);
	if (owner->pid)
		BUG_ON(owner->pid != &file->pids[0] && owner->pid != &file->pids[1]);
	read_unlock(&owner->lock);
}

static void teardown(struct file *file)
{
	file_f_owner_release(file);
	BUG_ON(refcount_read(&file->pids[0].count) != 1 || refcount_read(&file->pids[1].count) != 1);
}
