/// `struct inode` of Linux 6.12 on amd64 as the layouts of the 2024 debate would have it, with the sizes and offsets that
/// pahole prints for Debian's kernel. Fields that no hook reads are bytes.
#ifndef CLAYOUTS_H
#define CLAYOUTS_H

#include <stddef.h>
#include <stdint.h>

/// What all layouts have in common: the fields up to the mask.
struct layout_inode_head {
  uint16_t i_mode;
  uint16_t i_opflags;
  uint8_t i_ids_to_i_op[36];
  uint64_t i_sb;
  uint64_t i_mapping;
  uint64_t i_security;
  uint8_t i_ino_to_i_lock[64];
  uint32_t i_lock;
  uint8_t i_blocks[12];
  uint32_t i_state;
  /// Four bytes that nobody uses.
  uint32_t hole;
  uint8_t i_rwsem_to_i_readcount[196];
  uint32_t i_readcount;
  uint8_t i_fop[8];
  uint64_t i_flctx;
  uint8_t i_data_to_i_fsnotify_mask[216];
};

/// V0, today: the mask and the pointer to the marks are the inode's own. (bpf's pointer is in the security blob.)
struct layout_inode_today {
  struct layout_inode_head head;
  uint32_t i_fsnotify_mask;
  uint64_t i_fsnotify_marks;
  uint64_t i_crypt_info;
  uint64_t i_verity_info;
  uint64_t i_private;
};

/// V1, V2 and V3: one pointer to a container. V7: one pointer to a storage.
struct layout_inode_with_container {
  struct layout_inode_head head;
  uint64_t i_addons;
  uint64_t i_crypt_info;
  uint64_t i_verity_info;
  uint64_t i_private;
};

/// V4: a pointer for each feature, and no mask.
struct layout_inode_with_pointers {
  struct layout_inode_head head;
  uint64_t i_fsnotify_marks;
  uint64_t i_bpf_storage;
  uint64_t i_crypt_info;
  uint64_t i_verity_info;
  uint64_t i_private;
};

/// V6, and what V5's file systems embed: nothing of it in the inode.
struct layout_inode_bare {
  struct layout_inode_head head;
  uint64_t i_crypt_info;
  uint64_t i_verity_info;
  uint64_t i_private;
};

/// V5: a file system's own inode, with the pointer to the container among its own fields.
struct layout_own_inode {
  struct layout_inode_bare vfs_inode;
  uint64_t own[6];
  uint64_t addons;
};

/// What a container holds; V1's has no mask.
struct layout_addons {
  uint64_t marks;
  uint64_t bpf_storage;
  uint32_t fsnotify_mask;
};

/// The connector that marks hang off. Its mask is V4's.
struct layout_connector {
  uint32_t lock;
  uint32_t mask;
  uint64_t inode;
  uint64_t list;
};

/// V6: an entry of the side table.
struct layout_entry {
  uint64_t next;
  uint64_t inode;
  struct layout_addons addons;
};

/// V7: bpf's local storage with its cache of 16 elements, and an element with the mask and the marks as its value.
struct layout_storage {
  uint64_t cache[16];
  uint8_t map_to_lock[48];
};
struct layout_element {
  uint8_t links[64];
  uint64_t map;
  uint32_t fsnotify_mask;
  uint64_t marks;
  uint8_t rest[56];
};

/// An inode's file locks.
struct layout_lock_context {
  uint32_t lock;
  uint64_t lists[6];
};

/// Of a superblock, what hooks read.
struct layout_superblock {
  uint64_t fsnotify_info;
  uint64_t addons_offset;
};
struct layout_superblock_info {
  uint64_t marks;
  uint64_t watched[3];
};

#define LAYOUT_ASSERT(what) _Static_assert(what, #what)
LAYOUT_ASSERT(offsetof(struct layout_inode_head, i_opflags) == 2);
LAYOUT_ASSERT(offsetof(struct layout_inode_head, i_sb) == 40);
LAYOUT_ASSERT(offsetof(struct layout_inode_head, i_security) == 56);
LAYOUT_ASSERT(offsetof(struct layout_inode_head, i_lock) == 128);
LAYOUT_ASSERT(offsetof(struct layout_inode_head, i_state) == 144);
LAYOUT_ASSERT(offsetof(struct layout_inode_head, hole) == 148);
LAYOUT_ASSERT(offsetof(struct layout_inode_head, i_rwsem_to_i_readcount) == 152);
LAYOUT_ASSERT(offsetof(struct layout_inode_head, i_readcount) == 348);
LAYOUT_ASSERT(offsetof(struct layout_inode_head, i_flctx) == 360);
LAYOUT_ASSERT(sizeof(struct layout_inode_head) == 584);
LAYOUT_ASSERT(offsetof(struct layout_inode_today, i_fsnotify_mask) == 584);
LAYOUT_ASSERT(offsetof(struct layout_inode_today, i_fsnotify_marks) == 592);
LAYOUT_ASSERT(offsetof(struct layout_inode_today, i_crypt_info) == 600);
LAYOUT_ASSERT(offsetof(struct layout_inode_today, i_verity_info) == 608);
LAYOUT_ASSERT(sizeof(struct layout_inode_today) == 624);
LAYOUT_ASSERT(sizeof(struct layout_inode_with_container) == 616);
LAYOUT_ASSERT(sizeof(struct layout_inode_with_pointers) == 624);
LAYOUT_ASSERT(sizeof(struct layout_inode_bare) == 608);
LAYOUT_ASSERT(sizeof(struct layout_addons) == 24);
LAYOUT_ASSERT(sizeof(struct layout_connector) == 24);
LAYOUT_ASSERT(sizeof(struct layout_entry) == 40);
LAYOUT_ASSERT(sizeof(struct layout_storage) == 176);
LAYOUT_ASSERT(sizeof(struct layout_element) == 128 + 16);
LAYOUT_ASSERT(sizeof(struct layout_lock_context) == 56);
#undef LAYOUT_ASSERT

