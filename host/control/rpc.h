/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpc - JSON-RPC 2.0 as text: what a line asks for, and the lines that answer it.
 *
 * Everything here is pure, and safe on any thread.  Texts are given, to be freed with
 * free(), and have no newline yet; NULL means out of memory.
 */
#ifndef MOULT_RPC_H
#define MOULT_RPC_H

#include <jansson.h>
#include <stddef.h>

/*
 * The codes of refusals.  They and their words, which stand in `data.code`, never
 * change.  The negative ones are JSON-RPC's own.
 */
enum rpc_code {
    RPC_PARSE_ERROR = -32700,
    RPC_INVALID_REQUEST = -32600,
    RPC_NO_METHOD = -32601,
    RPC_INVALID_PARAMS = -32602,
    RPC_INTERNAL_ERROR = -32603,
    RPC_REFUSED = 1,
    RPC_NOT_FOUND = 2,
    RPC_TIMEOUT = 3,
    RPC_BUSY = 4,
    RPC_EXISTS = 5,
    RPC_INVALID = 6,
    RPC_UNSUPPORTED = 7,
    RPC_INTERNAL = 8,
    RPC_DIED = 9
};

/*
 * The word of a code, "refused" for 1; "unknown" for no code of ours.  Lent for ever.
 */
const char *rpc_word(int code);

/* What the code is for, in one line, for documentation; NULL past the last.  Lent. */
const char *rpc_code_at(size_t index, int *code);

/* The code that fits a negative errno best; RPC_REFUSED if none does. */
enum rpc_code rpc_code_of(int error);

/*
 * The JSON value in `len` bytes at `line`: given, or NULL and the reason in `*text`,
 * which is to be freed (NULL when out of memory).
 */
json_t *rpc_parse(const char *line, size_t len, char **text);

/* NULL if `value` is a request; else what is wrong with it, lent for ever. */
const char *rpc_problem(const json_t *value);

/* The id of a request, be it otherwise as it may; lent with it, NULL if it has none. */
json_t *rpc_id(const json_t *value);

/*
 * `text` as a JSON string, given.  What is no UTF-8 in it, a file's name for example or
 * a character that was cut, is replaced.  NULL when out of memory.
 */
json_t *rpc_text(const char *text);

/* The answers.  `id` NULL is null; all JSON is borrowed, `data` may be NULL. */
char *rpc_result(json_t *id, json_t *result);
char *rpc_error(json_t *id, int code, const char *message, json_t *data);

/* A call, or with `id` NULL a notification.  `params` is borrowed and may be NULL. */
char *rpc_call(json_t *id, const char *method, json_t *params);

#endif
