/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/emu/fibre.h"
#include "kernels/emu/sanitizer.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>
#if !defined(__x86_64__) && !defined(__aarch64__)
#include <ucontext.h>
#endif

/* Sanitized frames are several times as large. Pages are allocated when touched. */
static const size_t STACK = EMU_ASAN ? 256 * 1024 : 128 * 1024;

#if defined(__x86_64__)
/* Saves what a called function must preserve, then changes the stack. */
asm(".text\n"
    ".p2align 4\n"
    ".hidden fovea_emu_change\n"
    ".globl fovea_emu_change\n"
    ".type fovea_emu_change, @function\n"
    "fovea_emu_change:\n"
    "    pushq %rbp\n"
    "    pushq %rbx\n"
    "    pushq %r12\n"
    "    pushq %r13\n"
    "    pushq %r14\n"
    "    pushq %r15\n"
    "    movq %rsp, (%rdi)\n"
    "    movq %rsi, %rsp\n"
    "    popq %r15\n"
    "    popq %r14\n"
    "    popq %r13\n"
    "    popq %r12\n"
    "    popq %rbx\n"
    "    popq %rbp\n"
    "    ret\n"
    ".size fovea_emu_change, . - fovea_emu_change\n");
extern "C" void fovea_emu_change(void **saved, void *to);

static void *first_frame(char *top, void (*entry)()) {
    void **at = (void **)top;
    *--at = nullptr; /* in place of a return address; keeps the alignment of a called function */
    *--at = (void *)entry;
    for (int i = 0; i < 6; i++)
        *--at = nullptr;
    return at;
}
#elif defined(__aarch64__)
asm(".text\n"
    ".p2align 4\n"
    ".hidden fovea_emu_change\n"
    ".globl fovea_emu_change\n"
    ".type fovea_emu_change, %function\n"
    "fovea_emu_change:\n"
    "    sub sp, sp, #160\n"
    "    stp x19, x20, [sp, #0]\n"
    "    stp x21, x22, [sp, #16]\n"
    "    stp x23, x24, [sp, #32]\n"
    "    stp x25, x26, [sp, #48]\n"
    "    stp x27, x28, [sp, #64]\n"
    "    stp x29, x30, [sp, #80]\n"
    "    stp d8, d9, [sp, #96]\n"
    "    stp d10, d11, [sp, #112]\n"
    "    stp d12, d13, [sp, #128]\n"
    "    stp d14, d15, [sp, #144]\n"
    "    mov x2, sp\n"
    "    str x2, [x0]\n"
    "    mov sp, x1\n"
    "    ldp x19, x20, [sp, #0]\n"
    "    ldp x21, x22, [sp, #16]\n"
    "    ldp x23, x24, [sp, #32]\n"
    "    ldp x25, x26, [sp, #48]\n"
    "    ldp x27, x28, [sp, #64]\n"
    "    ldp x29, x30, [sp, #80]\n"
    "    ldp d8, d9, [sp, #96]\n"
    "    ldp d10, d11, [sp, #112]\n"
    "    ldp d12, d13, [sp, #128]\n"
    "    ldp d14, d15, [sp, #144]\n"
    "    add sp, sp, #160\n"
    "    ret\n"
    ".size fovea_emu_change, . - fovea_emu_change\n");
extern "C" void fovea_emu_change(void **saved, void *to);

static void *first_frame(char *top, void (*entry)()) {
    void **at = (void **)top - 20;
    for (int i = 0; i < 20; i++)
        at[i] = nullptr;
    at[11] = (void *)entry; /* x30: where `ret` jumps to */
    return at;
}
#else
static void fovea_emu_change(void **saved, void *to) {
    ucontext_t here;
    *saved = &here;
    swapcontext(&here, (ucontext_t *)to);
}
#endif

/* The fibre that changed to the running one. */
static emu::Fibre *changed_from;

/* The first call on a stack that was changed to. */
EMU_UNSANITIZED static void finish_change(emu::Fibre *self) {
#if EMU_ASAN
    const void *stack;
    size_t bytes;
    __sanitizer_finish_switch_fiber(self->fake_stack, &stack, &bytes);
    if (!changed_from->entry) {
        changed_from->stack = (void *)stack;
        changed_from->bytes = bytes;
    }
#else
    (void)self;
#endif
}

static emu::Fibre *starting;

EMU_UNSANITIZED static void begin_fibre() {
    emu::Fibre *self = starting;
    finish_change(self);
    self->entry();
}

bool emu::fibre_create(Fibre *fibre, void (*entry)(), unsigned number) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory =
        (char *)mmap(nullptr, page + STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    mprotect(memory, page, PROT_NONE); /* an overflow stops here */
    *fibre = {nullptr, memory + page, STACK, nullptr, entry};
    fibre_restart(fibre, number);
    return true;
}

void emu::fibre_restart(Fibre *fibre, unsigned number) {
    permit(fibre->stack, fibre->bytes);
    /* Stacks that all began at the same offset in their pages would share a few lines of the cache. */
    const size_t spread = number * 320 % 4096 / 64 * 64;
#if defined(__x86_64__) || defined(__aarch64__)
    fibre->saved = first_frame((char *)fibre->stack + fibre->bytes - spread, begin_fibre);
#else
    ucontext_t *context = (ucontext_t *)((char *)fibre->stack + fibre->bytes) - 1;
    getcontext(context);
    context->uc_stack.ss_sp = fibre->stack;
    context->uc_stack.ss_size = fibre->bytes - sizeof(*context) - spread;
    context->uc_link = nullptr;
    makecontext(context, begin_fibre, 0);
    fibre->saved = context;
#endif
}

EMU_UNSANITIZED void emu::fibre_change(Fibre *from, Fibre *to) {
    changed_from = from;
    starting = to;
#if EMU_ASAN
    __sanitizer_start_switch_fiber(&from->fake_stack, to->stack, to->bytes);
#endif
    fovea_emu_change(&from->saved, to->saved);
    finish_change(from);
}
