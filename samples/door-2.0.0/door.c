/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door 2.0.0 - the same, which blocks for a minute after three wrong codes.
 *
 * So there are two states that are locked, and what was "locked" is "closed" now.
 *
 *     moult call door '"pass"' &                     waits until the door is open
 *     for digit in 1 2 3 4; do moult cast door "{\"press\": $digit}"; done
 *     moult call door_events '{"history": "all"}'
 */
#include <moult.h>

#define OPEN_MS   10000 /* it is open for so long */
#define TYPING_MS 60000 /* from one digit to the next; then all are forgotten */
#define BLOCK_MS  60000 /* it is blocked for so long */
#define WRONG_MAX 3     /* codes in a row, then it is */

struct door {
    char state[16]; /* "closed", "open" or "blocked" */
    uint32_t code;
    uint32_t typed, digits; /* so far */
    uint32_t wrong;         /* codes, since it was open */
    int64_t passed;         /* people, ever */
};

MOULT_STATE(door_data, struct door, MOULT_FIELD(state, .initial_text = "closed"),
            MOULT_FIELD(code, .initial = 1234, .secret = 1),
            MOULT_FIELD(typed, .secret = 1), MOULT_FIELD(digits), MOULT_FIELD(wrong),
            MOULT_FIELD(passed));

/* Whoever listens is told; the door does not wait for that. */
static void tell(moult_ctx *ctx, const char *what)
{
    moult_out *event = moult_draft(ctx);

    moult_put_text(event, what);
    moult_notify(ctx, moult_whereis("door_events"), event);
}

static moult_next right_code(moult_ctx *ctx, struct door *d)
{
    d->wrong = 0;
    tell(ctx, "opened");
    moult_state_timeout(ctx, OPEN_MS, NULL);
    return moult_next_state(ctx, "open");
}

static moult_next wrong_code(moult_ctx *ctx, struct door *d)
{
    tell(ctx, "wrong");
    if (++d->wrong < WRONG_MAX)
        return moult_keep_state();
    d->wrong = 0;
    tell(ctx, "blocked");
    moult_state_timeout(ctx, BLOCK_MS, NULL);
    return moult_next_state(ctx, "blocked");
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
    return is_code ? right_code(ctx, d) : wrong_code(ctx, d);
}

static moult_next refuse(moult_ctx *ctx)
{
    return moult_refuse(ctx, -EINVAL,
                        "door takes \"pass\", and is cast {\"press\": digit}");
}

static moult_next closed(moult_ctx *ctx, void *data, const moult_event *event)
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
        tell(ctx, "closed");
        return moult_next_state(ctx, "closed");
    default:
        return moult_keep_state();
    }
}

static moult_next blocked(moult_ctx *ctx, void *data, const moult_event *event)
{
    switch (event->type) {
    case MOULT_EVENT_CALL:
        return moult_match(event->content, "pass") ? moult_postpone() : refuse(ctx);
    case MOULT_EVENT_STATE_TIMEOUT:
        return moult_next_state(ctx, "closed");
    default:
        return moult_keep_state();
    }
}

/* Copy what is under `key`. */
static void keep(moult_in *from, moult_out *to, const char *key)
{
    moult_put_int_at(to, key, moult_int_at(from, key));
}

/*
 * Format 0 has "locked" where format 1 has "closed", and "blocked", which becomes
 * "locked" when going back.
 */
static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    bool up = change->to == 1;
    moult_in state;

    if (!moult_find(from, "state", &state))
        return -EBADMSG;
    moult_put_map(to, 5);
    if (moult_match(&state, "open"))
        moult_put_text_at(to, "state", "open");
    else
        moult_put_text_at(to, "state", up ? "closed" : "locked");
    keep(from, to, "code");
    keep(from, to, "typed");
    keep(from, to, "digits");
    keep(from, to, "passed");
    return 0;
}

static const moult_statem states = {
    .size = sizeof(moult_statem),
    .states = (const moult_statem_state[]){
        {"closed", closed}, {"open", open}, {"blocked", blocked}, {.name = NULL}}};

static const moult_server door = {.size = sizeof(moult_server),
                                  .format = 1,
                                  .state = door_data,
                                  .statem = &states,
                                  .code_change = code_change};

/* -- the history -- */

struct history {
    int64_t opened, wrong, blocked;
};

MOULT_STATE(history_state, struct history, MOULT_FIELD(opened), MOULT_FIELD(wrong),
            MOULT_FIELD(blocked));

static moult_next remember(moult_ctx *ctx, void *state, moult_in *event)
{
    struct history *h = state;

    if (moult_match(event, "opened"))
        h->opened++;
    else if (moult_match(event, "wrong"))
        h->wrong++;
    else if (moult_match(event, "blocked"))
        h->blocked++;
    return moult_noreply();
}

static moult_next recall(moult_ctx *ctx, void *state, moult_in *request,
                         moult_out *reply)
{
    const struct history *h = state;

    moult_put_map(reply, 3);
    moult_put_int_at(reply, "opened", h->opened);
    moult_put_int_at(reply, "wrong", h->wrong);
    moult_put_int_at(reply, "blocked", h->blocked);
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
