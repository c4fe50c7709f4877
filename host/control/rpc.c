/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_memory.h"
#include "json_text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    int code;
    const char *word;
    const char *about;
} codes[] = {
    {RPC_PARSE_ERROR, "parse_error", "the line is no JSON"},
    {RPC_INVALID_REQUEST, "invalid_request",
     "the line is no request, or breaks a limit"},
    {RPC_NO_METHOD, "no_method", "there is no method of that name"},
    {RPC_INVALID_PARAMS, "invalid_params", "a parameter is missing, unknown or wrong"},
    {RPC_INTERNAL_ERROR, "internal_error", "the host has no memory to answer"},
    {RPC_REFUSED, "refused", "whoever was asked said no; nothing was changed"},
    {RPC_NOT_FOUND, "not_found", "there is no such server, application or version"},
    {RPC_TIMEOUT, "timeout", "no answer in time; what was asked may still be done"},
    {RPC_BUSY, "busy", "not now: a full mailbox, or another upgrade is under way"},
    {RPC_EXISTS, "exists", "it is there, or so, already"},
    {RPC_INVALID, "invalid", "what was sent, or a file, is not as it must be"},
    {RPC_UNSUPPORTED, "unsupported", "not offered here"},
    {RPC_INTERNAL, "internal", "the host itself failed"},
    {RPC_DIED, "died", "the server ended before it answered"},
};

static const struct {
    int error, code;
} errors[] = {
    {-ESRCH, RPC_NOT_FOUND},    {-ENOENT, RPC_NOT_FOUND}, {-ETIMEDOUT, RPC_TIMEOUT},
    {-EAGAIN, RPC_BUSY},        {-EBUSY, RPC_BUSY},       {-EALREADY, RPC_EXISTS},
    {-ESHUTDOWN, RPC_BUSY},     {-EEXIST, RPC_EXISTS},    {-EINVAL, RPC_INVALID},
    {-EBADMSG, RPC_INVALID},    {-ENOEXEC, RPC_INVALID},  {-EMSGSIZE, RPC_INVALID},
    {-EOVERFLOW, RPC_INVALID},  {-EILSEQ, RPC_INVALID},   {-ENOTSUP, RPC_UNSUPPORTED},
    {-ENOSYS, RPC_UNSUPPORTED}, {-ENOMEM, RPC_INTERNAL},  {-EIO, RPC_INTERNAL},
    {-ENOSPC, RPC_INTERNAL},    {-EDQUOT, RPC_BUSY},      {-EMFILE, RPC_INTERNAL},
    {-ENFILE, RPC_INTERNAL},    {-EROFS, RPC_INTERNAL},   {-EOWNERDEAD, RPC_DIED},
};

const char *rpc_word(int code)
{
    for (size_t i = 0; i < COUNT(codes); i++)
        if (codes[i].code == code)
            return codes[i].word;
    return "unknown";
}

const char *rpc_code_at(size_t index, int *code)
{
    if (index >= COUNT(codes))
        return NULL;
    *code = codes[index].code;
    return codes[index].about;
}

enum rpc_code rpc_code_of(int error)
{
    for (size_t i = 0; i < COUNT(errors); i++)
        if (errors[i].error == error)
            return (enum rpc_code)errors[i].code;
    return RPC_REFUSED;
}

json_t *rpc_parse(const char *line, size_t len, char **text)
{
    /* A text may hold the character zero; whoever wants a name checks for it. */
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL;
    json_error_t error;
    json_t *value;

    *text = NULL;
    json_memory_watch();
    value = json_loadb(line, len, flags, &error);
    if (json_memory_done()) {
        json_decref(value);
        return NULL;
    }
    if (!value && asprintf(text, "this is no JSON: %s at byte %d", error.text,
                           error.position) < 0)
        *text = NULL;
    return value;
}

static int is_id(const json_t *id)
{
    return !id || json_is_string(id) || json_is_number(id) || json_is_null(id);
}

json_t *rpc_id(const json_t *value)
{
    json_t *id = json_object_get(value, "id");

    return is_id(id) ? id : NULL;
}

const char *rpc_problem(const json_t *value)
{
    const char *version = json_string_value(json_object_get(value, "jsonrpc"));
    const json_t *params = json_object_get(value, "params");

    if (!json_is_object(value))
        return "a request must be an object such as "
               "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}";
    if (!version || strcmp(version, "2.0") != 0)
        return "'jsonrpc' must be \"2.0\"";
    if (!json_is_string(json_object_get(value, "method")))
        return "'method' must be a string";
    if (!is_id(json_object_get(value, "id")))
        return "'id' must be a string, a number or null";
    if (params && !json_is_object(params) && !json_is_array(params))
        return "'params' must be an object";
    return NULL;
}

/* The text of {"jsonrpc":"2.0", ...members}, which is taken and may be NULL. */
static char *dump(json_t *members)
{
    json_t *all = json_pack("{s:s}", "jsonrpc", "2.0");
    char *text = NULL;

    if (all && members && json_object_update(all, members) == 0)
        text = json_text(all, JSON_COMPACT);
    json_decref(members);
    json_decref(all);
    return text;
}

json_t *rpc_text(const char *text)
{
    json_t *whole = json_string(text), *plain;
    size_t len = strlen(text);
    char *copy;

    /* A text that was cut to fit may end within a character. */
    for (size_t cut = 1; !whole && cut <= 3 && cut <= len; cut++)
        whole = json_stringn(text, len - cut);
    if (whole)
        return whole;
    copy = strdup(text);
    for (size_t i = 0; copy && i < len; i++)
        if ((unsigned char)copy[i] >= 0x80)
            copy[i] = '?';
    plain = copy ? json_string(copy) : NULL;
    free(copy);
    return plain;
}

char *rpc_result(json_t *id, json_t *result)
{
    return dump(json_pack("{s:O?, s:O?}", "id", id, "result", result));
}

char *rpc_error(json_t *id, int code, const char *message, json_t *data)
{
    json_t *error =
        json_pack("{s:i, s:o*}", "code", code, "message", rpc_text(message));

    if (error && data)
        json_object_set(error, "data", data);
    return dump(json_pack("{s:O?, s:o}", "id", id, "error", error));
}

char *rpc_call(json_t *id, const char *method, json_t *params)
{
    return dump(
        json_pack("{s:O*, s:s, s:O*}", "id", id, "method", method, "params", params));
}
