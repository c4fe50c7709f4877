/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json_text.h"

#define NAME_WIDTH 16  /* columns that names are padded to */
#define TIME_TEXT  32u /* bytes: 2026-01-02T15:04:05.678Z, and years to come */

static const char *const levels[] = {"debug", "info", "warn", "error", "none"};

static struct {
    pthread_mutex_t lock;     /* guards the two that follow */
    json_t *ring[EVENT_RING]; /* by sequence number; NULL: none, or no memory for it */
    uint64_t next;            /* sequence number; the first event is 1 */
} events = {.lock = PTHREAD_MUTEX_INITIALIZER, .next = 1};

/* Only a filter: an event emitted while it changes may go either way. */
static atomic_int threshold = EVENT_INFO;

/*
 * Read-locked while the hook runs, so that it runs no more once it is taken away.
 * `set` spares the lock where there is none, as in tests and helpers.
 */
static struct {
    pthread_rwlock_t lock; /* guards the two that follow */
    void (*call)(void *context);
    void *context;
    atomic_bool set;
} hooked = {.lock = PTHREAD_RWLOCK_INITIALIZER};

static void print_now(char text[TIME_TEXT])
{
    struct timespec now;
    struct tm utc;
    size_t len;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    len = strftime(text, TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + len, TIME_TEXT - len, ".%03uZ", (unsigned)(now.tv_nsec / 1000000));
}

/* The members that the emitter gave, or one that says what was wrong with them. */
static json_t *pack(const char *name, const char *format, va_list args)
{
    json_error_t error;
    json_t *members;

    if (!format || !format[0])
        return json_object();
    members = json_vpack_ex(&error, 0, format, args);
    if (json_is_object(members))
        return members;
    json_decref(members);
    return json_pack(
        "{s:s+++}", "error", "the members of '", name,
        "' could not be recorded: ", error.text[0] ? error.text : "not an object");
}

/* All of `members` that `event` has not, or false: no memory. */
static bool add_members(json_t *event, json_t *members)
{
    const char *key;
    json_t *value;

    json_object_foreach(members, key, value)
    {
        if (!json_object_get(event, key) && json_object_set(event, key, value) < 0)
            return false;
    }
    return true;
}

/* `seq` and `time` come first, and are filled in when the event gets its place. */
static json_t *make(enum event_level level, const char *name, json_t *members)
{
    json_t *event = json_pack("{s:i, s:s, s:s, s:s}", "seq", 0, "time", "", "level",
                              levels[level], "event", name);

    if (!event || !members || add_members(event, members))
        return event;
    json_decref(event); /* half of it would be taken for all */
    return NULL;
}

static void record(json_t *event)
{
    char time[TIME_TEXT];
    json_t **slot, *oldest;

    pthread_mutex_lock(&events.lock);
    print_now(time);
    json_integer_set(json_object_get(event, "seq"), (json_int_t)events.next);
    json_string_set_nocheck(json_object_get(event, "time"), time);
    slot = &events.ring[events.next % EVENT_RING];
    oldest = *slot;
    *slot = event;
    events.next++;
    pthread_mutex_unlock(&events.lock);
    json_decref(oldest);
}

static void call_hook(void)
{
    if (!atomic_load_explicit(&hooked.set, memory_order_relaxed))
        return; /* an event beside event_set_hook() may count as before it */
    pthread_rwlock_rdlock(&hooked.lock);
    if (hooked.call)
        hooked.call(hooked.context);
    pthread_rwlock_unlock(&hooked.lock);
}

void event_emit(enum event_level level, const char *name, const char *format, ...)
{
    bool wanted = (int)level >= atomic_load_explicit(&threshold, memory_order_relaxed);
    json_t *members;
    va_list args;

    if (!wanted && !(format && strchr(format, 'o')))
        return; /* an `o` is ours to free all the same */
    va_start(args, format);
    members = pack(name, format, args);
    va_end(args);
    if (wanted) {
        record(make(level, name, members));
        call_hook();
    }
    json_decref(members);
}

void event_record(enum event_level level, const char *name, json_t *members)
{
    record(members ? make(level, name, members) : NULL);
    call_hook();
    json_decref(members);
}

