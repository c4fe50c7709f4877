/* SPDX-License-Identifier: Apache-2.0 */
/*
 * params - the parameters of a request, read by name.
 *
 * Errors stick: after the first, reads give nothing, and it is told once at the end.
 * What was not asked for is refused by name, so a misspelt parameter is no silent one.
 *
 *     struct params p = params_of(request);
 *     const char *name = params_text(&p, "name");
 *     uint64_t timeout_ms = params_uint_or(&p, "timeout_ms", 5000, 0, UINT32_MAX);
 *
 *     if (params_refused(&p, request))
 *         return;
 */
#ifndef MOULT_PARAMS_H
#define MOULT_PARAMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "request.h"

#define PARAMS_LIMIT 12

/* Lent with the request, and so is all that is read from it. */
struct params {
    json_t *all;                     /* an object, or NULL for none */
    const char *known[PARAMS_LIMIT]; /* what was asked for */
    size_t count;
    char problem[256];
};

struct params params_of(const struct request *request);

/* The text under `key`, with no character zero in it; NULL after an error.  */
const char *params_text(struct params *params, const char *key);
const char *params_text_or(struct params *params, const char *key,
                           const char *otherwise);

/* Any value; NULL after an error, or from params_find() if it is absent. */
json_t *params_value(struct params *params, const char *key);
json_t *params_find(struct params *params, const char *key);

/* An integer between `least` and `most`, which are at most INT64_MAX. */
uint64_t params_uint_or(struct params *params, const char *key, uint64_t otherwise,
                        uint64_t least, uint64_t most);

bool params_flag(struct params *params, const char *key); /* false if absent */

/* An array of texts, at least one; params_find_texts() gives NULL if it is absent. */
json_t *params_texts(struct params *params, const char *key);
json_t *params_find_texts(struct params *params, const char *key);

/* Say what is wrong with a parameter that was read, if nothing was wrong before. */
void params_wrong(struct params *params, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* True, and `request` is answered, if anything was wrong or not asked for. */
bool params_refused(struct params *params, struct request *request);

#endif
