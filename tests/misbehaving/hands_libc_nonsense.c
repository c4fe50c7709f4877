/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hands_libc_nonsense - calls a memory or string function of libc with a pointer to nothing.
 *
 * "names" is answered with what it can do so, {"call": n} does the n-th of these.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <wchar.h>

#include <moult.h>

/* So that nothing is left out. */
static void *volatile nowhere = (void *)16;
static volatile intptr_t sink;
static char room[256];
static wchar_t wide[64];
static char *at = (char *)16, *rest;
static wchar_t *wide_rest;

#define W nowhere

/* VALUE(call of one that gives something), NOTHING(call of one that does not) */
#define MEMORY(VALUE, NOTHING)     \
    VALUE(memcpy(room, W, 60))     \
    VALUE(memcpy(W, room, 60))     \
    VALUE(mempcpy(room, W, 60))    \
    VALUE(memmove(room, W, 60))    \
    VALUE(memmove(W, room, 200))   \
    VALUE(memset(W, 1, 60))        \
    VALUE(memcmp(W, room, 60))     \
    VALUE(memchr(W, 1, 60))        \
    VALUE(memrchr(W, 1, 60))       \
    VALUE(rawmemchr(W, 1))         \
    VALUE(memccpy(room, W, 1, 60)) \
    VALUE(memmem(W, 60, "ab", 2))  \
    VALUE(memfrob(W, 60))          \
    NOTHING(swab(W, room, 60))     \
    NOTHING(bcopy(W, room, 60))    \
    NOTHING(bzero(W, 60))          \
    VALUE(bcmp(W, room, 60))       \
    NOTHING(explicit_bzero(W, 60))

#define STRINGS(VALUE, NOTHING)    \
    VALUE(strlen(W))               \
    VALUE(strnlen(W, 60))          \
    VALUE(strcpy(room, W))         \
    VALUE(strcpy(W, "abc"))        \
    VALUE(strncpy(room, W, 60))    \
    VALUE(stpcpy(room, W))         \
    VALUE(stpncpy(room, W, 60))    \
    VALUE(strcat(room, W))         \
    VALUE(strcat(W, "abc"))        \
    VALUE(strncat(room, W, 60))    \
    VALUE(strcmp(W, "a"))          \
    VALUE(strncmp(W, "a", 1))      \
    VALUE(strcasecmp(W, "a"))      \
    VALUE(strncasecmp(W, "a", 1))  \
    VALUE(strverscmp(W, "1"))      \
    VALUE(strcoll(W, "a"))         \
    VALUE(strxfrm(room, W, 60))    \
    VALUE(strchr(W, 'a'))          \
    VALUE(strchrnul(W, 'a'))       \
    VALUE(strrchr(W, 'a'))         \
    VALUE(index(W, 'a'))           \
    VALUE(rindex(W, 'a'))          \
    VALUE(basename(W))             \
    VALUE(strstr(W, "ab"))         \
    VALUE(strcasestr(W, "ab"))     \
    VALUE(strspn(W, "abcd"))       \
    VALUE(strcspn(W, "abcd"))      \
    VALUE(strpbrk(W, "abcd"))      \
    VALUE(strtok(W, "a"))          \
    VALUE(strtok_r(W, "a", &rest)) \
    VALUE(strsep(&at, "a"))        \
    VALUE(strfry(W))               \
    VALUE(strdup(W))               \
    VALUE(strndup(W, 3))

#define NUMBERS(VALUE, NOTHING)   \
    VALUE(atoi(W))                \
    VALUE(atol(W))                \
    VALUE(atoll(W))               \
    VALUE(atof(W))                \
    VALUE(strtol(W, NULL, 10))    \
    VALUE(strtoul(W, NULL, 10))   \
    VALUE(strtoll(W, NULL, 10))   \
    VALUE(strtoull(W, NULL, 10))  \
    VALUE(strtoimax(W, NULL, 10)) \
    VALUE(strtoumax(W, NULL, 10)) \
    VALUE(strtod(W, NULL))        \
    VALUE(strtof(W, NULL))        \
    VALUE(strtold(W, NULL))

#define WIDE(VALUE, NOTHING)           \
    VALUE(wmemcpy(wide, W, 10))        \
    VALUE(wmempcpy(wide, W, 10))       \
    VALUE(wmemmove(wide, W, 10))       \
    VALUE(wmemset(W, 1, 10))           \
    VALUE(wmemcmp(W, wide, 10))        \
    VALUE(wmemchr(W, 1, 10))           \
    VALUE(wcslen(W))                   \
    VALUE(wcsnlen(W, 10))              \
    VALUE(wcscpy(wide, W))             \
    VALUE(wcsncpy(wide, W, 10))        \
    VALUE(wcpcpy(wide, W))             \
    VALUE(wcpncpy(wide, W, 10))        \
    VALUE(wcscat(wide, W))             \
    VALUE(wcsncat(wide, W, 10))        \
    VALUE(wcscmp(W, L"a"))             \
    VALUE(wcsncmp(W, L"a", 1))         \
    VALUE(wcscasecmp(W, L"a"))         \
    VALUE(wcsncasecmp(W, L"a", 1))     \
    VALUE(wcscoll(W, L"a"))            \
    VALUE(wcsxfrm(wide, W, 10))        \
    VALUE(wcschr(W, L'a'))             \
    VALUE(wcschrnul(W, L'a'))          \
    VALUE(wcsrchr(W, L'a'))            \
    VALUE(wcsstr(W, L"a"))             \
    VALUE(wcsspn(W, L"ab"))            \
    VALUE(wcscspn(W, L"ab"))           \
    VALUE(wcspbrk(W, L"ab"))           \
    VALUE(wcstok(W, L"a", &wide_rest)) \
    VALUE(wcsdup(W))                   \
    VALUE(wcstol(W, NULL, 10))         \
    VALUE(wcstoul(W, NULL, 10))        \
    VALUE(wcstoll(W, NULL, 10))        \
    VALUE(wcstoull(W, NULL, 10))       \
    VALUE(wcstod(W, NULL))             \
    VALUE(wcstof(W, NULL))             \
    VALUE(wcstold(W, NULL))

#define ALL(VALUE, NOTHING) \
    MEMORY(VALUE, NOTHING)  \
    STRINGS(VALUE, NOTHING) NUMBERS(VALUE, NOTHING) WIDE(VALUE, NOTHING)

#define NAME(call) #call,
static const char *const names[] = {ALL(NAME, NAME)};
#define COUNT (sizeof(names) / sizeof(*names))

#define VALUE(call)            \
    case __COUNTER__:          \
        sink = (intptr_t)call; \
        break;
#define NOTHING(call) \
    case __COUNTER__: \
        call;         \
        break;

static void do_it(int64_t which)
{
    switch (which) {
        ALL(VALUE, NOTHING)
    default:
        break;
    }
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    int64_t which = 0;

    if (moult_match(request, "names")) {
        moult_put_array(reply, COUNT);
        for (size_t i = 0; i < COUNT; i++)
            moult_put_text(reply, names[i]);
        return moult_reply();
    }
    if (!moult_match_int(request, "call", &which))
        return moult_unhandled(ctx);
    do_it(which);
    moult_put_text(reply, "it came back");
    return moult_reply();
}

static const moult_server sinner = {.size = sizeof(moult_server),
                                    .handle_call = handle_call};

MOULT_PLUGIN(.intensity = 1000,
             .children = (const moult_child[]){
                 {.id = "sinner", .server = &sinner, .name = "sinner"}, {.id = NULL}});
