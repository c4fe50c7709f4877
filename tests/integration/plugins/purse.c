/* SPDX-License-Identifier: Apache-2.0 */
/*
 * purse - a server and a statem that are told amounts, and how many more they have then.
 *
 *     {"add": n, ...}            in pounds; since message format 1 in pence
 *     {"after": [ms, n]}         add n when that is over; {"every": [ms, n]} again and again
 *     "stop"                     no more of these
 *     "get"                      {"pence", "carried": {"call", "cast", "info"}}
 *     "open"                     the till, which puts off what it is told until then
 *
 * KIND 0: format 0; 1: format 1, which refuses 666, fails with 667, and writes nothing for
 * 668; 2: the same with another state, too; 3: format 2, and no way there; 4: format 2, in
 * tenths of a penny, and a way from format 1 only.
 */
#include <moult.h>

static int *volatile nowhere = (int *)8; /* null would be UBSan's */

struct purse {
    int64_t pence;
    int64_t call, cast, info; /* that were carried from another format */
    moult_timer timer;
    char state[16];
#if KIND == 2
    int64_t more;
#endif
};

#if KIND == 2
MOULT_STATE(purse_state, struct purse, MOULT_FIELD(pence), MOULT_FIELD(call),
            MOULT_FIELD(cast), MOULT_FIELD(info), MOULT_FIELD(timer),
            MOULT_FIELD(state, .initial_text = "shut"), MOULT_FIELD(more));
#else
MOULT_STATE(purse_state, struct purse, MOULT_FIELD(pence), MOULT_FIELD(call),
            MOULT_FIELD(cast), MOULT_FIELD(info), MOULT_FIELD(timer),
            MOULT_FIELD(state, .initial_text = "shut"));
#endif

#define PENCE (KIND == 0 ? 100 : 1) /* of what is added */
#define PARTS (KIND == 4 ? 10 : 1)  /* of a penny */

static bool add(struct purse *p, moult_in *message)
{
    moult_in whole = *message, value;
    int64_t carried = -1;

    if (!moult_find(&whole, "add", &value))
        return false;
    p->pence += PENCE * moult_get_int(&value) / PARTS;
    if (moult_find(&whole, "carried", &value))
        carried = moult_get_int(&value);
    p->call += carried == MOULT_GOT_CALL;
    p->cast += carried == MOULT_GOT_CAST;
    p->info += carried == MOULT_GOT_INFO;
    return true;
}

static void put(const struct purse *p, moult_out *reply)
{
    moult_put_map(reply, 2);
    moult_put_int_at(reply, "pence", p->pence);
    moult_put_text(reply, "carried");
    moult_put_map(reply, 3);
    moult_put_int_at(reply, "call", p->call);
    moult_put_int_at(reply, "cast", p->cast);
    moult_put_int_at(reply, "info", p->info);
}

static void start_timer(moult_ctx *ctx, struct purse *p, moult_in *pair, bool again)
{
    moult_out *message = moult_draft(ctx);
    int64_t ms;

    moult_get_array(pair);
    ms = moult_get_int(pair);
    moult_put_map(message, 1);
    moult_put_int_at(message, "add", moult_get_int(pair));
    p->timer = (again ? moult_send_interval : moult_send_after)(ctx, moult_self(ctx),
                                                                (uint64_t)ms, message);
}

static bool serve(moult_ctx *ctx, struct purse *p, moult_in *request)
{
    moult_in value;

    if (moult_match_map(request, "after", &value))
        start_timer(ctx, p, &value, false);
    else if (moult_match_map(request, "every", &value))
        start_timer(ctx, p, &value, true);
    else if (moult_match(request, "stop"))
        moult_cancel_timer(ctx, p->timer);
    else
        return moult_match(request, "get") || add(p, request);
    return true;
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    if (!serve(ctx, state, request))
        return moult_unhandled(ctx);
    put(state, reply);
    return moult_reply();
}

static moult_next handle_message(moult_ctx *ctx, void *state, moult_in *message)
{
    return add(state, message) ? moult_noreply() : moult_unhandled(ctx);
}

static moult_next handle_info(moult_ctx *ctx, void *state, moult_in *message)
{
    moult_next next = handle_message(ctx, state, message);

    moult_log(ctx, MOULT_INFO, "pence=%d", (int)((struct purse *)state)->pence);
    return next;
}

static moult_next handle_event(moult_ctx *ctx, void *data, const moult_event *event)
{
    struct purse *p = data;

    if (event->type == MOULT_EVENT_CALL && moult_match(event->content, "open")) {
        put(p, event->reply);
        return moult_with_reply(moult_next_state(ctx, "open"));
    }
    if (p->state[0] == 's')
        return moult_postpone();
    if (event->type != MOULT_EVENT_CALL)
        return handle_message(ctx, data, event->content);
    return handle_call(ctx, data, event->from, event->content, event->reply);
}

__attribute__((unused)) static int copy(moult_in *from, moult_out *to)
{
    size_t len;
    const void *bytes = moult_get_item(from, &len);

    moult_put_item(to, bytes, len);
    return 0;
}

#if KIND == 1 || KIND == 2
static int message_change(const moult_change *change, int32_t kind, moult_in *from,
                          moult_out *to)
{
    bool up = change->from < change->to;
    moult_in whole = *from, value;
    int64_t n;

    if (moult_peek(from) != MOULT_MAP || !moult_find(&whole, "add", &value))
        return copy(from, to);
    n = moult_get_int(&value);
    if (n == 667)
        *nowhere = 1;
    if (n == 668)
        return 0;
    if (n == 666 || (!up && n % 100))
        return -ERANGE;
    moult_put_map(to, 3);
    moult_put_int_at(to, "add", up ? n * 100 : n / 100);
    moult_put_int_at(to, "carried", kind);
    moult_put_text(to, "pad");
    moult_put_text_len(
        to, "................................................................",
        moult_find(&whole, "pad", &value) ? 64 : 0);
    return 0;
}
#define CHANGE .message_format = 1, .message_change = message_change
#elif KIND == 4
static int message_change(const moult_change *change, int32_t kind, moult_in *from,
                          moult_out *to)
{
    moult_in whole = *from, value;
    int64_t n;

    if (moult_peek(from) != MOULT_MAP || !moult_find(&whole, "add", &value))
        return copy(from, to);
    n = moult_get_int(&value);
    moult_put_map(to, 2);
    moult_put_int_at(to, "add", change->from < change->to ? n * 10 : n / 10);
    moult_put_int_at(to, "carried", kind);
    return 0;
}
#define CHANGE \
    .message_format = 2, .message_change = message_change, .message_format_least = 1
#elif KIND == 3
#define CHANGE .message_format = 2
#else
#define CHANGE .message_format = 0
#endif

static const moult_server purse = {.size = sizeof(moult_server),
                                   .state = purse_state,
                                   .handle_call = handle_call,
                                   .handle_cast = handle_message,
                                   .handle_info = handle_info,
                                   CHANGE};

static const moult_statem machine = {.size = sizeof(moult_statem),
                                     .handle_event = handle_event};

static const moult_server till = {
    .size = sizeof(moult_server), .state = purse_state, .statem = &machine, CHANGE};

MOULT_PLUGIN(.description = "has what it is given",
             .children = (const moult_child[]){
                 {.id = "purse", .server = &purse, .name = "purse"},
                 {.id = "till", .server = &till, .name = "till"},
                 {.id = NULL}});