json_t *event_read(uint64_t *next, uint64_t *missed)
{
    json_t *event = NULL;

    pthread_mutex_lock(&events.lock);
    if (*next == 0)
        *next = 1;
    if (events.next > EVENT_RING && *next < events.next - EVENT_RING) {
        *missed += events.next - EVENT_RING - *next;
        *next = events.next - EVENT_RING;
    }
    while (*next < events.next && !event) {
        event = json_incref(events.ring[*next % EVENT_RING]);
        if (!event)
            ++*missed;
        ++*next;
    }
    pthread_mutex_unlock(&events.lock);
    return event;
}

uint64_t event_next(void)
{
    uint64_t next;

    pthread_mutex_lock(&events.lock);
    next = events.next;
    pthread_mutex_unlock(&events.lock);
    return next;
}

void event_set_hook(void (*hook)(void *context), void *context)
{
    pthread_rwlock_wrlock(&hooked.lock);
    hooked.call = hook;
    hooked.context = context;
    atomic_store_explicit(&hooked.set, hook != NULL, memory_order_relaxed);
    pthread_rwlock_unlock(&hooked.lock);
}

void event_set_level(enum event_level level)
{
    atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

enum event_level event_get_level(void)
{
    return (enum event_level)atomic_load_explicit(&threshold, memory_order_relaxed);
}

const char *event_level_text(enum event_level level)
{
    return levels[level];
}

int event_level_of(const char *text, enum event_level *level)
{
    for (int i = EVENT_DEBUG; i <= EVENT_NONE; i++)
        if (strcmp(levels[i], text) == 0) {
            *level = (enum event_level)i;
            return 0;
        }
    return -EINVAL;
}

/*
 * Text goes to a terminal: nothing in it may move the cursor or start a line of its
 * own. C1 controls are two bytes in UTF-8, 0xc2 and then 0x80 to 0x9f.
 */
static void print_escaped(const char *text, size_t len, const char *escape, FILE *out)
{
    const unsigned char *at = (const unsigned char *)text;

    for (size_t i = 0; i < len; i++) {
        if (at[i] == '\n')
            fputs("\\n", out);
        else if (at[i] == '\t')
            fputs("\\t", out);
        else if (at[i] == 0xc2 && i + 1 < len && at[i + 1] < 0xa0)
            fprintf(out, "\\u%04x", at[++i]);
        else if (at[i] < 0x20 || at[i] == 0x7f)
            fprintf(out, "\\u%04x", at[i]);
        else if (strchr(escape, at[i]))
            fprintf(out, "\\%c", at[i]);
        else
            putc(at[i], out);
    }
}

static bool needs_quotes(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] == 0x7f ||
            text[i] == (char)0xc2 || strchr("\"\\=", text[i]))
            return true;
    return len == 0;
}

static void print_value(const json_t *value, FILE *out)
{
    char *dumped;

    if (!json_is_string(value)) {
        dumped = json_text(value, JSON_COMPACT | JSON_ENCODE_ANY);
        if (dumped)
            print_escaped(dumped, strlen(dumped), "", out);
        free(dumped);
    } else if (needs_quotes(json_string_value(value), json_string_length(value))) {
        putc('"', out);
        print_escaped(json_string_value(value), json_string_length(value), "\"\\", out);
        putc('"', out);
    } else {
        fputs(json_string_value(value), out);
    }
}

static const char *text_of(const json_t *event, const char *key)
{
    const char *text = json_string_value(json_object_get(event, key));

    return text ? text : "-";
}

static bool is_head(const char *key)
{
    static const char *const head[] = {"seq", "time", "level", "event"};

    for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
        if (strcmp(key, head[i]) == 0)
            return true;
    return false;
}

static void print_line(const json_t *event, FILE *out)
{
    json_t *members = (json_t *)event; /* jansson's iterators are not const */
    const char *name = text_of(event, "event"), *key;
    int width = NAME_WIDTH - (int)strlen(name);
    json_t *value;

    fprintf(out, "%s %-5s %s", text_of(event, "time"), text_of(event, "level"), name);
    json_object_foreach(members, key, value)
    {
        if (is_head(key))
            continue;
        fprintf(out, "%*s ", width > 0 ? width : 0, "");
        width = 0;
        print_escaped(key, strlen(key), "", out);
        putc('=', out);
        print_value(value, out);
    }
}

void event_print(const json_t *event, int as_json, FILE *out)
{
    char *text = as_json ? json_text(event, JSON_COMPACT) : NULL;

    flockfile(out); /* lines of several threads stay whole */
    if (text)
        fputs(text, out);
    else /* or there is no memory */
        print_line(event, out);
    putc('\n', out);
    funlockfile(out);
    free(text);
}
