/* SPDX-License-Identifier: Apache-2.0 */
#define UNW_LOCAL_ONLY
#include "routine.h"

#include <dlfcn.h>
#include <libunwind.h>
#include <link.h>
#include <stddef.h>
#include <string.h>

#include "sanitize.h"

#define FAMILY 4u  /* entries of memmove beside one, that share its code */
#define ALIGN  64u /* between functions, at most */
#define BEHIND 2u /* a name's functions: what a call runs, and libc's own behind that */

struct range {
    uintptr_t start, end;
};

/*
 * No lock, no state of libc's own but strtok's.  Those that allocate (strdup) do it with
 * nothing in hand: what fails in them while they do is in malloc, and no routine.
 */
static const char *const strings[] = {
    "memcpy",        "memmove",       "mempcpy",
    "memset",        "memcmp",        "memchr",
    "memrchr",       "rawmemchr",     "memccpy",
    "memmem",        "memfrob",       "bcopy",
    "bzero",         "bcmp",          "explicit_bzero",
    "strlen",        "strnlen",       "strcpy",
    "strncpy",       "stpcpy",        "stpncpy",
    "strcat",        "strncat",       "strcmp",
    "strncmp",       "strcasecmp",    "strncasecmp",
    "strcoll",       "strchr",        "strchrnul",
    "strrchr",       "strstr",        "strcasestr",
    "strspn",        "strcspn",       "strpbrk",
    "strtok",        "strtok_r",      "strsep",
    "strdup",        "strndup",       "strtol",
    "strtoul",       "strtoll",       "strtoull",
    "wcslen",        "wcscpy",        "wcsncpy",
    "wcscat",        "wcscmp",        "wcschr",
    "wmemcpy",       "wmemmove",      "wmemset",
    "wmemcmp",       "__memcpy_chk",  "__memmove_chk",
    "__mempcpy_chk", "__memset_chk",  "__strcpy_chk",
    "__strncpy_chk", "__stpcpy_chk",  "__strcat_chk",
    "__strncat_chk", "__stpncpy_chk", "__explicit_bzero_chk"};
/* They do nothing but wait in the kernel; a kill finds a plugin there. */
static const char *const waits[] = {
    "nanosleep", "clock_nanosleep", "sleep",       "usleep",      "pause",   "poll",
    "ppoll",     "select",          "pselect",     "epoll_wait",  "read",    "write",
    "readv",     "writev",          "pread",       "pwrite",      "recv",    "send",
    "recvfrom",  "sendto",          "recvmsg",     "sendmsg",     "accept",  "accept4",
    "connect",   "waitpid",         "sched_yield", "epoll_pwait", "sendfile"};
/* One source file of glibc holds many entries into one body, for these. */
static const char *const families[] = {"memmove", "memset"};
static const char *const callers[] = {"qsort", "qsort_r", "bsearch", "lfind",
                                      "lsearch"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct range
    string_ranges[(COUNT(strings) + COUNT(waits)) * BEHIND + COUNT(families) * FAMILY];
static struct range caller_ranges[COUNT(callers) + 1];
static size_t string_count, caller_count;
static struct dl_find_object interceptors; /* the sanitizer's library */

/* The function around `address`, by its unwind information: libc has no symbols left. */
static bool around(uintptr_t address, struct range *range)
{
    unw_proc_info_t info;

    if (unw_get_proc_info_by_ip(unw_local_addr_space, address, &info, NULL) != 0)
        return false;
    *range = (struct range){info.start_ip, info.end_ip};
    return range->start <= address && address < range->end;
}

/* What a call of it runs: for many the variant that this processor likes best. */
static bool named(const char *name, struct range *range)
{
    void *function = dlsym(RTLD_DEFAULT, name);

    return function && around((uintptr_t)function, range);
}

/* Libc's own too, for a sanitizer, say, may stand before it, and does call it. */
static void add_string(void *libc, const char *name)
{
    void *own = libc ? dlsym(libc, name) : NULL;

    string_count += named(name, &string_ranges[string_count]);
    if (own && own != dlsym(RTLD_DEFAULT, name))
        string_count += around((uintptr_t)own, &string_ranges[string_count]);
}

static bool next_to(const struct range *range, int side, struct range *next)
{
    for (uintptr_t gap = 0; gap < ALIGN; gap++)
        if (around(side > 0 ? range->end + gap : range->start - 1 - gap, next))
            return true;
    return false;
}

void routines_find(void)
{
    struct range range;
    void *libc;

    if (string_count)
        return;
    if (SANITIZED_MEMORY)
        _dl_find_object(dlsym(RTLD_DEFAULT, "strlen"), &interceptors);
    libc = dlopen("libc.so.6", RTLD_NOLOAD | RTLD_LAZY);
    for (size_t i = 0; i < COUNT(callers); i++)
        caller_count += named(callers[i], &caller_ranges[caller_count]);
    /* The merge sort itself, which stands before its entry. */
    if (named("qsort_r", &range))
        caller_count += next_to(&range, -1, &caller_ranges[caller_count]);
    for (size_t i = 0; i < COUNT(families); i++) {
        if (!named(families[i], &range))
            continue;
        for (unsigned n = 0; n < FAMILY && next_to(&range, 1, &range); n++)
            string_ranges[string_count++] = range;
    }
    for (size_t i = 0; i < COUNT(strings); i++)
        add_string(libc, strings[i]);
    for (size_t i = 0; i < COUNT(waits); i++)
        add_string(libc, waits[i]);
    if (libc)
        dlclose(libc);
}

static bool is_in(const struct range *ranges, size_t count, uintptr_t address)
{
    for (size_t i = 0; i < count; i++)
        if (ranges[i].start <= address && address < ranges[i].end)
            return true;
    return false;
}

bool routine_is_string(uintptr_t address)
{
    return is_in(string_ranges, string_count, address);
}

bool routine_is_interceptor(uintptr_t address)
{
    struct dl_find_object object;

    return interceptors.dlfo_link_map &&
           _dl_find_object((void *)address, &object) == 0 && /* NOLINT: an address */
           object.dlfo_link_map == interceptors.dlfo_link_map;
}

bool routine_calls_back(uintptr_t address)
{
    return is_in(caller_ranges, caller_count, address);
}

bool routine_is_cxx(uintptr_t address)
{
    static const char *const names[] = {"libstdc++.so", "libgcc_s.so", "libunwind.so",
                                        "libc++.so", "libc++abi.so"};
    struct dl_find_object object;
    const char *slash, *name;

    if (_dl_find_object((void *)address, &object) != 0) /* NOLINT: an address */
        return false;
    name = object.dlfo_link_map->l_name;
    slash = strrchr(name, '/');
    name = slash ? slash + 1 : name;
    for (size_t i = 0; i < COUNT(names); i++)
        if (strncmp(name, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}
