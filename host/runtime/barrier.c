/* SPDX-License-Identifier: Apache-2.0 */
#define UNW_LOCAL_ONLY
#include "barrier.h"

#include <dlfcn.h>
#include <errno.h>
#include <fenv.h>
#include <libunwind.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "crash.h"
#include "event.h"
#include "facts.h"
#include "fault.h"
#include "fiber.h"
#include "origin.h"
#include "routine.h"
#include "utf8.h"
#include "worker.h"

#define FRAMES_MOST (FIBER_STACK / 16) /* on a stack that is not a circle */
#define HANDLER_STACK \
    ((size_t)256 * 1024) /* bytes; libdw reads debug information on it */

static struct dl_find_object own; /* libmoult */

static bool is_own(uintptr_t pc)
{
    struct dl_find_object object;

    return _dl_find_object((void *)pc, &object) == 0 && /* NOLINT: an address */
           object.dlfo_link_map == own.dlfo_link_map;
}

/* -- what the machine was doing -- */

#if defined(__x86_64__)
#define DIRECTION 0x400 /* the flag, which calls leave clear */
#define TRAP      "ud2"

static uintptr_t pc_of(const ucontext_t *u)
{
    return (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
}

static void set_pc(ucontext_t *u, uintptr_t pc)
{
    u->uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
}

/* As if the function that it has just entered had returned. */
static void return_from(ucontext_t *u)
{
    greg_t *r = u->uc_mcontext.gregs;

    memcpy(&r[REG_RIP], (const void *)(uintptr_t)r[REG_RSP], sizeof(r[REG_RIP]));
    r[REG_RSP] += (greg_t)sizeof(r[REG_RIP]);
}

static uintptr_t sp_of(const ucontext_t *u)
{
    return (uintptr_t)u->uc_mcontext.gregs[REG_RSP];
}

/* Go on in `function` on a stack that ends at `top`, with nothing above it. */
static void go_on_in(ucontext_t *u, void (*function)(void), char *top)
{
    greg_t *r = u->uc_mcontext.gregs;

    top -= 16 + sizeof(void *); /* as a call leaves it */
    *(void **)(void *)top = NULL;
    r[REG_RIP] = (greg_t)(uintptr_t)function;
    r[REG_RSP] = (greg_t)(uintptr_t)top;
    r[REG_RBP] = 0;
    r[REG_EFL] &= ~(greg_t)DIRECTION;
}
#else
#define TRAP "udf #0"

static uintptr_t pc_of(const ucontext_t *u)
{
    return u->uc_mcontext.pc;
}

static void set_pc(ucontext_t *u, uintptr_t pc)
{
    u->uc_mcontext.pc = pc;
}

static void return_from(ucontext_t *u)
{
    u->uc_mcontext.pc = u->uc_mcontext.regs[30];
}

static uintptr_t sp_of(const ucontext_t *u)
{
    return u->uc_mcontext.sp;
}

static void go_on_in(ucontext_t *u, void (*function)(void), char *top)
{
    u->uc_mcontext.pc = (uintptr_t)function;
    u->uc_mcontext.sp = (uintptr_t)top;
    u->uc_mcontext.regs[29] = u->uc_mcontext.regs[30] = 0;
}
#endif

/* -- is it the plugin's alone? -- */

struct failure {
    struct crash crash;
    const struct origin *origin; /* the innermost plugin on the stack */
    uintptr_t at;                /* in it */
    bool reported;
};

/* Why something is not contained, for people. */
static const char outside[] = "no callback was running on this thread";
static const char unprepared[] = "this thread has no stack to deal with it on";
static const char was_sent[] = "the signal was sent, by somebody who may hold a lock";
static const char hosts_own[] = "it failed in the host's own code";
static const char in_library[] =
    "it failed in a library that may hold a lock, or that something is half done in";
static const char called_back[] =
    "the callback that failed was called by a library that may hold a lock";
static const char in_barrier[] = "containing what failed failed as well";

/* What is being dealt with in this thread; what fails meanwhile is the barrier. */
static __thread struct failure failure;
static __thread bool failing;

/* May the plugin end while this is on its stack?  `inner`: there is a routine above it. */
static bool may_pass(const struct failure *f, uintptr_t pc, bool inner)
{
    if (f->origin)
        return routine_calls_back(pc);
    return routine_is_string(pc) || (inner && routine_is_interceptor(pc));
}

/*
 * Walk outwards from `first`.  True if, up to the host's own frame, there are only
 * routines, which the plugin called, then the plugin, and routines that call it back.
 * A stack that leads nowhere was the plugin's to spoil.
 */
static bool is_plugins(struct failure *f, unw_cursor_t *cursor, uintptr_t first,
                       bool returns)
{
    struct crash *c = &f->crash;
    struct dl_find_object object;
    unw_word_t pc;
    bool ends = false, clean = true;
    unsigned seen = 0;

    c->because = in_library;

    do {
        unw_get_reg(cursor, UNW_REG_IP, &pc);
        if (!seen && pc != first)
            continue; /* a frame of ours, above the plugin's call */
        if (c->depth < CRASH_FRAMES)
            c->frames[c->depth++] = pc;
        /* A return address may be that of the next function. */
        pc -= seen++ > 0 || returns;
        if (origin_at(pc)) {
            f->at = f->origin ? f->at : pc;
            f->origin = f->origin ? f->origin : origin_at(pc);
        } else if (!may_pass(f, pc, seen > 1)) {
            ends = true;
            clean =
                f->origin && (_dl_find_object((void *)pc, &object) != 0 || /* NOLINT */
                              object.dlfo_link_map == own.dlfo_link_map);
            c->because = f->origin ? called_back : in_library;
        }
    } while (!ends && seen < FRAMES_MOST && unw_step(cursor) > 0);
    return clean && f->origin && seen < FRAMES_MOST;
}

static void trace(struct crash *c, ucontext_t *context)
{
    unw_cursor_t cursor;
    unw_word_t pc;

    c->depth = 0;
    unw_init_local2(&cursor, (unw_context_t *)context, UNW_INIT_SIGNAL_FRAME);
    do {
        unw_get_reg(&cursor, UNW_REG_IP, &pc);
        c->frames[c->depth++] = pc;
    } while (c->depth < CRASH_FRAMES && unw_step(&cursor) > 0);
}

/* -- the end of a process -- */

/* "SIGSEGV at address 0x0 in handle_call (counter.c:21) of counter 1.0.0" */
static void describe(const struct failure *f, char *words, size_t size)
{
    const struct crash *c = &f->crash;
    const struct place *place = &c->place;
    char at[32] = "", line[160] = "";

    if (c->at_address)
        snprintf(at, sizeof(at), " at address 0x%jx", (uintmax_t)c->address);
    if (place->file[0])
        snprintf(line, sizeof(line), " (%s:%d)", place->file, place->line);
    snprintf(words, size, "%s%s in %s%s of %s %s", c->what, at,
             place->function[0] ? place->function : "a function", line, f->origin->app,
             f->origin->vsn);
}

static void tell(const struct failure *f, struct process *p, const char *server,
                 const char *words)
{
    const struct crash *c = &f->crash;
    const struct place *place = &c->place;
    char address[24] = "";
    struct members m;

    if (c->at_address)
        snprintf(address, sizeof(address), "0x%jx", (uintmax_t)c->address);
    members_begin(&m);
    members_text(&m, "app", f->origin->app);
    members_text(&m, "vsn", f->origin->vsn);
    members_text(&m, "server", server);
    members_text(&m, "signal", c->what);
    members_text(&m, "address", address[0] ? address : NULL);
    members_text(&m, "function", place->function[0] ? place->function : NULL);
    members_text(&m, "file", place->file[0] ? place->file : NULL);
    members_int(&m, "line", place->line);
    members_text(&m, "reason", words);
    facts_add(&m, p);
    event_emit_members(EVENT_ERROR, "server.fault", &m);
}

struct barrier_whose barrier_whose(struct process *p)
{
    struct barrier_whose whose = {0};

    if (p->class->whose)
        p->class->whose(p, &whose);
    return whose;
}

/* From here on it is an exit as any other: all locks are free, memory is whole. */
static _Noreturn void contain(struct failure *f, struct process *p)
{
    struct crash *c = &f->crash;
    const struct origin *o = f->origin;
    struct barrier_whose whose = barrier_whose(p);
    char words[512];
    bool is_new;

    fesetenv(FE_DFL_ENV); /* whatever the plugin made of it */
    is_new = place_find(o->path, o->bias, f->at, &c->place);
    describe(f, words, sizeof(words));
    c->contained = true;
    c->because = NULL;
    c->words = words;
    if (is_new) /* one report a place is enough, events tell them all */
        crash_write(c);
    tell(f, p, whose.server, words);
    if (whose.why) {
        fault_where(whose.why, NULL, NULL, whose.server, c->place.function);
        fault(whose.why, -EFAULT, "%s", words);
    }
    failing = false;
    process_fail_callback(p, -EFAULT, words);
}

/* -- signals -- */

static __thread struct fiber *handler_stack;

static const struct {
    int number;
    const char *name;
    bool at_address;
} signals[] = {{SIGSEGV, "SIGSEGV", true},  {SIGBUS, "SIGBUS", true},
               {SIGFPE, "SIGFPE", false},   {SIGILL, "SIGILL", false},
               {SIGTRAP, "SIGTRAP", false}, {SIGABRT, "SIGABRT", false}};

bool barrier_handles(int number)
{
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        if (signals[i].number == number)
            return true;
    return false;
}

static void name_signal(struct crash *c, int number, const siginfo_t *info)
{
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        if (signals[i].number != number)
            continue;
        c->what = signals[i].name;
        c->at_address = signals[i].at_address && info->si_code > 0;
    }
    c->address = (uintptr_t)info->si_addr;
    if (c->at_address && worker_is_guard(info->si_addr)) {
        c->what = "stack overflow";
        c->at_address = false;
    } else if (number == SIGFPE && info->si_code == FPE_INTDIV) {
        c->what = "division by zero";
    }
}

