/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk - one connection to a host's control socket, from a test.
 *
 * Everything here fails the test if it fails or takes longer than PATIENCE_MS.  JSON is
 * lent until the connection is closed.
 */
#ifndef MOULT_TALK_H
#define MOULT_TALK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Sanitizers make a host many times slower, and so does a machine that is busy. */
#ifdef __SANITIZE_ADDRESS__
#define PATIENCE_MS  60000
#define SCALE(count) ((count) / 10)
#else
#define PATIENCE_MS  30000
#define SCALE(count) (count)
#endif

struct talk {
    int fd;
    char *in; /* what was received and is not a whole line yet */
    size_t len, capacity;
    json_int_t last_id;
    json_t *heard; /* array: lines that nobody has asked for yet */
    json_t *lent;  /* array: what was given out */
};

struct talk *talk_open(const char *socket);
void talk_close(struct talk *talk);

/* Send text as it is. */
void talk_say(struct talk *talk, const char *text);
void talk_send(struct talk *talk, const void *bytes, size_t len);

/* The next line; NULL if the host hung up. */
json_t *talk_hear(struct talk *talk);

/* Request `method`; `params` (taken) may be NULL.  Its id. */
json_int_t talk_ask(struct talk *talk, const char *method, json_t *params);

/* The whole answer to request `id`. */
json_t *talk_answer(struct talk *talk, json_int_t id);

/* The `params` of the next notification `method`. */
json_t *talk_notice(struct talk *talk, const char *method);

/* Whether the answer to `id` is here already; looks without waiting. */
bool talk_has_answer(struct talk *talk, json_int_t id);

/* Ask and wait: the result, or the error object, and the test fails if it is no such. */
json_t *talk_result(struct talk *talk, const char *method, json_t *params);
json_t *talk_error(struct talk *talk, const char *method, json_t *params);

/* The parameters of `call`: `message` is JSON. */
json_t *talk_message(const char *name, const char *message);

#endif
