#include "CProduct.h"

#include <stddef.h>

#define TEXT_OF(word) #word
#define TEXT(word) TEXT_OF(word)

const char *cproduct_commit(void) {
#if defined(ADDONRACE_COMMIT) && defined(ADDONRACE_CHANGED)
  return TEXT(ADDONRACE_COMMIT) "+";
#elif defined(ADDONRACE_COMMIT)
  return TEXT(ADDONRACE_COMMIT);
#else
  return NULL;
#endif
}
