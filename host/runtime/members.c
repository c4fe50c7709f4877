/* SPDX-License-Identifier: Apache-2.0 */
#include "members.h"

#include <string.h>

#include "json.h"
#include "pid.h"

enum kind { NIL, TEXT, WORD, INT, BOOL, PID, ITEM, JSON };

/*
 * What stands before each; the bytes of the value follow, up to a multiple of eight: a
 * pointer among them is one to whoever looks for what is lost.
 */
struct head {
    const char *key;
    uint32_t len;
    enum kind kind;
};

static inline size_t padded(size_t len)
{
    return (len + 7) & ~(size_t)7;
}

void members_begin(struct members *m)
{
    out_init(&m->out, m->room, sizeof(m->room));
    m->holds = false;
}

void members_finish(struct members *m)
{
    if (m->holds)
        members_release(m->out.bytes, m->out.len);
    out_release(&m->out);
}

/* False: there was no memory for it.  In line: most lengths are known. */
static inline bool put(struct members *m, const char *key, enum kind kind,
                       const void *value, size_t len)
{
    struct head head = {key, (uint32_t)len, kind};
    uint8_t *to = m->out.bytes + m->out.len;
    size_t all = sizeof(head) + padded(len);

    if (m->out.error || all > m->out.capacity - m->out.len)
        to = out_room(&m->out, all);
    if (!to)
        return false;
    memcpy(to, &head, sizeof(head));
    if (len > 0)
        memcpy(to + sizeof(head), value, len);
    memset(to + sizeof(head) + len, 0, padded(len) - len);
    m->out.len += (uint32_t)all;
    return true;
}

void members_text(struct members *m, const char *key, const char *text)
{
    put(m, key, text ? TEXT : NIL, text, text ? strlen(text) : 0);
}

void members_word(struct members *m, const char *key, const char *word)
{
    put(m, key, WORD, &word, sizeof(word));
}

void members_int(struct members *m, const char *key, int64_t value)
{
    put(m, key, INT, &value, sizeof(value));
}

void members_bool(struct members *m, const char *key, bool value)
{
    put(m, key, BOOL, &value, sizeof(value));
}

void members_pid(struct members *m, const char *key, moult_pid pid)
{
    put(m, key, PID, &pid, sizeof(pid));
}

void members_item(struct members *m, const char *key, const void *item, size_t len)
{
    put(m, key, ITEM, item, len);
}

void members_json(struct members *m, const char *key, json_t *value)
{
    if (put(m, key, value ? JSON : NIL, &value, value ? sizeof(value) : 0))
        m->holds = true;
    else
        json_decref(value);
}

/* -- read -- */

static json_t *pid_json(const uint8_t *bytes)
{
    char text[PID_TEXT];
    moult_pid pid;

    memcpy(&pid, bytes, sizeof(pid));
    return json_string(pid_print(pid, text));
}

static json_t *int_json(const uint8_t *bytes)
{
    int64_t value;

    memcpy(&value, bytes, sizeof(value));
    return json_integer(value);
}

static json_t *word_json(const uint8_t *bytes)
{
    const char *word;

    memcpy(&word, bytes, sizeof(word));
    return json_string(word);
}

static json_t *json_at(const uint8_t *bytes)
{
    json_t *value;

    memcpy(&value, bytes, sizeof(value));
    return value;
}

/* Given; NULL: null, or no memory. */
static json_t *value_of(const struct head *head, const uint8_t *bytes)
{
    moult_in in;

    switch (head->kind) {
    case TEXT:
        return json_stringn((const char *)bytes, head->len);
    case WORD:
        return word_json(bytes);
    case INT:
        return int_json(bytes);
    case BOOL:
        return json_boolean(*bytes);
    case PID:
        return pid_json(bytes);
    case ITEM:
        in = moult_in_over(bytes, head->len);
        return json_from_cbor(&in, NULL);
    case JSON:
        return json_incref(json_at(bytes));
    default:
        return NULL;
    }
}

/* Puts the next in `*head`, and moves past it to the bytes of its value; NULL: none. */
static const uint8_t *next(const uint8_t **at, const uint8_t *end, struct head *head)
{
    const uint8_t *value = *at + sizeof(*head);

    if (*at == end)
        return NULL;
    memcpy(head, *at, sizeof(*head));
    *at = value + padded(head->len);
    return value;
}

json_t *members_read(const uint8_t *bytes, size_t len)
{
    const uint8_t *end = bytes + len, *value;
    json_t *members = json_object(), *json;
    struct head head;

    while (members && (value = next(&bytes, end, &head))) {
        json = value_of(&head, value);
        if (json_object_set_new(members, head.key, json ? json : json_null()) == 0)
            continue;
        json_decref(members);
        return NULL;
    }
    return members;
}

void members_release(const uint8_t *bytes, size_t len)
{
    const uint8_t *end = bytes + len, *value;
    struct head head;

    while ((value = next(&bytes, end, &head)))
        if (head.kind == JSON)
            json_decref(json_at(value));
}
