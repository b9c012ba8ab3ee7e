/* inode->i_verity_info: published with a release, read with an acquire; the loser frees its own. */
#include <addonrace/kernel.h>

struct fsverity_info {
	int tree_params;
};
struct inode {
	struct fsverity_info *i_verity_info;
};
#define fsverity_free_info(vi) kfree(vi)

#include "verity-info.cut.h"

static void setup(struct inode *inode)
{
	inode->i_verity_info = NULL;
}

static void racer_open(struct inode *inode)
{
	struct fsverity_info *vi;

	if (fsverity_get_info(inode))
		return;
	vi = kzalloc(sizeof(*vi), GFP_KERNEL);
	if (!vi)
		return;
	vi->tree_params = 7;
	fsverity_set_info(inode, vi);
	/* What fsverity_set_info's last words are about. */
	BUG_ON(inode->i_verity_info->tree_params != 7);
}

static void racer_verify(struct inode *inode)
{
	struct fsverity_info *vi = fsverity_get_info(inode);

	BUG_ON(vi && vi->tree_params != 7);
}

static void teardown(struct inode *inode)
{
	kfree(inode->i_verity_info);
}