/* Does what happened at `pc` look like the plugin's, before any frame is read? */
static bool may_be_plugins(ucontext_t *u, const siginfo_t *info, bool *returns)
{
    uintptr_t pc = pc_of(u);

    if (origin_at(pc) || routine_is_string(pc))
        return true;
    /* A call of nothing, say through a null pointer: it has only just left its caller. */
    if (pc != (uintptr_t)info->si_addr || sp_of(u) % sizeof(void *) ||
        !worker_is_stack((void *)sp_of(u))) /* NOLINT: an address */
        return false;
    return_from(u);
    *returns = true;
    return origin_at(pc_of(u) - 1) != NULL;
}

/* Why it can't be, before any frame is read; NULL: perhaps it can. */
static const char *obstacle(const struct failure *f, const siginfo_t *info,
                            uintptr_t pc)
{
    if (!f->crash.process)
        return outside;
    if (!handler_stack)
        return unprepared;
    if (info->si_code <= 0)
        return was_sent;
    return is_own(pc) ? hosts_own : NULL;
}

static bool is_containable(struct failure *f, const siginfo_t *info,
                           const ucontext_t *u)
{
    ucontext_t copy = *u;
    bool returns = false;
    unw_cursor_t cursor;

    f->crash.because = obstacle(f, info, pc_of(u));
    if (f->crash.because)
        return false;
    f->crash.because = in_library;
    if (!may_be_plugins(&copy, info, &returns))
        return false;
    unw_init_local2(&cursor, (unw_context_t *)&copy, UNW_INIT_SIGNAL_FRAME);
    return is_plugins(f, &cursor, pc_of(&copy), returns);
}

