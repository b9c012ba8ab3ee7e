#ifndef CPRODUCT_H
#define CPRODUCT_H

/// The commit that this was built from, as eight hexadecimal digits, with a + where files had been changed since; NULL where it
/// was not built in a clone. The package's manifest says it: a Swift target can be given no text.
const char *_Nullable cproduct_commit(void);

#endif
