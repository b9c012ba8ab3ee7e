/* inode->i_crypt_info: published with a release, and linked into the master key's list after that, by the winner alone. */
#include <addonrace/kernel.h>

#define FSCRYPT_FILE_NONCE_SIZE 16
#define FSCRYPT_MAX_IV_SIZE 32
#define CONFIG_FS_ENCRYPTION 1
union fscrypt_policy {
	u8 version;
};
struct fscrypt_mode {
	int ivsize;
};
struct fscrypt_master_key {
	refcount_t mk_active_refs;
	struct rw_semaphore mk_sem;
	spinlock_t mk_decrypted_inodes_lock;
	struct list_head mk_decrypted_inodes;
};
struct super_block;
struct inode;
struct fscrypt_inode_info {
	struct inode *ci_inode;
	union fscrypt_policy ci_policy;
	u8 ci_nonce[FSCRYPT_FILE_NONCE_SIZE];
	struct fscrypt_mode *ci_mode;
	u8 ci_data_unit_bits, ci_data_units_per_block_bits;
	struct fscrypt_master_key *ci_master_key;
	struct list_head ci_master_key_link;
	int ci_enc_key, ci_direct_key;
	bool ci_owns_key;
};
struct inode {
	struct fscrypt_inode_info *i_crypt_info;
	struct super_block *i_sb;
	u8 i_blkbits;
	struct fscrypt_master_key key;
	struct fscrypt_mode mode;
};

static struct kmem_cache cache = {sizeof(struct fscrypt_inode_info)};
static struct kmem_cache *fscrypt_inode_info_cachep = &cache;
#define fscrypt_initialize(sb) ((void)(sb), 0)
#define select_encryption_mode(policy, inode) (&(inode)->mode)
#define fscrypt_policy_du_bits(policy, inode) ((void)(policy), 12)
#define fscrypt_put_direct_key(key) ((void)(key))
#define fscrypt_destroy_prepared_key(sb, key) ((void)(key))
#define fscrypt_put_master_key(mk) ((void)(mk))
#define memzero_explicit(pointer, size) ((void)(pointer))

static void fscrypt_put_master_key_activeref(struct super_block *sb, struct fscrypt_master_key *mk)
{
	BUG_ON(refcount_dec_and_test(&mk->mk_active_refs));
}

/* Finds the key, and keeps its semaphore, as the kernel's does. */
static int setup_file_encryption_key(struct fscrypt_inode_info *ci, bool need_dirhash_key,
				     struct fscrypt_master_key **mk_ret)
{
	struct fscrypt_master_key *mk = &ci->ci_inode->key;

	down_read(&mk->mk_sem);
	*mk_ret = mk;
	return 0;
}

#include "crypt-info.cut.h"

static void setup(struct inode *inode)
{
	inode->i_crypt_info = NULL;
	inode->i_blkbits = 12;
	inode->mode.ivsize = 16;
	refcount_set(&inode->key.mk_active_refs, 1);
	init_rwsem(&inode->key.mk_sem);
	spin_lock_init(&inode->key.mk_decrypted_inodes_lock);
	INIT_LIST_HEAD(&inode->key.mk_decrypted_inodes);
}

static void racer_open(struct inode *inode)
{
	static const u8 nonce[FSCRYPT_FILE_NONCE_SIZE] = {1};
	const union fscrypt_policy policy = {2};

	if (fscrypt_get_inode_info(inode))
		return;
	fscrypt_setup_encryption_info(inode, &policy, nonce, false);
}

static void racer_read(struct inode *inode)
{
	struct fscrypt_inode_info *ci = fscrypt_get_inode_info(inode);

	if (ci)
		BUG_ON(ci->ci_mode != &inode->mode || ci->ci_inode != inode);
}

static void check(struct inode *inode)
{
	struct fscrypt_inode_info *ci = inode->i_crypt_info;

	/* Once all are done the winner's info is on the key's list, and no other. */
	if (ci)
		BUG_ON(inode->key.mk_decrypted_inodes.next != &ci->ci_master_key_link ||
		       inode->key.mk_decrypted_inodes.prev != &ci->ci_master_key_link);
}

static void teardown(struct inode *inode)
{
	put_crypt_info(inode->i_crypt_info);
	BUG_ON(refcount_read(&inode->key.mk_active_refs) != 1);
}