/*
 * -- an overflow in what the plugin called --
 *
 * It may hold a lock there, say that of stdout.  So it gets the reserve to come to its
 * end on, and returns not to the plugin but into a trap.
 */

void barrier_trap(void);

__asm__(".text\n"
        ".globl barrier_trap\n"
        ".hidden barrier_trap\n"
        ".type barrier_trap, %function\n"
        "barrier_trap:\n"
        "    " TRAP "\n"
        ".size barrier_trap, . - barrier_trap\n");

/* Step to where the innermost plugin goes on when its call returns; 0: there is none. */
static uintptr_t step_to_plugin(unw_cursor_t *cursor)
{
    unw_word_t pc = 0;

    for (unsigned i = 0; i < FRAMES_MOST && unw_step(cursor) > 0; i++) {
        unw_get_reg(cursor, UNW_REG_IP, &pc);
        if (origin_at(pc - 1))
            return pc;
    }
    return 0;
}

static bool lend_reserve(struct failure *f, const siginfo_t *info, ucontext_t *u)
{
    struct fiber *stack = worker_fiber();
    unw_cursor_t cursor, outwards;
    uintptr_t returns_to;

    if (!f->crash.process || !handler_stack || info->si_code <= 0 ||
        !worker_is_guard(info->si_addr) || stack->returns_to || origin_at(pc_of(u)))
        return false;
    unw_init_local2(&cursor, (unw_context_t *)u, UNW_INIT_SIGNAL_FRAME);
    returns_to = step_to_plugin(&cursor);
    outwards = cursor;
    if (!returns_to || !is_plugins(f, &outwards, returns_to, true) ||
        fiber_open_reserve(stack) != 0)
        return false;
    stack->returns_to = returns_to;
    return unw_set_reg(&cursor, UNW_REG_IP, (uintptr_t)barrier_trap) == 0;
}

