// A function that begins by noting all that is private to its caller, in `addonrace_entry`, and goes on as `addonrace_NAME`.
#if defined(__x86_64__)
#define NOTING_ENTRY(name)                                                                                        \
  __asm__(".text\n.globl " #name "\n.hidden " #name "\n.type " #name ",@function\n" #name ":\n"                  \
          "\tmovq (%rsp), %rax\n\tmovq %rax, addonrace_entry(%rip)\n"                                             \
          "\tleaq 8(%rsp), %rax\n\tmovq %rax, addonrace_entry+8(%rip)\n"                                          \
          "\tmovq %rbx, addonrace_entry+16(%rip)\n\tmovq %rbp, addonrace_entry+24(%rip)\n"                        \
          "\tmovq %r12, addonrace_entry+32(%rip)\n\tmovq %r13, addonrace_entry+40(%rip)\n"                        \
          "\tmovq %r14, addonrace_entry+48(%rip)\n\tmovq %r15, addonrace_entry+56(%rip)\n"                        \
          "\tjmp addonrace_" #name "\n.size " #name ", .-" #name "\n");
#elif defined(__aarch64__)
#define NOTING_ENTRY(name)                                                                                        \
  __asm__(".text\n.globl " #name "\n.hidden " #name "\n.type " #name ",%function\n" #name ":\n"                  \
          "\tadrp x16, addonrace_entry\n\tadd x16, x16, :lo12:addonrace_entry\n\tmov x17, sp\n"                   \
          "\tstp x30, x17, [x16]\n\tstp x19, x20, [x16, #16]\n\tstp x21, x22, [x16, #32]\n"                       \
          "\tstp x23, x24, [x16, #48]\n\tstp x25, x26, [x16, #64]\n\tstp x27, x28, [x16, #80]\n"                  \
          "\tstp x29, xzr, [x16, #96]\n\tb addonrace_" #name "\n.size " #name ", .-" #name "\n");
#else
#error "x86-64 and aarch64 are known"
#endif
