/* SPDX-License-Identifier: Apache-2.0 */
#define UNW_LOCAL_ONLY
#include "trial_spot.h"

#include <dlfcn.h>
#include <libunwind.h>
#include <link.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "place.h"
#include "route.h"

#define FRAMES_MOST   256u
#define HANDLER_STACK ((size_t)64 << 10) /* bytes, since the plugin's may be used up */

static struct {
    struct trial_spot *spot;
    const char *paths[ROUTE_LEGS_MAX + 1]; /* of the plugins */
    size_t count;
} self;

static char handler_stack[HANDLER_STACK];

static bool is_plugin(const char *path)
{
    for (size_t i = 0; i < self.count; i++)
        if (strcmp(self.paths[i], path) == 0)
            return true;
    return false;
}

/* Note `pc` if it is a plugin's. */
static bool note(uintptr_t pc)
{
    struct dl_find_object object;
    const struct link_map *map;

    if (_dl_find_object((void *)pc, &object) != 0) /* NOLINT: an address */
        return false;
    map = object.dlfo_link_map;
    if (!is_plugin(map->l_name))
        return false;
    self.spot->address = pc - map->l_addr;
    strcpy(self.spot->path,
           map->l_name); /* NOLINT: it was opened, so it is that short */
    return true;
}

/* Outwards from `cursor` to a plugin's frame.  `returns`: the first is an address too. */
static void walk(unw_cursor_t *cursor, bool returns)
{
    unw_word_t pc;

    for (unsigned i = 0; i < FRAMES_MOST; i++) {
        unw_get_reg(cursor, UNW_REG_IP, &pc);
        if (note(pc - (i > 0 || returns)) || unw_step(cursor) <= 0)
            return;
    }
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    unw_cursor_t cursor;

    unw_init_local2(&cursor, context, UNW_INIT_SIGNAL_FRAME);
    walk(&cursor, false);
    raise(number); /* it ends by what it was sent */
}

static void on_exit_called(void)
{
    unw_context_t here;
    unw_cursor_t cursor;

    unw_getcontext(&here);
    unw_init_local(&cursor, &here);
    walk(&cursor, true);
}

void trial_spot_watch(struct trial_spot *spot)
{
    static const int signals[] = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                                  SIGTRAP, SIGABRT, SIGXCPU};
    const stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof(handler_stack)};
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND};

    self.spot = spot;
    self.count = 0;
    sigaltstack(&stack, NULL);
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        sigaction(signals[i], &action, NULL);
    atexit(on_exit_called);
}

void trial_spot_add(const char *path)
{
    if (self.count < sizeof(self.paths) / sizeof(*self.paths) &&
        strlen(path) < sizeof(self.spot->path))
        self.paths[self.count++] = path;
}

void trial_spot_set(const void *function)
{
    self.spot->path[0] = '\0';
    if (function)
        note((uintptr_t)function);
}

void trial_spot_find(const struct trial_spot *spot, struct place *place)
{
    *place = (struct place){.line = 0};
    if (spot->path[0])
        place_read(spot->path, spot->address, place);
}