/// Offsets, in bytes.
enum {
  LAYOUT_MODE_AND_OPFLAGS = offsetof(struct layout_inode_head, i_mode),
  LAYOUT_SB = offsetof(struct layout_inode_head, i_sb),
  LAYOUT_LOCK = offsetof(struct layout_inode_head, i_lock),
  LAYOUT_HOLE = offsetof(struct layout_inode_head, hole),
  LAYOUT_READCOUNT = offsetof(struct layout_inode_head, i_readcount),
  LAYOUT_FLCTX = offsetof(struct layout_inode_head, i_flctx),
  LAYOUT_TODAY_MASK = offsetof(struct layout_inode_today, i_fsnotify_mask),
  LAYOUT_TODAY_MARKS = offsetof(struct layout_inode_today, i_fsnotify_marks),
  LAYOUT_ADDONS = offsetof(struct layout_inode_with_container, i_addons),
  LAYOUT_POINTERS_MARKS = offsetof(struct layout_inode_with_pointers, i_fsnotify_marks),
  LAYOUT_POINTERS_BPF = offsetof(struct layout_inode_with_pointers, i_bpf_storage),
  LAYOUT_OWN_ADDONS = offsetof(struct layout_own_inode, addons),
  LAYOUT_ADDONS_MARKS = offsetof(struct layout_addons, marks),
  LAYOUT_ADDONS_BPF = offsetof(struct layout_addons, bpf_storage),
  LAYOUT_ADDONS_MASK = offsetof(struct layout_addons, fsnotify_mask),
  LAYOUT_CONNECTOR_MASK = offsetof(struct layout_connector, mask),
  LAYOUT_CONNECTOR_INODE = offsetof(struct layout_connector, inode),
  LAYOUT_CONNECTOR_LIST = offsetof(struct layout_connector, list),
  LAYOUT_ENTRY_NEXT = offsetof(struct layout_entry, next),
  LAYOUT_ENTRY_INODE = offsetof(struct layout_entry, inode),
  LAYOUT_ENTRY_ADDONS = offsetof(struct layout_entry, addons),
  LAYOUT_STORAGE_CACHE = offsetof(struct layout_storage, cache),
  LAYOUT_ELEMENT_MAP = offsetof(struct layout_element, map),
  LAYOUT_ELEMENT_MASK = offsetof(struct layout_element, fsnotify_mask),
  LAYOUT_ELEMENT_MARKS = offsetof(struct layout_element, marks),
  LAYOUT_LOCK_CONTEXT_LISTS = offsetof(struct layout_lock_context, lists),
  LAYOUT_SUPERBLOCK_INFO = offsetof(struct layout_superblock, fsnotify_info),
  LAYOUT_SUPERBLOCK_OFFSET = offsetof(struct layout_superblock, addons_offset),
  LAYOUT_INFO_WATCHED = offsetof(struct layout_superblock_info, watched),
};

/// Sizes, in bytes.
enum {
  LAYOUT_SIZE_TODAY = sizeof(struct layout_inode_today),
  LAYOUT_SIZE_WITH_CONTAINER = sizeof(struct layout_inode_with_container),
  LAYOUT_SIZE_WITH_POINTERS = sizeof(struct layout_inode_with_pointers),
  LAYOUT_SIZE_BARE = sizeof(struct layout_inode_bare),
  LAYOUT_SIZE_ADDONS = sizeof(struct layout_addons),
  LAYOUT_SIZE_CONNECTOR = sizeof(struct layout_connector),
  LAYOUT_SIZE_ENTRY = sizeof(struct layout_entry),
  LAYOUT_SIZE_STORAGE = sizeof(struct layout_storage),
  LAYOUT_SIZE_ELEMENT = sizeof(struct layout_element),
  LAYOUT_SIZE_LOCK_CONTEXT = sizeof(struct layout_lock_context),
};

#endif