/* It has come to its end; what called it is where the stack was overflown. */
static bool has_returned(struct failure *f, const ucontext_t *u)
{
    struct fiber *stack = worker_fiber();
    ucontext_t copy = *u;
    unw_cursor_t cursor;

    if (pc_of(u) != (uintptr_t)barrier_trap || !stack || !stack->returns_to)
        return false;
    f->crash.what = "stack overflow";
    f->crash.at_address = false;
    set_pc(&copy, stack->returns_to);
    unw_init_local2(&cursor, (unw_context_t *)&copy, UNW_INIT_SIGNAL_FRAME);
    return is_plugins(f, &cursor, stack->returns_to, true);
}

/* Where a worker goes on: outside of the handler, but still on its stack. */
static void land(void)
{
    contain(&failure, failure.crash.process);
}

/* Die of it: returning fails again, and what somebody sent is sent again. */
static void die(int number, const siginfo_t *info)
{
    signal(number, SIG_DFL);
    if (info->si_code <= 0)
        raise(number);
}

/* What was found on the stack, to look at it in another way. */
static void forget(struct failure *f)
{
    f->crash.depth = 0;
    f->origin = NULL;
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    struct failure *f = &failure;

    if (!failing) {
        failing = true;
        *f = (struct failure){.crash = {.process = worker_running()}};
        name_signal(&f->crash, number, info);
        if (lend_reserve(f, info, context)) {
            failing = false;
            return;
        }
        forget(f);
        if (has_returned(f, context) || is_containable(f, info, context)) {
            go_on_in(context, land, handler_stack->base + handler_stack->size);
            return;
        }
        trace(&f->crash, context);
    }
    if (!f->reported) { /* else what is written is all that can be */
        f->reported = true;
        if (f->crash.contained)
            f->crash.because = in_barrier;
        f->crash.contained = false;
        crash_write(&f->crash);
    }
    die(number, info);
}

void barrier_start(void)
{
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

    routines_find();
    _dl_find_object((void *)(uintptr_t)barrier_start, &own);
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        sigaction(signals[i].number, &action, NULL);
}

/* -- each thread's stack for it -- */

static __thread stack_t stack_before; /* a sanitizer's */

void barrier_thread_start(void)
{
    stack_t stack = {0};

    handler_stack = fiber_create(HANDLER_STACK, NULL);
    if (!handler_stack)
        return; /* then nothing is contained here */
    stack.ss_sp =
        handler_stack->base + (handler_stack->size - handler_stack->asan_size);
    stack.ss_size = handler_stack->asan_size;
    sigaltstack(&stack, &stack_before);
}

void barrier_thread_finish(void)
{
    if (!handler_stack)
        return;
    sigaltstack(&stack_before, NULL);
    fiber_destroy(handler_stack);
    handler_stack = NULL;
}

/* -- a signal from outside -- */

