/* sb->s_fsnotify_info: fsnotify_attach_info_to_sb; readers rely on an address dependency. */
#include <addonrace/kernel.h>

#define CONFIG_FSNOTIFY 1
struct fsnotify_sb_info {
	void *sb_marks;
	atomic_long_t watched_objects[3];
};
struct super_block {
	struct fsnotify_sb_info *s_fsnotify_info;
};

#include "fsnotify-info.cut.h"

static void setup(struct super_block *sb)
{
	sb->s_fsnotify_info = NULL;
}

static void racer_watch(struct super_block *sb)
{
	if (!fsnotify_sb_info(sb) && fsnotify_attach_info_to_sb(sb))
		return;
	atomic_long_inc(&fsnotify_sb_info(sb)->watched_objects[0]);
}

static void racer_event(struct super_block *sb)
{
	struct fsnotify_sb_info *info = fsnotify_sb_info(sb);

	if (info)
		BUG_ON(atomic_long_read(&info->watched_objects[0]) < 0);
}

static void teardown(struct super_block *sb)
{
	kfree(sb->s_fsnotify_info);
}
