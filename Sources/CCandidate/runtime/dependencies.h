// What the hooks say of dependencies, where a program is compiled with DataFlowSanitizer's pass (ADDONRACE_TRACKED): the
// labels of an access's address and value, which the compiler leaves in `__dfsan_arg_tls`, and the label of what was read,
// which it takes from `__dfsan_retval_tls`. Elsewhere these say nothing.
#ifdef ADDONRACE_TRACKED

#pragma GCC visibility push(hidden)
// By argument, two bytes each. Set right before a call, and read first thing in it: no thread of its own is needed.
extern uint16_t addonrace_argument_labels[400] __asm__("__dfsan_arg_tls");
extern uint16_t addonrace_result_label[400] __asm__("__dfsan_retval_tls");
void addonrace_tell(uint8_t address, uint8_t data, uintptr_t frame);
uint8_t addonrace_label_of_read(void);
void addonrace_copy_labels(void *to, const void *from, size_t size);
void addonrace_set_labels(void *to, uint8_t label, size_t size);
#pragma GCC visibility pop

#define LABEL(argument) ((uint8_t)addonrace_argument_labels[argument])
// `address` and `data` are numbers of arguments; of a hook that notes its entry, and of another.
#define TELL_AT_ENTRY(address, data) addonrace_tell(LABEL(address), LABEL(data), addonrace_entry.frame)
#define TELL(address) addonrace_tell(LABEL(address), 0, (uintptr_t)__builtin_frame_address(1))
#define TELL_ADDRESS_AT_ENTRY(address) addonrace_tell(LABEL(address), 0, addonrace_entry.frame)
#define LABELLED(type, value)                                   \
  ({                                                            \
    type value_ = (value);                                      \
    addonrace_result_label[0] = addonrace_label_of_read();      \
    value_;                                                     \
  })

#else

#define TELL_AT_ENTRY(address, data) ((void)0)
#define TELL(address) ((void)0)
#define TELL_ADDRESS_AT_ENTRY(address) ((void)0)
#define LABELLED(type, value) (value)
#define addonrace_copy_labels(to, from, size) ((void)0)
#define addonrace_set_labels(to, label, size) ((void)0)

#endif
