/* SPDX-License-Identifier: Apache-2.0 */
#include "moving.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"

const char *moving_why(const struct plan_child *c)
{
    static const char *const texts[] = {[ROUTE_SAME] = "nothing changed",
                                        [ROUTE_SPEC] = "its child spec is another",
                                        [ROUTE_BRANCH] = "it supervises otherwise",
                                        [ROUTE_LAYOUT] = "its state has another layout",
                                        [ROUTE_FORMAT] =
                                            "its state has another format"};

    enum route_difference most = ROUTE_SAME;

    if (c->move == PLAN_ANEW)
        return "its appup says so: what it holds is lost";
    if (!c->from || !c->to)
        return c->to ? "it is new" : "it is no more";
    for (size_t i = 0; i < c->leg_count; i++) {
        enum route_difference one = route_compare(c->legs[i].from, c->legs[i].to);

        if (one > most)
            most = one;
    }
    return texts[most];
}

/* What code_change is given along on the way, the first of it; or NULL. */
static char *extra_text(const struct plan_child *c)
{
    for (size_t i = 0; i < c->leg_count; i++)
        if (c->legs[i].extra) {
            moult_in in = moult_in_over(c->legs[i].extra, c->legs[i].extra_len);
            json_t *value = json_from_cbor(&in, NULL);
            char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

            json_decref(value);
            return text;
        }
    return NULL;
}

static uint32_t format_of(const struct code *code, bool of_messages)
{
    return of_messages ? code->server.message_format : code->server.format;
}

/* " (1 -> 2 -> 3)" */
static void list_formats(const struct plan_child *c, bool of_messages, char *text,
                         size_t size)
{
    size_t used =
        (size_t)snprintf(text, size, " (%" PRIu32, format_of(c->from, of_messages));

    for (size_t i = 0; i < c->leg_count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, " -> %" PRIu32,
                                 format_of(c->legs[i].to, of_messages));
    if (used < size)
        snprintf(text + used, size - used, ")");
}

static const char *args_text(const struct plan_child *c)
{
    if (plan_renews(c))
        return "; it is started anew then, with other args";
    return plan_changes_args(c) ? "; it has other args from its next start on" : "";
}

json_t *moving_text(const struct plan_child *c)
{
    char formats[160] = "", messages[160] = "";
    char *extra = extra_text(c);
    json_t *text;

    if (c->move == PLAN_CODE_CHANGE)
        list_formats(c, false, formats, sizeof(formats));
    if (plan_carries_mail(c))
        list_formats(c, true, messages, sizeof(messages));
    text = json_sprintf("'%s' moves by %s: %s%s%s%s%s%s%s", c->to->id,
                        plan_move_text(c->move), moving_why(c), formats,
                        extra ? ", with extra " : "", extra ? extra : "",
                        messages[0] ? "; what waits for it by message_change" : "",
                        messages, args_text(c));
    free(extra);
    return text;
}
