// Included before a user's C and C++: tells a weak compare-exchange from a strong one, which the compiler's
// instrumentation does not, and lets the competition's names be used without a header.
#if !defined(ADDONRACE_PRELUDE_H) && defined(ADDONRACE_EXPLORED)
#define ADDONRACE_PRELUDE_H

#ifdef __cplusplus
extern "C" {
#endif
void addonrace_weak_update(int is_weak);
#ifdef __cplusplus
}
#endif

#define __c11_atomic_compare_exchange_weak(...) \
  (addonrace_weak_update(1), __c11_atomic_compare_exchange_weak(__VA_ARGS__))
#define __atomic_compare_exchange_n(object, expected, desired, weak, success, failure) \
  (addonrace_weak_update(weak), __atomic_compare_exchange_n(object, expected, desired, weak, success, failure))

#endif
