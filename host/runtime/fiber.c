/* SPDX-License-Identifier: Apache-2.0 */
#include "fiber.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sanitize.h"

#if SANITIZED_MEMORY
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if SANITIZED_THREADS
#include <sanitizer/tsan_interface.h>
#include <signal.h>
#endif

#define KEPT ((size_t)16 * 1024) /* bytes of a stack that are touched again at once */

/*
 * Save what a call must keep on the old stack, and come back on the new one.  Of the
 * floating-point environment nothing is kept: rounding modes are the thread's.
 */
void fiber_swap(void **save, void *load);

/* Where a new stack begins: calls what fiber_rewind() left there, with the fiber. */
void fiber_begin(void);

#if defined(__x86_64__)
__asm__(".text\n"
        ".globl fiber_swap\n"
        ".type fiber_swap, @function\n"
        "fiber_swap:\n"
        "    .cfi_startproc\n"
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
        "    .cfi_endproc\n"
        ".size fiber_swap, . - fiber_swap\n"
        ".globl fiber_begin\n"
        ".type fiber_begin, @function\n"
        "fiber_begin:\n"
        "    .cfi_startproc\n"
        "    .cfi_undefined rip\n"
        "    xorl %ebp, %ebp\n"
        "    movq %r12, %rdi\n"
        "    callq *%rbx\n"
        "    ud2\n"
        "    .cfi_endproc\n"
        ".size fiber_begin, . - fiber_begin\n");

/* r12, rbx, the address. */
enum { SAVED_FIBER = 3, SAVED_ENTRY = 4, SAVED_RETURN = 6, SAVED_WORDS = 7 };
#elif defined(__aarch64__)
__asm__(".text\n"
        ".globl fiber_swap\n"
        ".type fiber_swap, %function\n"
        "fiber_swap:\n"
        "    .cfi_startproc\n"
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
        "    mov x9, sp\n"
        "    str x9, [x0]\n"
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
        "    .cfi_endproc\n"
        ".size fiber_swap, . - fiber_swap\n"
        ".globl fiber_begin\n"
        ".type fiber_begin, %function\n"
        "fiber_begin:\n"
        "    .cfi_startproc\n"
        "    .cfi_undefined x30\n"
        "    mov x29, #0\n"
        "    mov x0, x20\n"
        "    blr x19\n"
        "    brk #0\n"
        "    .cfi_endproc\n"
        ".size fiber_begin, . - fiber_begin\n");

/* x20, x19, x30. */
enum { SAVED_FIBER = 1, SAVED_ENTRY = 0, SAVED_RETURN = 11, SAVED_WORDS = 20 };
#else
#error "moult runs on x86-64 and AArch64"
#endif

#define GUARD 65536u /* bytes; a frame that is larger may step over it */
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13: a guard that splits no mapping */
#endif
#ifndef MADV_GUARD_REMOVE
#define MADV_GUARD_REMOVE 103
#endif

/*
 * A guard made with mprotect splits the mapping in two, and 32,000 stacks then exhaust
 * the 65,530 mappings that Linux allows; so it is only the second choice.
 */
static int guard(char *base, size_t size)
{
    if (madvise(base, size, MADV_GUARD_INSTALL) == 0)
        return 0;
    return mprotect(base, size, PROT_NONE) == 0 ? 0 : -errno;
}

/* Where the reserve begins: what overflows that as well must still fail. */
static char *reserve(const struct fiber *f, size_t *len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    *len = f->size - f->asan_size - page;
    return f->base + page;
}

int fiber_open_reserve(struct fiber *f)
{
    size_t len;
    char *low = reserve(f, &len);

    /* One of the two had made it. */
    madvise(low, len, MADV_GUARD_REMOVE);
    return mprotect(low, len, PROT_READ | PROT_WRITE) == 0 ? 0 : -errno;
}

/* If that fails, the last page is still a guard. */
static void close_reserve(struct fiber *f)
{
    size_t len;
    char *low = reserve(f, &len);

    f->returns_to = 0;
    madvise(low, len, MADV_DONTNEED);
    guard(low, len);
}

