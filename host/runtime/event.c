/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "members.h"

#define TIME_TEXT 32u /* bytes: 2026-01-02T15:04:05.678Z, and years to come */

static const char *const levels[] = {"debug", "info", "warn", "error", "none"};

/* An event, until somebody reads it. */
struct note {
    _Atomic uint32_t uses; /* the ring's, and of who reads it at the moment */
    enum event_level level;
    bool holds;           /* what was taken down is to be released */
    struct timespec time; /* when it got its place */
    json_t *members;      /* or NULL, then they are what was taken down */
    size_t at, len;       /* of that, behind the name */
    char name[];
};

static struct {
    pthread_mutex_t lock;          /* guards the two that follow */
    struct note *ring[EVENT_RING]; /* by sequence number; NULL: none, or no memory */
    uint64_t next;                 /* sequence number; the first event is 1 */
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

static void print_time(const struct timespec *time, char text[TIME_TEXT])
{
    struct tm utc;
    size_t len;

    gmtime_r(&time->tv_sec, &utc);
    len = strftime(text, TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + len, TIME_TEXT - len, ".%03uZ",
             (unsigned)(time->tv_nsec / 1000000));
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

/* With what every event has in front. */
static json_t *make(const struct note *note, uint64_t seq, json_t *members)
{
    char time[TIME_TEXT];
    json_t *event;

    print_time(&note->time, time);
    event = json_pack("{s:I, s:s, s:s, s:s}", "seq", (json_int_t)seq, "time", time,
                      "level", levels[note->level], "event", note->name);
    if (!event || !members || add_members(event, members))
        return event;
    json_decref(event); /* half of it would be taken for all */
    return NULL;
}

/* The event that `note` is of, given; NULL: no memory. */
static json_t *read_note(const struct note *note, uint64_t seq)
{
    json_t *members =
        note->len ? members_read((const uint8_t *)note->name + note->at, note->len)
                  : json_incref(note->members);
    json_t *event = members || !note->len ? make(note, seq, members) : NULL;

    json_decref(members);
    return event;
}

static void put_note(struct note *note)
{
    /* Release: who reads it is done; acquire: with the one who frees it. */
    if (!note || atomic_fetch_sub_explicit(&note->uses, 1, memory_order_acq_rel) != 1)
        return;
    if (note->holds)
        members_release((const uint8_t *)note->name + note->at, note->len);
    json_decref(note->members);
    free(note);
}

/* NULL: no memory. */
static struct note *take_note(enum event_level level, const char *name, size_t len)
{
    size_t whole = strlen(name) + 1, before = offsetof(struct note, name),
           at = ((before + whole + 7) & ~(size_t)7) - before; /* see members.c */
    struct note *note = malloc(sizeof(*note) + at + len);

    if (!note)
        return NULL;
    atomic_init(&note->uses, 1);
    note->level = level;
    note->holds = false;
    note->members = NULL;
    note->at = at;
    note->len = len;
    memcpy(note->name, name, whole);
    return note;
}

/* `note` is taken; NULL: there is an event that nobody knows anything of. */
static void record(struct note *note)
{
    struct note **slot, *oldest;

    pthread_mutex_lock(&events.lock);
    if (note)
        clock_gettime(CLOCK_REALTIME, &note->time);
    slot = &events.ring[events.next % EVENT_RING];
    oldest = *slot;
    *slot = note;
    events.next++;
    pthread_mutex_unlock(&events.lock);
    put_note(oldest);
}

/* `members` are taken. */
static void record_json(enum event_level level, const char *name, json_t *members)
{
    struct note *note = take_note(level, name, 0);

    if (note)
        note->members = members;
    else
        json_decref(members);
    record(note);
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
    bool wanted = event_wanted(level);
    json_t *members;
    va_list args;

    if (!wanted && !(format && strchr(format, 'o')))
        return; /* an `o` is ours to free all the same */
    va_start(args, format);
    members = pack(name, format, args);
    va_end(args);
    if (!wanted) {
        json_decref(members);
        return;
    }
    record_json(level, name, members);
    call_hook();
}

bool event_wanted(enum event_level level)
{
    return (int)level >= atomic_load_explicit(&threshold, memory_order_relaxed);
}

void event_emit_members(enum event_level level, const char *name, struct members *m)
{
    struct note *note;

    if (!event_wanted(level)) {
        members_finish(m);
        return;
    }
    note = m->out.error ? NULL : take_note(level, name, m->out.len);
    if (note) {
        memcpy(note->name + note->at, m->out.bytes, m->out.len);
        note->holds = m->holds;
        out_release(&m->out);
    } else {
        members_finish(m);
    }
    record(note);
    call_hook();
}

void event_record(enum event_level level, const char *name, json_t *members)
{
    if (members)
        record_json(level, name, members);
    else
        record(NULL);
    call_hook();
}

/* The one at `*next` or after it, which is moved past it; NULL: none. */
static struct note *next_note(uint64_t *next, uint64_t *missed)
{
    struct note *note = NULL;

    pthread_mutex_lock(&events.lock);
    if (*next == 0)
        *next = 1;
    if (events.next > EVENT_RING && *next < events.next - EVENT_RING) {
        *missed += events.next - EVENT_RING - *next;
        *next = events.next - EVENT_RING;
    }
    while (*next < events.next && !note) {
        note = events.ring[*next % EVENT_RING];
        if (note) /* relaxed: the lock orders it after it was taken */
            atomic_fetch_add_explicit(&note->uses, 1, memory_order_relaxed);
        else
            ++*missed;
        ++*next;
    }
    pthread_mutex_unlock(&events.lock);
    return note;
}

json_t *event_read(uint64_t *next, uint64_t *missed)
{
    struct note *note;
    json_t *event = NULL;

    while (!event && (note = next_note(next, missed))) {
        event = read_note(note, *next - 1);
        put_note(note);
        *missed += !event;
    }
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
