/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door 1.0.0 - a door with a code lock (a statem), and a history of what happened to it (a
 * handler).
 *
 *     moult call door '"pass"' &                     waits until the door is open
 *     for digit in 1 2 3 4; do moult cast door "{\"press\": $digit}"; done
 *     moult call door_events '{"history": "all"}'
 */
#include <moult.h>

#define OPEN_MS   10000 /* it is open for so long */
#define TYPING_MS 60000 /* from one digit to the next; then all are forgotten */

struct door {
    char state[16]; /* "locked" or "open" */
    uint32_t code;
    uint32_t typed, digits; /* so far */
    int64_t passed;         /* people, ever */
};

MOULT_STATE(door_data, struct door, MOULT_FIELD(state, .initial_text = "locked"),
            MOULT_FIELD(code, .initial = 1234, .secret = 1),
            MOULT_FIELD(typed, .secret = 1), MOULT_FIELD(digits), MOULT_FIELD(passed));

/* Whoever listens is told; the door does not wait for that. */
static void tell(moult_ctx *ctx, const char *what)
{
    moult_out *event = moult_draft(ctx);

    moult_put_text(event, what);
    moult_notify(ctx, moult_whereis("door_events"), event);
}

/* Takes a digit; at the last it opens, if that was the code. */
static moult_next press(moult_ctx *ctx, struct door *d, int64_t digit)
{
    bool is_code;

    if (digit < 0 || digit > 9)
        return moult_keep_state();
    d->typed = d->typed * 10 + (uint32_t)digit;
    if (++d->digits < 4) {
        moult_event_timeout(ctx, TYPING_MS, NULL);
        return moult_keep_state();
    }
    is_code = d->typed == d->code;
    d->typed = d->digits = 0;
    tell(ctx, is_code ? "opened" : "wrong");
    if (!is_code)
        return moult_keep_state();
    moult_state_timeout(ctx, OPEN_MS, NULL);
    return moult_next_state(ctx, "open");
}

static moult_next refuse(moult_ctx *ctx)
{
    return moult_refuse(ctx, -EINVAL,
                        "door takes \"pass\", and is cast {\"press\": digit}");
}

static moult_next locked(moult_ctx *ctx, void *data, const moult_event *event)
{
    struct door *d = data;
    int64_t digit;

    switch (event->type) {
    case MOULT_EVENT_CALL:
        return moult_match(event->content, "pass") ? moult_postpone() : refuse(ctx);
    case MOULT_EVENT_CAST:
        if (moult_match_int(event->content, "press", &digit))
            return press(ctx, d, digit);
        return moult_keep_state();
    case MOULT_EVENT_TIMEOUT:
        d->typed = d->digits = 0;
        return moult_keep_state();
    default:
        return moult_keep_state();
    }
}

static moult_next open(moult_ctx *ctx, void *data, const moult_event *event)
{
    struct door *d = data;

    switch (event->type) {
    case MOULT_EVENT_CALL:
        if (!moult_match(event->content, "pass"))
            return refuse(ctx);
        moult_put_int(event->reply, ++d->passed);
        return moult_reply();
    case MOULT_EVENT_STATE_TIMEOUT:
        tell(ctx, "locked");
        return moult_next_state(ctx, "locked");
    default:
        return moult_keep_state();
    }
}

static const moult_statem states = {
    .size = sizeof(moult_statem),
    .states = (const moult_statem_state[]){
        {"locked", locked}, {"open", open}, {.name = NULL}}};

static const moult_server door = {
    .size = sizeof(moult_server), .state = door_data, .statem = &states};

/* -- the history -- */

struct history {
    int64_t opened, wrong;
};

MOULT_STATE(history_state, struct history, MOULT_FIELD(opened), MOULT_FIELD(wrong));

static moult_next remember(moult_ctx *ctx, void *state, moult_in *event)
{
    struct history *h = state;

    if (moult_match(event, "opened"))
        h->opened++;
    else if (moult_match(event, "wrong"))
        h->wrong++;
    return moult_noreply();
}

static moult_next recall(moult_ctx *ctx, void *state, moult_in *request,
                         moult_out *reply)
{
    const struct history *h = state;

    moult_put_map(reply, 2);
    moult_put_int_at(reply, "opened", h->opened);
    moult_put_int_at(reply, "wrong", h->wrong);
    return moult_reply();
}

static const moult_handler history = {.size = sizeof(moult_handler),
                                      .name = "history",
                                      .at_start = 1,
                                      .state = history_state,
                                      .handle_event = remember,
                                      .handle_call = recall};

static const moult_manager listeners = {
    .size = sizeof(moult_manager),
    .handlers = (const moult_handler *const[]){&history, NULL}};

static const moult_server door_events = {.size = sizeof(moult_server),
                                         .manager = &listeners};

static const moult_child children[] = {
    {.id = "door_events", .server = &door_events, .name = "door_events"},
    {.id = "door", .server = &door, .name = "door"},
    {.id = NULL}};

MOULT_PLUGIN(.description = "a door with a code lock", .children = children);
