/// What code that AddonRace explores and races can say about itself.
#ifndef ADDONRACE_H
#define ADDONRACE_H

#ifdef __cplusplus
extern "C" {
#endif

/// One of 0 ... count - 1: an exploration tries each, a race takes any.
unsigned addonrace_choose(unsigned count);
/// A line for the trace of an exploration, at this point. Races leave it out.
void addonrace_note(const char *text);
/// Ends this execution: it is none that counts.
void addonrace_assume(int holds);
/// A pointer that is NULL at first and that racers populate, said before they begin: single-winner, losers-freed and
/// visible-once judge what becomes of it, and of a race its yield.
void addonrace_slot(void *slot, const char *name);

#ifdef __cplusplus
}
#endif

#endif
