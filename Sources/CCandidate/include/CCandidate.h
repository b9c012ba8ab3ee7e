/// The headers and the C that are compiled with a user's code, carried inside the binary, and what the explorer needs of
/// machine code.
#ifndef CCANDIDATE_H
#define CCANDIDATE_H

#include "addonrace_host.h"

/// A file that is compiled with a user's code, or that such code includes.
typedef struct ccandidate_file {
  /// Its path, as it is included.
  const char *_Nonnull path;
  const char *_Nonnull text;
} ccandidate_file;

/// The first of them; behind the last stands one whose path is empty.
const ccandidate_file *_Nonnull ccandidate_first_file(void);

/// Calls `main` of a program.
int ccandidate_call_main(void *_Nonnull function);

/// Calls what a thread begins with.
void *_Nullable ccandidate_call_body(void *_Nonnull function, void *_Nullable argument);

/// Calls a function without arguments.
void ccandidate_call(void *_Nonnull function);

/// Binds the hooks of a loaded program.
void ccandidate_bind(void *_Nonnull function, const addonrace_host *_Nullable host);

/// Binds the runtime of a loaded program that is raced; NULL: its own runner serves it.
void ccandidate_bind_race(void *_Nonnull function, const addonrace_race *_Nullable race);

/// Runs a program that is loaded until something ends it.
void ccandidate_run_program(void *_Nonnull function, addonrace_program *_Nonnull program);

/// Copies a stretch of a stack, redzones of sanitizers and all. `bytes` is a multiple of 8.
void ccandidate_copy_stack(void *_Nonnull to, const void *_Nonnull stack, size_t bytes);

/// Whether a stretch of a stack is as a copy has it.
int ccandidate_is_same_stack(const void *_Nonnull copy, const void *_Nonnull stack, size_t bytes);

/// A loaded object: its data that can be written, and the image of its thread-local storage.
typedef struct ccandidate_image {
  uintptr_t base;
  uintptr_t data;
  size_t data_size;
  uintptr_t tls;
  size_t tls_file_size, tls_size, tls_alignment;
} ccandidate_image;

/// Finds the object that an address lies in. Answers 0 where there is none.
int ccandidate_find_image(uintptr_t address, ccandidate_image *_Nonnull image);

#endif
