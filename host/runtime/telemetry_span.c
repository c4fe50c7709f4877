/* SPDX-License-Identifier: Apache-2.0 */
/*
 * telemetry_span - the events of what has a beginning and an end.
 */
#include <stdio.h>
#include <string.h>

#include "telemetry.h"
#include "utf8.h"

/* -- maps -- */

/* The pairs of `map`, which is a whole one, and how many they are. */
static moult_in pairs_of(moult_in map, size_t *count)
{
    *count = moult_get_map(&map);
    return map;
}

static bool has_key(moult_in pairs, size_t count, const void *key, size_t len)
{
    for (; count > 0; count--) {
        size_t own_len;
        const void *own = moult_get_item(&pairs, &own_len);

        if (own_len == len && memcmp(own, key, len) == 0)
            return true;
        moult_skip(&pairs);
    }
    return false;
}

/* Those of `more` that `first` has no key of, to `out`, if that is not NULL; how many. */
static size_t put_missing(moult_out *out, moult_in first, moult_in more)
{
    size_t first_count, more_count, added = 0;
    moult_in firsts = pairs_of(first, &first_count), in = pairs_of(more, &more_count);

    for (; more_count > 0; more_count--) {
        size_t key_len, value_len;
        const void *key = moult_get_item(&in, &key_len),
                   *value = moult_get_item(&in, &value_len);

        if (has_key(firsts, first_count, key, key_len))
            continue;
        added++;
        if (!out)
            continue;
        moult_put_item(out, key, key_len);
        moult_put_item(out, value, value_len);
    }
    return added;
}

void telemetry_join(moult_out *out, moult_in first, moult_in more)
{
    size_t count;
    moult_in pairs = pairs_of(first, &count);

    moult_put_map(out, count + put_missing(NULL, first, more));
    moult_put_item(out, pairs.at, (size_t)(pairs.end - pairs.at));
    put_missing(out, first, more);
}

void telemetry_put_words(moult_out *out, const char *words)
{
    moult_put_text_at(out, "text", utf8_valid(words, strlen(words)) ? words : "");
}

/* -- events -- */

/* Tell of `what` of `s`, unless there was no memory to write it. */
static void tell(const struct telemetry_span *s, const char *what,
                 const moult_out *measurements, const moult_out *metadata)
{
    char event[TELEMETRY_NAME_MOST + sizeof(".exception")];

    if (measurements->error || metadata->error)
        return;
    snprintf(event, sizeof(event), "%.*s.%s", (int)TELEMETRY_NAME_MOST, s->prefix,
             what);
    telemetry_emit(event, s->emitter, measurements, metadata);
}

static void put_duration(moult_out *out, const struct telemetry_span *s)
{
    int64_t now = telemetry_monotonic_time();

    moult_put_map(out, 2);
    moult_put_int_at(out, "duration", now - s->began);
    moult_put_int_at(out, "monotonic_time", now);
}

void telemetry_span_start(struct telemetry_span *s)
{
    struct moult_out measurements = {0};

    s->began = telemetry_monotonic_time();
    moult_put_map(&measurements, 2);
    moult_put_int_at(&measurements, "monotonic_time", s->began);
    moult_put_int_at(&measurements, "system_time", telemetry_system_time());
    tell(s, "start", &measurements, s->metadata);
    out_release(&measurements);
}

void telemetry_span_stop(const struct telemetry_span *s, const moult_out *more,
                         const moult_out *metadata)
{
    struct moult_out own = {0}, all = {0};

    put_duration(&own, s);
    if (more)
        telemetry_join(&all, out_read(&own), out_read(more));
    tell(s, "stop", more ? &all : &own, metadata ? metadata : s->metadata);
    out_release(&own);
    out_release(&all);
}

void telemetry_span_exception(const struct telemetry_span *s, int32_t reason,
                              const char *words)
{
    struct moult_out measurements = {0}, own = {0}, metadata = {0};

    put_duration(&measurements, s);
    moult_put_map(&own, 3);
    moult_put_text_at(&own, "kind", "error");
    moult_put_int_at(&own, "reason", reason);
    telemetry_put_words(&own, words);
    telemetry_join(&metadata, out_read(&own), out_read(s->metadata));
    tell(s, "exception", &measurements, &metadata);
    out_release(&measurements);
    out_release(&own);
    out_release(&metadata);
}
