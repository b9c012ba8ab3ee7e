#ifndef CPRODUCT_H
#define CPRODUCT_H

/// The commit that this was built from, as eight hexadecimal digits, with a + where files had been changed since; NULL where
/// whoever built it did not say (`ADDONRACE_COMMIT` in the environment, which the scripts set). A Swift target can be given no text.
const char *_Nullable cproduct_commit(void);

#endif
