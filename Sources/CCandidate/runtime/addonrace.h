/// What code that AddonRace explores and races can say about itself.
#ifndef ADDONRACE_H
#define ADDONRACE_H

#ifdef __cplusplus
extern "C" {
#endif

/// One of 0 ... count - 1: an exploration tries each, a race takes any.
unsigned addonrace_choose(unsigned count);
/// A line for the trace. Accepted, and not shown yet.
void addonrace_note(const char *text);
/// Ends this execution: it is none that counts.
void addonrace_assume(int holds);
/// A pointer that is NULL at first and that racers populate. Accepted; the checkers of slots do not judge it yet.
void addonrace_slot(void *slot, const char *name);

#ifdef __cplusplus
}
#endif

#endif
