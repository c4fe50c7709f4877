/* SPDX-License-Identifier: Apache-2.0 */
#define UNW_LOCAL_ONLY
#include "routine.h"

#include <dlfcn.h>
#include <libunwind.h>
#include <link.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "sanitize.h"

#define FAMILY 4u  /* entries of memmove beside one, that share its code */
#define ALIGN  64u /* between functions, at most */

struct range {
    uintptr_t start, end;
};

/*
 * No lock, and no state but that of strtok and strfry.  Those that allocate (strdup) do it
 * with nothing in hand: what fails in them while they do is in malloc, and no routine.
 */
static const char strings[] =
    "memcpy memmove mempcpy memset memcmp memchr memrchr rawmemchr memccpy memmem "
    "memfrob swab bcopy bzero bcmp explicit_bzero strlen strnlen strcpy strncpy "
    "stpcpy stpncpy strcat strncat strcmp strncmp strcasecmp strncasecmp "
    "strcasecmp_l strncasecmp_l strverscmp strcoll strcoll_l strxfrm strxfrm_l "
    "strchr strchrnul strrchr index rindex basename strstr strcasestr strspn "
    "strcspn strpbrk strtok strtok_r strsep strfry strdup strndup atoi atol atoll "
    "atof strtol strtoul strtoll strtoull strtol_l strtoul_l strtoll_l strtoull_l "
    "strtoimax strtoumax strtod strtof strtold strtod_l strtof_l strtold_l wmemcpy "
    "wmempcpy wmemmove wmemset wmemcmp wmemchr wcslen wcsnlen wcscpy wcsncpy wcpcpy "
    "wcpncpy wcscat wcsncat wcscmp wcsncmp wcscasecmp wcsncasecmp wcscoll wcscoll_l "
    "wcsxfrm wcsxfrm_l wcschr wcschrnul wcsrchr wcsstr wcsspn wcscspn wcspbrk "
    "wcstok wcsdup wcstol wcstoul wcstoll wcstoull wcstoimax wcstoumax wcstod "
    "wcstof wcstold __memcpy_chk __memmove_chk __mempcpy_chk __memset_chk "
    "__strcpy_chk __strncpy_chk __stpcpy_chk __stpncpy_chk __strcat_chk "
    "__strncat_chk __explicit_bzero_chk __wmemcpy_chk __wmemset_chk __wcscpy_chk "
    "__wcsncpy_chk __wcscat_chk __wcsncat_chk __wmemmove_chk __rawmemchr __strdup "
    "__strndup __strtok_r __isoc23_strtol __isoc23_strtoul __isoc23_strtoll "
    "__isoc23_strtoull";
/* They do nothing but wait in the kernel; a kill finds a plugin there. */
static const char waits[] =
    "nanosleep clock_nanosleep sleep usleep pause poll ppoll select pselect "
    "epoll_wait read write readv writev pread pwrite recv send recvfrom sendto "
    "recvmsg sendmsg accept accept4 connect waitpid sched_yield epoll_pwait "
    "sendfile syscall";
/* One source file of glibc holds many entries into one body, for these. */
static const char *const families[] = {"memmove", "memset", "wmemset"};
static const char *const callers[] = {"qsort", "qsort_r", "bsearch", "lfind",
                                      "lsearch"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define STRINGS_MOST 512u /* there are some 300, of which some have two bodies */
#define NAME         32u

static struct range string_ranges[STRINGS_MOST];
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

static bool is_in(const struct range *ranges, size_t count, uintptr_t address)
{
    for (size_t i = 0; i < count; i++)
        if (ranges[i].start <= address && address < ranges[i].end)
            return true;
    return false;
}

/*
 * -- what has no name --
 *
 * Many of them are only an entry into a body that others share, strtol say or wmemset:
 * they end in a jump to it.
 */

#if defined(__x86_64__)
#define STEP 1u

/* Where the jump at `at` leads to, if there is one. */
static uintptr_t jumps_to(uintptr_t at, uintptr_t end)
{
    const unsigned char *code = (const unsigned char *)at; /* NOLINT: an address */
    int32_t distance;

    if (end - at < 1 + sizeof(distance) || code[0] != 0xe9)
        return 0;
    memcpy(&distance, code + 1, sizeof(distance));
    return at + 1 + sizeof(distance) + (uintptr_t)(intptr_t)distance;
}
#else
#define STEP 4u

static uintptr_t jumps_to(uintptr_t at, uintptr_t end)
{
    uint32_t code;

    memcpy(&code, (const void *)at, sizeof(code)); /* NOLINT: an address */
    if (code >> 26 != 0x05)
        return 0;
    return at + (uintptr_t)((intptr_t)(int32_t)(code << 6) >> 6) * 4;
}
#endif

/* In the same library, and in a function of it: what looks like a jump may be none. */
static bool leads_to(const struct range *from, uintptr_t target, struct range *body)
{
    struct dl_find_object here, there;

    return target && _dl_find_object((void *)from->start, &here) == 0 && /* NOLINT */
           _dl_find_object((void *)target, &there) == 0 &&               /* NOLINT */
           here.dlfo_link_map == there.dlfo_link_map && around(target, body);
}

/* NOLINTNEXTLINE(misc-no-recursion): a body is added once */
static void add_range(const struct range *range)
{
    struct range body;

    if (string_count == STRINGS_MOST ||
        is_in(string_ranges, string_count, range->start))
        return;
    string_ranges[string_count++] = *range;
    for (uintptr_t at = range->start; at < range->end; at += STEP)
        if (leads_to(range, jumps_to(at, range->end), &body))
            add_range(&body);
}

/* Libc's own too, for a sanitizer, say, may stand before it, and does call it. */
static void add_string(void *libc, const char *name)
{
    void *own = libc ? dlsym(libc, name) : NULL;
    struct range range;

    if (named(name, &range))
        add_range(&range);
    if (own && own != dlsym(RTLD_DEFAULT, name) && around((uintptr_t)own, &range))
        add_range(&range);
}

/* All of these, with a space between them. */
static void add_strings(void *libc, const char *names)
{
    char name[NAME];

    for (; *names; names += strspn(names, " ")) {
        size_t len = strcspn(names, " ");

        snprintf(name, sizeof(name), "%.*s", (int)len, names);
        add_string(libc, name);
        names += len;
    }
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
            add_range(&range);
    }
    add_strings(libc, strings);
    add_strings(libc, waits);
    if (libc)
        dlclose(libc);
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