struct fiber *fiber_create(size_t size, void (*entry)(void))
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t hole = (GUARD + page - 1) / page * page;
    struct fiber *f = calloc(1, sizeof(*f));

    if (!f)
        return NULL;
    f->size = hole + (size + page - 1) / page * page;
    f->base = mmap(NULL, f->size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (f->base == MAP_FAILED) {
        free(f);
        return NULL;
    }
    if (guard(f->base, hole) < 0) {
        munmap(f->base, f->size);
        free(f);
        return NULL;
    }
    f->entry = entry;
    f->asan_low = f->base + hole;
    f->asan_size = f->size - hole;
    fiber_rewind(f);
    return f;
}

static void enter(struct fiber *f)
{
#if SANITIZED_MEMORY
    __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
#endif
    f->entry();
}

void fiber_trim(struct fiber *f)
{
    if (f->size > KEPT)
        madvise(f->base, f->size - KEPT, MADV_DONTNEED);
}

#if SANITIZED_THREADS
/* TSan makes a half-made fiber the current one: no handler may run on it. */
static void *create_sanitized(void)
{
    sigset_t all, before;
    void *made;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    made = __tsan_create_fiber(0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return made;
}
#endif

void fiber_rewind(struct fiber *f)
{
    void **top = (void **)(void *)(f->base + f->size - 64);

    if (f->returns_to)
        close_reserve(f);
    f->sp = top - SAVED_WORDS;
    ((void **)f->sp)[SAVED_FIBER] = f;
    ((void **)f->sp)[SAVED_ENTRY] = (void *)(uintptr_t)enter;
    ((void **)f->sp)[SAVED_RETURN] = (void *)(uintptr_t)fiber_begin;
#if SANITIZED_MEMORY
    __asan_unpoison_memory_region(f->asan_low, f->asan_size);
    f->sanitizer[0] = NULL;
#endif
#if SANITIZED_THREADS
    if (f->sanitizer[1])
        __tsan_destroy_fiber(f->sanitizer[1]);
    f->sanitizer[1] = create_sanitized();
#endif
}

void fiber_destroy(struct fiber *f)
{
    if (!f)
        return;
#if SANITIZED_MEMORY
    __asan_unpoison_memory_region(f->asan_low, f->asan_size);
#endif
#if SANITIZED_THREADS
    __tsan_destroy_fiber(f->sanitizer[1]);
#endif
    munmap(f->base, f->size);
    free(f);
}

void fiber_adopt_thread(struct fiber *f)
{
    *f = (struct fiber){0};
#if SANITIZED_MEMORY
    pthread_attr_t attr;
    void *low = NULL;

    if (pthread_getattr_np(pthread_self(), &attr) == 0) {
        pthread_attr_getstack(&attr, &low, &f->asan_size);
        pthread_attr_destroy(&attr);
    }
    f->asan_low = low;
#endif
#if SANITIZED_THREADS
    f->sanitizer[1] = __tsan_get_current_fiber();
#endif
}

void fiber_switch(struct fiber *from, struct fiber *to)
{
#if SANITIZED_MEMORY
    __sanitizer_start_switch_fiber(&from->sanitizer[0], to->asan_low, to->asan_size);
#endif
#if SANITIZED_THREADS
    __tsan_switch_to_fiber(to->sanitizer[1], 0);
#endif
    fiber_swap(&from->sp, to->sp);
#if SANITIZED_MEMORY
    __sanitizer_finish_switch_fiber(from->sanitizer[0], NULL, NULL);
#endif
}

void fiber_leave(struct fiber *from, struct fiber *to)
{
#if SANITIZED_MEMORY
    __sanitizer_start_switch_fiber(NULL, to->asan_low, to->asan_size);
#endif
#if SANITIZED_THREADS
    __tsan_switch_to_fiber(to->sanitizer[1], 0);
#endif
    fiber_swap(&from->sp, to->sp);
    __builtin_unreachable();
}
