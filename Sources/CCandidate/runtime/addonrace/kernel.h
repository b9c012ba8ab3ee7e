/// What kernel code that populates a pointer lazily uses, so that a function can be pasted as it is: accesses and
/// barriers, atomics, locks, RCU and SRCU, allocation, lists. Ours, after the kernel's documentation and its memory model.
#ifndef ADDONRACE_KERNEL_H
#define ADDONRACE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#error "kernel code is C"
#endif

// MARK: Types and words

typedef uint8_t u8, __u8;
typedef uint16_t u16, __u16;
typedef uint32_t u32, __u32;
typedef uint64_t u64, __u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef unsigned int gfp_t;
typedef unsigned int fmode_t;
typedef long long loff_t_;

#define __rcu
#define __user
#define __iomem
#define __percpu
#define __init
#define __exit
#define __must_check
#define __always_inline inline __attribute__((always_inline))
#define noinline __attribute__((noinline))
#define __maybe_unused __attribute__((unused))
#define __acquires(x)
#define __releases(x)
#define __must_hold(x)
#define __force
#define __read_mostly
#define __cold
#define __ref
#define ____cacheline_aligned
#define ____cacheline_aligned_in_smp
#define EXPORT_SYMBOL(name)
#define EXPORT_SYMBOL_GPL(name)
#define MODULE_LICENSE(text)
#define fallthrough __attribute__((fallthrough))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define barrier() __asm__ volatile("" ::: "memory")
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define container_of(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define BIT(n) (1UL << (n))

enum {
  EPERM = 1, ENOENT = 2, EINTR = 4, EIO = 5, ENXIO = 6, EAGAIN = 11, ENOMEM = 12, EACCES = 13, EFAULT = 14, EBUSY = 16,
  EEXIST = 17, ENODEV = 19, EINVAL = 22, ENOSPC = 28, ERANGE = 34, EDEADLK = 35, ENOKEY = 126, EOPNOTSUPP = 95,
  ESTALE = 116, ENODATA = 61, ETIMEDOUT = 110
};
#define MAX_ERRNO 4095
static inline void *ERR_PTR(long error) { return (void *)error; }
static inline long PTR_ERR(const void *pointer) { return (long)pointer; }
static inline bool IS_ERR(const void *pointer) { return (unsigned long)pointer >= (unsigned long)-MAX_ERRNO; }
static inline bool IS_ERR_OR_NULL(const void *pointer) { return !pointer || IS_ERR(pointer); }
static inline void *ERR_CAST(const void *pointer) { return (void *)pointer; }
static inline int PTR_ERR_OR_ZERO(const void *pointer) { return IS_ERR(pointer) ? (int)PTR_ERR(pointer) : 0; }

// MARK: What AddonRace gives

#define ADDONRACE_EXTERN extern __attribute__((visibility("hidden")))
enum {
  addonrace_relaxed_ = 0, addonrace_acquire_ = 2, addonrace_release_ = 3, addonrace_acq_rel_ = 4, addonrace_mb_ = 5,
  addonrace_full_ = 6, addonrace_dependent_ = 7, addonrace_rmb_ = 8, addonrace_wmb_ = 9
};
enum {
  addonrace_exchange_, addonrace_add_, addonrace_or_, addonrace_and_, addonrace_xor_, addonrace_nand_,
  addonrace_cmpxchg_
};


#ifdef ADDONRACE_RACED
// On real threads: what the machine has for it, in place.
#define addonrace_sized_(size, operation)       \
  switch (size) {                               \
    case 1: return operation(u8);               \
    case 2: return operation(u16);              \
    case 4: return operation(u32);              \
    default: return operation(u64);             \
  }
static __always_inline u64 addonrace_kernel_load(const volatile void *place, u32 size, u32 order) {
#define addonrace_acquire_load_(type) __atomic_load_n((const volatile type *)place, __ATOMIC_ACQUIRE)
#define addonrace_once_load_(type) (*(const volatile type *)place)
  if (order == addonrace_acquire_) addonrace_sized_(size, addonrace_acquire_load_)
  addonrace_sized_(size, addonrace_once_load_)
}
static __always_inline u64 addonrace_store_(volatile void *place, u32 size, u64 value, u32 order) {
#define addonrace_release_store_(type) (__atomic_store_n((volatile type *)place, (type)value, __ATOMIC_RELEASE), 0)
#define addonrace_once_store_(type) (*(volatile type *)place = (type)value)
  if (order == addonrace_release_) addonrace_sized_(size, addonrace_release_store_)
  addonrace_sized_(size, addonrace_once_store_)
}
static __always_inline void addonrace_kernel_store(volatile void *place, u32 size, u64 value, u32 order) {
  (void)addonrace_store_(place, size, value, order);
}
static __always_inline u64 addonrace_kernel_update(
    volatile void *place, u32 size, u32 kind, u64 operand, u64 expected, u32 order, u32 failure) {
  (void)order, (void)failure;
#define addonrace_updated_(name, type) __atomic_##name((volatile type *)place, (type)operand, __ATOMIC_SEQ_CST)
#define addonrace_exchanged_(type) addonrace_updated_(exchange_n, type)
#define addonrace_added_(type) addonrace_updated_(fetch_add, type)
#define addonrace_ored_(type) addonrace_updated_(fetch_or, type)
#define addonrace_anded_(type) addonrace_updated_(fetch_and, type)
#define addonrace_xored_(type) addonrace_updated_(fetch_xor, type)
#define addonrace_compared_(type)                                                                              \
  ({                                                                                                           \
    type before_ = (type)expected;                                                                             \
    __atomic_compare_exchange_n(                                                                               \
        (volatile type *)place, &before_, (type)operand, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);               \
    before_;                                                                                                   \
  })
  switch (kind) {
    case addonrace_exchange_: addonrace_sized_(size, addonrace_exchanged_)
    case addonrace_add_: addonrace_sized_(size, addonrace_added_)
    case addonrace_or_: addonrace_sized_(size, addonrace_ored_)
    case addonrace_and_: addonrace_sized_(size, addonrace_anded_)
    case addonrace_xor_: addonrace_sized_(size, addonrace_xored_)
    default: addonrace_sized_(size, addonrace_compared_)
  }
}
static __always_inline void addonrace_kernel_fence(u32 order) {
  if (order == addonrace_mb_) __atomic_thread_fence(__ATOMIC_SEQ_CST);
  else __atomic_thread_fence(__ATOMIC_ACQ_REL);
}
#else
ADDONRACE_EXTERN u64 addonrace_kernel_load(const volatile void *place, u32 size, u32 order);
ADDONRACE_EXTERN void addonrace_kernel_store(volatile void *place, u32 size, u64 value, u32 order);
ADDONRACE_EXTERN u64 addonrace_kernel_update(
    volatile void *place, u32 size, u32 kind, u64 operand, u64 expected, u32 order, u32 failure);
ADDONRACE_EXTERN void addonrace_kernel_fence(u32 order);
#endif
ADDONRACE_EXTERN void addonrace_kernel_lock(volatile void *word, int may_sleep);
ADDONRACE_EXTERN bool addonrace_kernel_trylock(volatile void *word, int may_sleep);
ADDONRACE_EXTERN void addonrace_kernel_unlock(volatile void *word, int may_sleep);
ADDONRACE_EXTERN void addonrace_kernel_rwlock(volatile void *word, int writes);
ADDONRACE_EXTERN void addonrace_kernel_rwunlock(volatile void *word, int writes);
ADDONRACE_EXTERN void addonrace_kernel_wait(volatile void *word, u32 value);
ADDONRACE_EXTERN void addonrace_kernel_section(const void *domain, int begins);
ADDONRACE_EXTERN void addonrace_kernel_grace_period(const void *domain);
ADDONRACE_EXTERN void addonrace_kernel_defer(const void *domain, void *head, void (*function)(void *));
ADDONRACE_EXTERN void addonrace_kernel_defer_free(void *pointer);
ADDONRACE_EXTERN void *addonrace_kernel_allocate(size_t size, gfp_t flags, int is_zeroed);
ADDONRACE_EXTERN void addonrace_kernel_free(const void *pointer);
ADDONRACE_EXTERN void addonrace_kernel_bug(const char *text, const char *file, u32 line);
ADDONRACE_EXTERN void addonrace_kernel_may_sleep(void);
ADDONRACE_EXTERN void addonrace_kernel_relax(void);

#if defined __clang__ && __clang_major__ < 16
/* What a statement expression is worth has no qualifiers any more. */
#define addonrace_unqualified_(x) __typeof__(({ __typeof__(x) value_; value_; }))
#else
#define addonrace_unqualified_(x) __typeof_unqual__(x)
#endif
#define addonrace_bits_(value) ((u64)(__typeof__((value) + 0))(value))
#define addonrace_as_(type, value)                      \
  ({                                                    \
    union {                                             \
      addonrace_unqualified_(type) as;                       \
      u64 bits;                                         \
    } u_;                                               \
    u_.bits = (value);                                  \
    u_.as;                                              \
  })
#define addonrace_of_(type, value)                      \
  ({                                                    \
    union {                                             \
      u64 bits;                                         \
      addonrace_unqualified_(type) as;                       \
    } v_ = {0};                                         \
    v_.as = (value);                                    \
    v_.bits;                                            \
  })

// MARK: Accesses and barriers

#define READ_ONCE(x) addonrace_as_(x, addonrace_kernel_load(&(x), sizeof(x), addonrace_relaxed_))
#define WRITE_ONCE(x, value) addonrace_kernel_store(&(x), sizeof(x), addonrace_of_(x, value), addonrace_relaxed_)
#define data_race(x) (x)
#define smp_load_acquire(p) addonrace_as_(*(p), addonrace_kernel_load((p), sizeof(*(p)), addonrace_acquire_))
#define smp_store_release(p, value) \
  addonrace_kernel_store((p), sizeof(*(p)), addonrace_of_(*(p), value), addonrace_release_)
#define smp_store_mb(x, value)  \
  do {                          \
    WRITE_ONCE(x, value);       \
    smp_mb();                   \
  } while (0)
#define smp_mb() addonrace_kernel_fence(addonrace_mb_)
#define smp_rmb() addonrace_kernel_fence(addonrace_rmb_)
#define smp_wmb() addonrace_kernel_fence(addonrace_wmb_)
/* The control dependency orders later writes, and an smp_rmb later reads. */
#define smp_acquire__after_ctrl_dep() addonrace_kernel_fence(addonrace_acquire_)
#define mb() smp_mb()
#define rmb() smp_rmb()
#define wmb() smp_wmb()
#define smp_mb__before_atomic() smp_mb()
#define smp_mb__after_atomic() smp_mb()
#define smp_mb__after_spinlock() smp_mb()
#define smp_mb__after_unlock_lock() smp_mb()
#define smp_mb__after_srcu_read_unlock() smp_mb()
#define cpu_relax() addonrace_kernel_relax()
#define cond_resched() addonrace_kernel_relax()
#define smp_cond_load_acquire(p, condition)             \
  ({                                                    \
    addonrace_unqualified_(*(p)) VAL;                        \
    while (VAL = smp_load_acquire(p), !(condition)) {}  \
    VAL;                                                \
  })
#define smp_cond_load_relaxed(p, condition)             \
  ({                                                    \
    addonrace_unqualified_(*(p)) VAL;                        \
    while (VAL = READ_ONCE(*(p)), !(condition)) {}      \
    VAL;                                                \
  })

#define addonrace_xchg_(p, value, order) \
  addonrace_as_(*(p), addonrace_kernel_update( \
      (p), sizeof(*(p)), addonrace_exchange_, addonrace_of_(*(p), value), 0, order, order))
#define xchg(p, value) addonrace_xchg_(p, value, addonrace_full_)
#define xchg_relaxed(p, value) addonrace_xchg_(p, value, addonrace_relaxed_)
#define xchg_acquire(p, value) addonrace_xchg_(p, value, addonrace_acquire_)
#define xchg_release(p, value) addonrace_xchg_(p, value, addonrace_release_)
#define addonrace_swap_(p, old, new, order) \
  addonrace_as_(*(p), addonrace_kernel_update( \
      (p), sizeof(*(p)), addonrace_cmpxchg_, addonrace_of_(*(p), new), addonrace_of_(*(p), old), order, \
      addonrace_relaxed_))
#define cmpxchg(p, old, new) addonrace_swap_(p, old, new, addonrace_full_)
#define cmpxchg_relaxed(p, old, new) addonrace_swap_(p, old, new, addonrace_relaxed_)
#define cmpxchg_acquire(p, old, new) addonrace_swap_(p, old, new, addonrace_acquire_)
#define cmpxchg_release(p, old, new) addonrace_swap_(p, old, new, addonrace_release_)
#define cmpxchg64(p, old, new) cmpxchg(p, old, new)
#define addonrace_try_(p, oldp, new, order)                       \
  ({                                                              \
    addonrace_unqualified_(*(p)) old_ = *(oldp);                       \
    addonrace_unqualified_(*(p)) found_ = addonrace_swap_(p, old_, new, order); \
    bool won_ = found_ == old_;                                   \
    if (!won_) *(oldp) = found_;                                  \
    won_;                                                         \
  })
#define try_cmpxchg(p, oldp, new) addonrace_try_(p, oldp, new, addonrace_full_)
#define try_cmpxchg_relaxed(p, oldp, new) addonrace_try_(p, oldp, new, addonrace_relaxed_)
#define try_cmpxchg_acquire(p, oldp, new) addonrace_try_(p, oldp, new, addonrace_acquire_)
#define try_cmpxchg_release(p, oldp, new) addonrace_try_(p, oldp, new, addonrace_release_)

// MARK: Atomics

typedef struct { int counter; } atomic_t;
typedef struct { s64 counter; } atomic64_t;
typedef struct { long counter; } atomic_long_t;
#define ATOMIC_INIT(value) {(value)}
#define ATOMIC64_INIT(value) {(value)}
#define ATOMIC_LONG_INIT(value) {(value)}

#define addonrace_update_(v, type, kind, operand, order) \
  ((type)addonrace_kernel_update(&(v)->counter, sizeof(type), kind, addonrace_of_(type, operand), 0, order, order))

#define ADDONRACE_ATOMIC_ORDERED_(prefix, holder, type, suffix, order)                                                 \
  static inline type prefix##_fetch_add##suffix(type i, holder *v) { return addonrace_update_(v, type, addonrace_add_, i, order); } \
  static inline type prefix##_fetch_sub##suffix(type i, holder *v) { return addonrace_update_(v, type, addonrace_add_, -i, order); } \
  static inline type prefix##_fetch_inc##suffix(holder *v) { return prefix##_fetch_add##suffix(1, v); }                \
  static inline type prefix##_fetch_dec##suffix(holder *v) { return prefix##_fetch_sub##suffix(1, v); }                \
  static inline type prefix##_add_return##suffix(type i, holder *v) { return prefix##_fetch_add##suffix(i, v) + i; }   \
  static inline type prefix##_sub_return##suffix(type i, holder *v) { return prefix##_fetch_sub##suffix(i, v) - i; }   \
  static inline type prefix##_inc_return##suffix(holder *v) { return prefix##_add_return##suffix(1, v); }              \
  static inline type prefix##_dec_return##suffix(holder *v) { return prefix##_sub_return##suffix(1, v); }              \
  static inline type prefix##_fetch_or##suffix(type i, holder *v) { return addonrace_update_(v, type, addonrace_or_, i, order); } \
  static inline type prefix##_fetch_and##suffix(type i, holder *v) { return addonrace_update_(v, type, addonrace_and_, i, order); } \
  static inline type prefix##_fetch_andnot##suffix(type i, holder *v) { return addonrace_update_(v, type, addonrace_and_, ~i, order); } \
  static inline type prefix##_fetch_xor##suffix(type i, holder *v) { return addonrace_update_(v, type, addonrace_xor_, i, order); } \
  static inline type prefix##_xchg##suffix(holder *v, type i) { return addonrace_xchg_(&v->counter, i, order); }       \
  static inline type prefix##_cmpxchg##suffix(holder *v, type old, type new) { return addonrace_swap_(&v->counter, old, new, order); } \
  static inline bool prefix##_try_cmpxchg##suffix(holder *v, type *old, type new) { return addonrace_try_(&v->counter, old, new, order); }

#define ADDONRACE_ATOMIC_(prefix, holder, type)                                                                        \
  static inline type prefix##_read(const holder *v) { return (type)addonrace_kernel_load(&v->counter, sizeof(type), addonrace_relaxed_); } \
  static inline type prefix##_read_acquire(const holder *v) { return (type)addonrace_kernel_load(&v->counter, sizeof(type), addonrace_acquire_); } \
  static inline void prefix##_set(holder *v, type i) { addonrace_kernel_store(&v->counter, sizeof(type), addonrace_of_(type, i), addonrace_relaxed_); } \
  static inline void prefix##_set_release(holder *v, type i) { addonrace_kernel_store(&v->counter, sizeof(type), addonrace_of_(type, i), addonrace_release_); } \
  ADDONRACE_ATOMIC_ORDERED_(prefix, holder, type, , addonrace_full_)                                                   \
  ADDONRACE_ATOMIC_ORDERED_(prefix, holder, type, _relaxed, addonrace_relaxed_)                                        \
  ADDONRACE_ATOMIC_ORDERED_(prefix, holder, type, _acquire, addonrace_acquire_)                                        \
  ADDONRACE_ATOMIC_ORDERED_(prefix, holder, type, _release, addonrace_release_)                                        \
  static inline void prefix##_add(type i, holder *v) { (void)prefix##_fetch_add_relaxed(i, v); }                       \
  static inline void prefix##_sub(type i, holder *v) { (void)prefix##_fetch_sub_relaxed(i, v); }                       \
  static inline void prefix##_inc(holder *v) { prefix##_add(1, v); }                                                   \
  static inline void prefix##_dec(holder *v) { prefix##_sub(1, v); }                                                   \
  static inline void prefix##_or(type i, holder *v) { (void)prefix##_fetch_or_relaxed(i, v); }                         \
  static inline void prefix##_and(type i, holder *v) { (void)prefix##_fetch_and_relaxed(i, v); }                       \
  static inline void prefix##_andnot(type i, holder *v) { (void)prefix##_fetch_andnot_relaxed(i, v); }                 \
  static inline void prefix##_xor(type i, holder *v) { (void)prefix##_fetch_xor_relaxed(i, v); }                       \
  static inline bool prefix##_sub_and_test(type i, holder *v) { return prefix##_sub_return(i, v) == 0; }               \
  static inline bool prefix##_dec_and_test(holder *v) { return prefix##_dec_return(v) == 0; }                          \
  static inline bool prefix##_inc_and_test(holder *v) { return prefix##_inc_return(v) == 0; }                          \
  static inline bool prefix##_add_negative(type i, holder *v) { return prefix##_add_return(i, v) < 0; }                \
  static inline type prefix##_fetch_add_unless(holder *v, type i, type unless) {                                       \
    type now = prefix##_read(v);                                                                                       \
    while (now != unless && !prefix##_try_cmpxchg(v, &now, now + i)) {}                                                \
    return now;                                                                                                        \
  }                                                                                                                    \
  static inline bool prefix##_add_unless(holder *v, type i, type unless) { return prefix##_fetch_add_unless(v, i, unless) != unless; } \
  static inline bool prefix##_inc_not_zero(holder *v) { return prefix##_add_unless(v, 1, 0); }                         \
  static inline type prefix##_dec_if_positive(holder *v) {                                                             \
    type now = prefix##_read(v);                                                                                       \
    while (now > 0 && !prefix##_try_cmpxchg(v, &now, now - 1)) {}                                                      \
    return now - 1;                                                                                                    \
  }

ADDONRACE_ATOMIC_(atomic, atomic_t, int)
ADDONRACE_ATOMIC_(atomic64, atomic64_t, s64)
ADDONRACE_ATOMIC_(atomic_long, atomic_long_t, long)

#define test_bit(n, p) (!!(READ_ONCE(((unsigned long *)(p))[(n) / 64]) & BIT((n) % 64)))
#define set_bit(n, p) \
  ((void)addonrace_kernel_update(&((unsigned long *)(p))[(n) / 64], 8, addonrace_or_, BIT((n) % 64), 0, 0, 0))
#define clear_bit(n, p) \
  ((void)addonrace_kernel_update(&((unsigned long *)(p))[(n) / 64], 8, addonrace_and_, ~BIT((n) % 64), 0, 0, 0))
#define test_and_set_bit(n, p) \
  (!!(addonrace_kernel_update(&((unsigned long *)(p))[(n) / 64], 8, addonrace_or_, BIT((n) % 64), 0, addonrace_full_, 0) & BIT((n) % 64)))
#define test_and_clear_bit(n, p) \
  (!!(addonrace_kernel_update(&((unsigned long *)(p))[(n) / 64], 8, addonrace_and_, ~BIT((n) % 64), 0, addonrace_full_, 0) & BIT((n) % 64)))

typedef struct { atomic_t refs; } refcount_t;
#define REFCOUNT_INIT(n) {.refs = ATOMIC_INIT(n)}
static inline void refcount_set(refcount_t *r, int n) { atomic_set(&r->refs, n); }
static inline unsigned refcount_read(const refcount_t *r) { return (unsigned)atomic_read(&r->refs); }
static inline void refcount_inc(refcount_t *r) { (void)atomic_fetch_add_relaxed(1, &r->refs); }
static inline void refcount_add(int n, refcount_t *r) { (void)atomic_fetch_add_relaxed(n, &r->refs); }
static inline bool refcount_inc_not_zero(refcount_t *r) {
  int now = atomic_read(&r->refs);
  while (now && !atomic_try_cmpxchg_relaxed(&r->refs, &now, now + 1)) {}
  return now;
}
static inline bool refcount_sub_and_test(int n, refcount_t *r) {
  int before = atomic_fetch_sub_release(n, &r->refs);
  if (before != n) return false;
  smp_acquire__after_ctrl_dep();
  return true;
}
static inline bool refcount_dec_and_test(refcount_t *r) { return refcount_sub_and_test(1, r); }
static inline void refcount_dec(refcount_t *r) { (void)atomic_fetch_sub_release(1, &r->refs); }

struct kref { refcount_t refcount; };
static inline void kref_init(struct kref *k) { refcount_set(&k->refcount, 1); }
static inline void kref_get(struct kref *k) { refcount_inc(&k->refcount); }
static inline bool kref_get_unless_zero(struct kref *k) { return refcount_inc_not_zero(&k->refcount); }
static inline int kref_put(struct kref *k, void (*release)(struct kref *)) {
  if (!refcount_dec_and_test(&k->refcount)) return 0;
  release(k);
  return 1;
}

// MARK: What must not happen

#define BUG() addonrace_kernel_bug("BUG()", __FILE__, __LINE__)
#define BUG_ON(condition) ((condition) ? addonrace_kernel_bug("BUG_ON(" #condition ")", __FILE__, __LINE__) : (void)0)
#define WARN_ON(condition)                                                            \
  ({                                                                                  \
    bool warns_ = !!(condition);                                                      \
    if (warns_) addonrace_kernel_bug("WARN_ON(" #condition ")", __FILE__, __LINE__);  \
    warns_;                                                                           \
  })
#define WARN_ON_ONCE(condition) WARN_ON(condition)
#define WARN(condition, ...) WARN_ON(condition)
#define WARN_ONCE(condition, ...) WARN_ON(condition)
#define VM_BUG_ON(condition) BUG_ON(condition)
#define BUILD_BUG_ON(condition) _Static_assert(!(condition), #condition)
#define ASSERT_EXCLUSIVE_WRITER(x) ((void)0)
#define ASSERT_EXCLUSIVE_ACCESS(x) ((void)0)
#define lockdep_assert_held(lock) ((void)(lock))
#define lockdep_assert_held_read(lock) ((void)(lock))
#define lockdep_assert_held_write(lock) ((void)(lock))
#define lockdep_set_class(lock, key) ((void)0)
#define lockdep_is_held(lock) 1
#define might_sleep() addonrace_kernel_may_sleep()
#define might_alloc(flags) ((void)(flags))
#define pr_err(...) ((void)0)
#define pr_warn(...) ((void)0)
#define pr_info(...) ((void)0)
#define pr_debug(...) ((void)0)
#define printk(...) ((void)0)

// MARK: Locks

typedef struct { u32 word; } spinlock_t, raw_spinlock_t;
typedef struct { u32 word; } rwlock_t;
struct mutex { u32 word; };
struct rw_semaphore { u32 word; };
struct lock_class_key { int unused; };
#define __SPIN_LOCK_UNLOCKED(name) {0}
#define __RW_LOCK_UNLOCKED(name) {0}
#define DEFINE_SPINLOCK(name) spinlock_t name = {0}
#define DEFINE_RAW_SPINLOCK(name) raw_spinlock_t name = {0}
#define DEFINE_RWLOCK(name) rwlock_t name = {0}
#define DEFINE_MUTEX(name) struct mutex name = {0}
#define DECLARE_RWSEM(name) struct rw_semaphore name = {0}
#define spin_lock_init(l) ((l)->word = 0)
#define raw_spin_lock_init(l) ((l)->word = 0)
#define rwlock_init(l) ((l)->word = 0)
#define mutex_init(l) ((l)->word = 0)
#define init_rwsem(l) ((l)->word = 0)
#define mutex_destroy(l) ((void)(l))
#define spin_lock(l) addonrace_kernel_lock(&(l)->word, 0)
#define spin_trylock(l) addonrace_kernel_trylock(&(l)->word, 0)
#define spin_unlock(l) addonrace_kernel_unlock(&(l)->word, 0)
#define spin_is_locked(l) (READ_ONCE((l)->word) != 0)
#define assert_spin_locked(l) ((void)(l))
/* Not from one to zero; answers whether it has counted down. */
static inline bool refcount_dec_not_one(refcount_t *r) {
  int now = atomic_read(&r->refs);
  do {
    if (now == 1) return false;
  } while (!atomic_try_cmpxchg_release(&r->refs, &now, now - 1));
  return true;
}
/* The last reference goes under the lock, which is then held. */
static inline bool refcount_dec_and_lock(refcount_t *r, spinlock_t *lock) {
  if (refcount_dec_not_one(r)) return false;
  spin_lock(lock);
  if (refcount_dec_and_test(r)) return true;
  spin_unlock(lock);
  return false;
}
#define spin_lock_irq(l) spin_lock(l)
#define spin_unlock_irq(l) spin_unlock(l)
#define spin_lock_irqsave(l, flags) ((flags) = 0, spin_lock(l))
#define spin_unlock_irqrestore(l, flags) ((void)(flags), spin_unlock(l))
#define spin_lock_bh(l) spin_lock(l)
#define spin_unlock_bh(l) spin_unlock(l)
#define spin_lock_nested(l, depth) spin_lock(l)
#define raw_spin_lock(l) spin_lock(l)
#define raw_spin_unlock(l) spin_unlock(l)
#define raw_spin_lock_irqsave(l, flags) spin_lock_irqsave(l, flags)
#define raw_spin_unlock_irqrestore(l, flags) spin_unlock_irqrestore(l, flags)
#define mutex_lock(l) addonrace_kernel_lock(&(l)->word, 1)
#define mutex_lock_nested(l, depth) mutex_lock(l)
#define mutex_trylock(l) addonrace_kernel_trylock(&(l)->word, 1)
#define mutex_unlock(l) addonrace_kernel_unlock(&(l)->word, 1)
#define mutex_is_locked(l) (READ_ONCE((l)->word) != 0)
#define mutex_lock_interruptible(l) (mutex_lock(l), 0)
#define mutex_lock_killable(l) (mutex_lock(l), 0)
#define read_lock(l) addonrace_kernel_rwlock(&(l)->word, 0)
#define read_unlock(l) addonrace_kernel_rwunlock(&(l)->word, 0)
#define write_lock(l) addonrace_kernel_rwlock(&(l)->word, 1)
#define write_unlock(l) addonrace_kernel_rwunlock(&(l)->word, 1)
#define read_lock_irq(l) read_lock(l)
#define read_unlock_irq(l) read_unlock(l)
#define write_lock_irq(l) write_lock(l)
#define write_unlock_irq(l) write_unlock(l)
#define read_lock_irqsave(l, flags) ((flags) = 0, read_lock(l))
#define read_unlock_irqrestore(l, flags) ((void)(flags), read_unlock(l))
#define write_lock_irqsave(l, flags) ((flags) = 0, write_lock(l))
#define write_unlock_irqrestore(l, flags) ((void)(flags), write_unlock(l))
#define down_read(l) (might_sleep(), read_lock(l))
#define up_read(l) read_unlock(l)
#define down_write(l) (might_sleep(), write_lock(l))
#define up_write(l) write_unlock(l)
#define preempt_disable() ((void)0)
#define preempt_enable() ((void)0)
#define local_irq_save(flags) ((flags) = 0)
#define local_irq_restore(flags) ((void)(flags))

struct completion { u32 done; };
#define DECLARE_COMPLETION(name) struct completion name = {0}
#define DECLARE_COMPLETION_ONSTACK(name) struct completion name = {0}
static inline void init_completion(struct completion *c) { c->done = 0; }
static inline void complete(struct completion *c) { addonrace_kernel_update(&c->done, 4, addonrace_add_, 1, 0, addonrace_acq_rel_, 0); }
static inline void complete_all(struct completion *c) { addonrace_kernel_store(&c->done, 4, 0x40000000, addonrace_release_); }
static inline void wait_for_completion(struct completion *c) {
  might_sleep();
  addonrace_kernel_wait(&c->done, 0);
}

// MARK: RCU and SRCU

struct rcu_head {
  struct rcu_head *next;
  void (*func)(struct rcu_head *);
};
#define callback_head rcu_head
struct srcu_struct { int unused; };
#define DEFINE_SRCU(name) struct srcu_struct name
#define DEFINE_STATIC_SRCU(name) static struct srcu_struct name
#define rcu_read_lock() addonrace_kernel_section(NULL, 1)
#define rcu_read_unlock() addonrace_kernel_section(NULL, 0)
#define rcu_read_lock_bh() rcu_read_lock()
#define rcu_read_unlock_bh() rcu_read_unlock()
#define rcu_read_lock_sched() rcu_read_lock()
#define rcu_read_unlock_sched() rcu_read_unlock()
#define rcu_read_lock_trace() addonrace_kernel_section((const void *)1, 1)
#define rcu_read_unlock_trace() addonrace_kernel_section((const void *)1, 0)
#define rcu_read_lock_held() 1
#define rcu_dereference(p) addonrace_as_(p, addonrace_kernel_load(&(p), sizeof(p), addonrace_dependent_))
#define rcu_dereference_bh(p) rcu_dereference(p)
#define rcu_dereference_sched(p) rcu_dereference(p)
#define rcu_dereference_raw(p) rcu_dereference(p)
#define rcu_dereference_check(p, condition) rcu_dereference(p)
#define srcu_dereference(p, domain) rcu_dereference(p)
#define srcu_dereference_check(p, domain, condition) rcu_dereference(p)
#define rcu_dereference_protected(p, condition) (p)
#define rcu_access_pointer(p) READ_ONCE(p)
/* As the kernel: a constant NULL needs no release. */
#define rcu_assign_pointer(p, value)                                             \
  do {                                                                           \
    if (__builtin_constant_p(value) && (unsigned long)(value) == 0) WRITE_ONCE(p, value); \
    else smp_store_release(&(p), value);                                         \
  } while (0)
#define rcu_replace_pointer(p, value, condition)                        \
  ({                                                                    \
    addonrace_unqualified_(p) before_ = rcu_dereference_protected(p, condition); \
    rcu_assign_pointer(p, value);                                       \
    before_;                                                            \
  })
#define RCU_INIT_POINTER(p, value) WRITE_ONCE(p, value)
#define RCU_POINTER_INITIALIZER(p, value) .p = (value)
#define unrcu_pointer(p) (p)
#define synchronize_rcu() (might_sleep(), addonrace_kernel_grace_period(NULL))
#define synchronize_rcu_expedited() synchronize_rcu()
#define synchronize_net() synchronize_rcu()
#define call_rcu(head, function) \
  ((head)->func = (function), addonrace_kernel_defer(NULL, (head), (void (*)(void *))(function)))
#define call_rcu_tasks_trace(head, function) \
  ((head)->func = (function), addonrace_kernel_defer((const void *)1, (head), (void (*)(void *))(function)))
#define addonrace_kfree_rcu_2_(pointer, field) addonrace_kernel_defer_free(pointer)
#define addonrace_kfree_rcu_1_(pointer) addonrace_kernel_defer_free(pointer)
#define addonrace_pick_(a, b, name, ...) name
#define kfree_rcu(...) addonrace_pick_(__VA_ARGS__, addonrace_kfree_rcu_2_, addonrace_kfree_rcu_1_)(__VA_ARGS__)
#define kvfree_rcu(...) kfree_rcu(__VA_ARGS__)
#define kfree_rcu_mightsleep(pointer) addonrace_kernel_defer_free(pointer)
#define init_srcu_struct(domain) ((void)(domain), 0)
#define cleanup_srcu_struct(domain) ((void)(domain))
static inline int srcu_read_lock(struct srcu_struct *domain) {
  addonrace_kernel_section(domain, 1);
  return 0;
}
static inline void srcu_read_unlock(struct srcu_struct *domain, int cookie) {
  (void)cookie;
  addonrace_kernel_section(domain, 0);
}
#define srcu_down_read(domain) srcu_read_lock(domain)
#define srcu_up_read(domain, cookie) srcu_read_unlock(domain, cookie)
#define synchronize_srcu(domain) (might_sleep(), addonrace_kernel_grace_period(domain))
#define synchronize_srcu_expedited(domain) synchronize_srcu(domain)
#define call_srcu(domain, head, function) \
  ((head)->func = (function), addonrace_kernel_defer((domain), (head), (void (*)(void *))(function)))

// MARK: Allocation

#define __GFP_RECLAIM 0x400u
#define __GFP_ZERO 0x100u
#define __GFP_NOFAIL 0x8000u
#define __GFP_NOWARN 0x2000u
#define __GFP_ACCOUNT 0x400000u
#define GFP_ATOMIC 0x20u
#define GFP_NOWAIT 0x0u
#define GFP_KERNEL (__GFP_RECLAIM | 0xc0u)
#define GFP_KERNEL_ACCOUNT (GFP_KERNEL | __GFP_ACCOUNT)
#define GFP_NOFS (__GFP_RECLAIM | 0x40u)
#define GFP_NOIO __GFP_RECLAIM
#define GFP_USER GFP_KERNEL
static inline void *kmalloc(size_t size, gfp_t flags) { return addonrace_kernel_allocate(size, flags, (flags & __GFP_ZERO) != 0); }
static inline void *kzalloc(size_t size, gfp_t flags) { return addonrace_kernel_allocate(size, flags, 1); }
static inline void *kcalloc(size_t count, size_t size, gfp_t flags) { return addonrace_kernel_allocate(count * size, flags, 1); }
static inline void *kmalloc_array(size_t count, size_t size, gfp_t flags) { return addonrace_kernel_allocate(count * size, flags, 0); }
#define kmalloc_node(size, flags, node) kmalloc(size, flags)
#define kzalloc_node(size, flags, node) kzalloc(size, flags)
#define kvmalloc(size, flags) kmalloc(size, flags)
#define kvzalloc(size, flags) kzalloc(size, flags)
#define kmalloc_obj(object, ...) kmalloc(sizeof(object), GFP_KERNEL)
#define kzalloc_obj(object, ...) kzalloc(sizeof(object), GFP_KERNEL)
#define kfree(pointer) addonrace_kernel_free(pointer)
#define kvfree(pointer) kfree(pointer)
#define kfree_sensitive(pointer) kfree(pointer)
struct kmem_cache { size_t size; };
#define KMEM_CACHE(type, flags) addonrace_cache_(sizeof(struct type))
#define kmem_cache_create(name, bytes, alignment, flags, constructor) addonrace_cache_(bytes)
#define SLAB_PANIC 0
#define SLAB_ACCOUNT 0
#define SLAB_HWCACHE_ALIGN 0
#define SLAB_RECLAIM_ACCOUNT 0
static inline struct kmem_cache *addonrace_cache_(size_t size) {
  struct kmem_cache *cache = (struct kmem_cache *)addonrace_kernel_allocate(sizeof *cache, GFP_ATOMIC | __GFP_NOFAIL, 1);
  cache->size = size;
  return cache;
}
#define kmem_cache_destroy(cache) kfree(cache)
#define kmem_cache_alloc(cache, flags) kmalloc((cache)->size, flags)
#define kmem_cache_zalloc(cache, flags) kzalloc((cache)->size, flags)
#define kmem_cache_free(cache, pointer) ((void)(cache), kfree(pointer))
#define memset(to, byte, size) __builtin_memset(to, byte, size)
#define memcpy(to, from, size) __builtin_memcpy(to, from, size)
#define memcmp(a, b, size) __builtin_memcmp(a, b, size)
#define strlen(text) __builtin_strlen(text)

// MARK: Lists

struct list_head { struct list_head *next, *prev; };
#define LIST_HEAD_INIT(name) {&(name), &(name)}
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)
static inline void INIT_LIST_HEAD(struct list_head *head) {
  WRITE_ONCE(head->next, head);
  WRITE_ONCE(head->prev, head);
}
static inline void addonrace_list_insert_(struct list_head *new, struct list_head *before, struct list_head *after) {
  after->prev = new;
  new->next = after;
  new->prev = before;
  WRITE_ONCE(before->next, new);
}
static inline void list_add(struct list_head *new, struct list_head *head) { addonrace_list_insert_(new, head, head->next); }
static inline void list_add_tail(struct list_head *new, struct list_head *head) { addonrace_list_insert_(new, head->prev, head); }
static inline void addonrace_list_join_(struct list_head *before, struct list_head *after) {
  after->prev = before;
  WRITE_ONCE(before->next, after);
}
static inline void list_del(struct list_head *entry) {
  addonrace_list_join_(entry->prev, entry->next);
  entry->next = (struct list_head *)0x100;
  entry->prev = (struct list_head *)0x122;
}
static inline void list_del_init(struct list_head *entry) {
  addonrace_list_join_(entry->prev, entry->next);
  INIT_LIST_HEAD(entry);
}
static inline void list_add_rcu(struct list_head *new, struct list_head *head) {
  struct list_head *after = head->next;
  new->next = after;
  new->prev = head;
  smp_store_release(&head->next, new);
  after->prev = new;
}
static inline void list_del_rcu(struct list_head *entry) {
  addonrace_list_join_(entry->prev, entry->next);
  entry->prev = (struct list_head *)0x122;
}
static inline bool list_empty(const struct list_head *head) { return READ_ONCE(head->next) == head; }
static inline bool list_empty_careful(const struct list_head *head) {
  struct list_head *next = smp_load_acquire(&head->next);
  return next == head && next == READ_ONCE(head->prev);
}
#define list_entry(pointer, type, member) container_of(pointer, type, member)
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_first_entry_or_null(head, type, member) (list_empty(head) ? NULL : list_first_entry(head, type, member))
#define list_next_entry(entry, member) list_entry((entry)->member.next, __typeof__(*(entry)), member)
#define list_for_each(place, head) for (place = (head)->next; place != (head); place = place->next)
#define list_for_each_entry(entry, head, member)                                      \
  for (entry = list_entry((head)->next, __typeof__(*entry), member); &entry->member != (head); \
       entry = list_next_entry(entry, member))
#define list_for_each_entry_safe(entry, next_entry, head, member)                     \
  for (entry = list_entry((head)->next, __typeof__(*entry), member),                  \
      next_entry = list_next_entry(entry, member);                                    \
       &entry->member != (head); entry = next_entry, next_entry = list_next_entry(next_entry, member))
#define list_for_each_entry_rcu(entry, head, member, ...)                             \
  for (entry = list_entry(rcu_dereference((head)->next), __typeof__(*entry), member); \
       &entry->member != (head);                                                      \
       entry = list_entry(rcu_dereference(entry->member.next), __typeof__(*entry), member))

struct hlist_node { struct hlist_node *next, **pprev; };
struct hlist_head { struct hlist_node *first; };
#define HLIST_HEAD_INIT {NULL}
#define HLIST_HEAD(name) struct hlist_head name = {NULL}
#define INIT_HLIST_HEAD(head) ((head)->first = NULL)
static inline void INIT_HLIST_NODE(struct hlist_node *node) {
  node->next = NULL;
  node->pprev = NULL;
}
static inline bool hlist_unhashed(const struct hlist_node *node) { return !node->pprev; }
static inline bool hlist_unhashed_lockless(const struct hlist_node *node) { return !READ_ONCE(node->pprev); }
static inline bool hlist_is_singular_node(struct hlist_node *node, struct hlist_head *head) {
  return !node->next && node->pprev == &head->first;
}
static inline bool hlist_empty(const struct hlist_head *head) { return !READ_ONCE(head->first); }
static inline void hlist_add_head(struct hlist_node *node, struct hlist_head *head) {
  struct hlist_node *first = head->first;
  WRITE_ONCE(node->next, first);
  if (first) WRITE_ONCE(first->pprev, &node->next);
  WRITE_ONCE(head->first, node);
  WRITE_ONCE(node->pprev, &head->first);
}
static inline void hlist_add_head_rcu(struct hlist_node *node, struct hlist_head *head) {
  struct hlist_node *first = head->first;
  node->next = first;
  WRITE_ONCE(node->pprev, &head->first);
  smp_store_release(&head->first, node);
  if (first) WRITE_ONCE(first->pprev, &node->next);
}
static inline void hlist_add_behind_rcu(struct hlist_node *node, struct hlist_node *before) {
  node->next = before->next;
  WRITE_ONCE(node->pprev, &before->next);
  smp_store_release(&before->next, node);
  if (node->next) WRITE_ONCE(node->next->pprev, &node->next);
}
static inline void hlist_add_before_rcu(struct hlist_node *node, struct hlist_node *after) {
  WRITE_ONCE(node->pprev, after->pprev);
  node->next = after;
  smp_store_release(node->pprev, node);
  WRITE_ONCE(after->pprev, &node->next);
}
static inline void addonrace_hlist_unlink_(struct hlist_node *node) {
  struct hlist_node *next = node->next;
  WRITE_ONCE(*node->pprev, next);
  if (next) WRITE_ONCE(next->pprev, node->pprev);
}
static inline void hlist_del(struct hlist_node *node) {
  addonrace_hlist_unlink_(node);
  node->next = (struct hlist_node *)0x100;
  node->pprev = (struct hlist_node **)0x122;
}
static inline void hlist_del_rcu(struct hlist_node *node) {
  addonrace_hlist_unlink_(node);
  WRITE_ONCE(node->pprev, (struct hlist_node **)0x122);
}
static inline void hlist_del_init(struct hlist_node *node) {
  if (hlist_unhashed(node)) return;
  addonrace_hlist_unlink_(node);
  INIT_HLIST_NODE(node);
}
static inline void hlist_del_init_rcu(struct hlist_node *node) {
  if (hlist_unhashed(node)) return;
  addonrace_hlist_unlink_(node);
  WRITE_ONCE(node->pprev, NULL);
}
/* A list's pointers, for rcu_dereference. */
#define hlist_first_rcu(head) ((head)->first)
#define hlist_next_rcu(node) ((node)->next)
#define hlist_pprev_rcu(node) (*(node)->pprev)
#define hlist_entry(pointer, type, member) container_of(pointer, type, member)
#define hlist_entry_safe(pointer, type, member)             \
  ({                                                        \
    __typeof__(pointer) node_ = (pointer);                  \
    node_ ? hlist_entry(node_, type, member) : NULL;        \
  })
#define hlist_for_each_entry(entry, head, member)                                      \
  for (entry = hlist_entry_safe((head)->first, __typeof__(*entry), member); entry;     \
       entry = hlist_entry_safe(entry->member.next, __typeof__(*entry), member))
#define hlist_for_each_entry_safe(entry, next_node, head, member)                      \
  for (entry = hlist_entry_safe((head)->first, __typeof__(*entry), member);            \
       entry && ({ next_node = entry->member.next; 1; });                              \
       entry = hlist_entry_safe(next_node, __typeof__(*entry), member))
#define hlist_for_each_entry_rcu(entry, head, member, ...)                             \
  for (entry = hlist_entry_safe(rcu_dereference((head)->first), __typeof__(*entry), member); entry; \
       entry = hlist_entry_safe(rcu_dereference(entry->member.next), __typeof__(*entry), member))

#endif