/* The innermost plugin's, from where the handler's thread was interrupted. */
static void find_plugin(struct barrier_spot *spot, ucontext_t *context)
{
    struct dl_find_object object;
    unw_cursor_t cursor;
    unsigned seen = 0;
    unw_word_t pc;

    unw_init_local2(&cursor, (unw_context_t *)context, UNW_INIT_SIGNAL_FRAME);
    do {
        unw_get_reg(&cursor, UNW_REG_IP, &pc);
        pc -= seen > 0;
        if (spot->origin) {
            spot->from = origin_at(pc) == spot->origin ? pc : 0;
            return;
        }
        spot->origin = origin_at(pc);
        spot->at = pc;
        if (!spot->origin && (_dl_find_object((void *)pc, &object) == 0 && /* NOLINT */
                              object.dlfo_link_map == own.dlfo_link_map))
            return;
    } while (++seen < CRASH_FRAMES && unw_step(&cursor) > 0);
}

struct barrier_spot barrier_spot(void *context)
{
    struct failure f = {.at = 0};
    struct barrier_spot spot = {.at = 0};
    uintptr_t pc = pc_of(context);
    unw_cursor_t cursor;

    find_plugin(&spot, context);
    if (spot.origin && handler_stack && (origin_at(pc) || routine_is_string(pc))) {
        unw_init_local2(&cursor, (unw_context_t *)context, UNW_INIT_SIGNAL_FRAME);
        spot.may_end = is_plugins(&f, &cursor, pc, false);
    }
    return spot;
}

void barrier_go_on(void *context, void (*function)(void))
{
    go_on_in(context, function, handler_stack->base + handler_stack->size);
}

/* -- without a signal -- */

/* As text: it may be what the plugin had to say. */
static void copy_text(char *text, size_t size, const char *what)
{
    snprintf(text, size, "%s", what);
    if (utf8_valid(text, strlen(text)))
        return;
    for (; *text; text++)
        *text = (unsigned char)*text < 128 ? *text : '?';
}

/* Returns if it is not to be contained. */
static void try_to_end(uintptr_t caller, const char *what)
{
    struct process *p = worker_running();
    char text[256];
    unw_context_t here;
    unw_cursor_t cursor;

    if (!p || failing)
        return;
    failing = true;
    copy_text(text, sizeof(text), what);
    failure = (struct failure){.crash = {.what = text, .process = p}};
    unw_getcontext(&here);
    unw_init_local(&cursor, &here);
    if (is_plugins(&failure, &cursor, caller, true))
        contain(&failure, p);
    failing = false;
}

bool barrier_guards(const void *caller)
{
    return worker_running() && origin_at((uintptr_t)caller - 1);
}

void barrier_ask_end(const void *caller, const char *what)
{
    if (barrier_guards(caller))
        try_to_end((uintptr_t)caller, what);
}

/* The plugin's innermost call is where it failed, if all below it is `mine`; or 0. */
static uintptr_t innermost_plugin(uintptr_t from, bool (*mine)(uintptr_t pc))
{
    unw_context_t here;
    unw_cursor_t cursor;
    unw_word_t pc = 0;
    bool begun = !from;

    unw_getcontext(&here);
    unw_init_local(&cursor, &here);
    while (unw_step(&cursor) > 0) {
        unw_get_reg(&cursor, UNW_REG_IP, &pc);
        begun |= pc == from;
        if (origin_at(pc - 1))
            return pc;
        if (begun && !mine(pc - 1))
            break;
    }
    return 0;
}

/* Who terminates takes the exception for caught: this is where it would be let go. */
static void end_catch(const void *runtime)
{
    struct dl_find_object object;
    void (*end)(void);
    void *library;

    if (_dl_find_object((void *)(uintptr_t)runtime, &object) != 0)
        return;
    library = dlopen(object.dlfo_link_map->l_name, RTLD_NOLOAD | RTLD_LAZY);
    if (!library)
        return;
    *(void **)&end = dlsym(library, "__cxa_end_catch");
    if (end)
        end();
    dlclose(library);
}

void barrier_ask_terminate(const void *caller)
{
    uintptr_t from = worker_running() && routine_is_cxx((uintptr_t)caller - 1)
                         ? innermost_plugin((uintptr_t)caller, routine_is_cxx)
                         : 0;

    if (!from)
        return;
    end_catch(caller);
    try_to_end(from, "std::terminate()");
}

void barrier_fail(const char *what)
{
    uintptr_t caller = worker_running() ? innermost_plugin(0, is_own) : 0;

    if (caller)
        try_to_end(caller, what);
    abort();
}
