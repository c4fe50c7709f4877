/* SPDX-License-Identifier: Apache-2.0 */
/*
 * latch - a statem that is shut or open.  KIND 0: format 0; 1: the same with a field more;
 * 2: format 1, where shut is called "closed"; 3: where open is called "ajar",
 * and nobody says so.
 */
#include <moult.h>

#if KIND == 2
#define SHUT "closed"
#else
#define SHUT "shut"
#endif
#if KIND == 3
#define OPEN "ajar"
#else
#define OPEN "open"
#endif

#if KIND == 0 || KIND == 3
struct latch {
    char state[16];
    int64_t passed;
};

MOULT_STATE(latch_data, struct latch, MOULT_FIELD(state, .initial_text = SHUT),
            MOULT_FIELD(passed));
#else
struct latch {
    char state[16];
    int64_t passed;
    int64_t timeouts;
};

MOULT_STATE(latch_data, struct latch, MOULT_FIELD(state, .initial_text = SHUT),
            MOULT_FIELD(passed), MOULT_FIELD(timeouts));
#endif

static moult_next is_open(moult_ctx *ctx, void *data, const moult_event *event)
{
    struct latch *l = data;

    if (event->type != MOULT_EVENT_CALL)
        return moult_keep_state();
    moult_put_int(event->reply, ++l->passed);
    return moult_reply();
}

/* Until its state timeout opens it, who calls waits. */
static moult_next is_shut(moult_ctx *ctx, void *data, const moult_event *event)
{
    int64_t ms;

    if (event->type == MOULT_EVENT_STATE_TIMEOUT) {
#if KIND == 1 || KIND == 2
        ((struct latch *)data)->timeouts++;
#endif
        return moult_next_state(ctx, OPEN);
    }
    if (event->type != MOULT_EVENT_CALL)
        return moult_keep_state();
    if (!moult_match_int(event->content, "open in", &ms))
        return moult_postpone();
    moult_state_timeout(ctx, (uint64_t)ms, NULL);
    moult_put_int(event->reply, ms);
    return moult_reply();
}

#if KIND == 2
static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    bool up = change->from < change->to;
    moult_in state;

    if (!moult_find(from, "state", &state))
        return -EBADMSG;
    moult_put_map(to, 3);
    if (moult_match(&state, up ? "shut" : "closed"))
        moult_put_text_at(to, "state", up ? "closed" : "shut");
    else
        moult_put_text_at(to, "state", "open");
    moult_put_int_at(to, "passed", moult_int_at(from, "passed") + (up ? 100 : -100));
    moult_put_int_at(to, "timeouts", 0);
    return 0;
}
#endif

static const moult_statem latch_states = {
    .size = sizeof(moult_statem),
    .states =
        (const moult_statem_state[]){{OPEN, is_open}, {SHUT, is_shut}, {NULL, NULL}}};

static const moult_server latch = {.size = sizeof(moult_server),
#if KIND == 2
                                   .format = 1,
                                   .code_change = code_change,
#endif
                                   .state = latch_data,
                                   .statem = &latch_states};

MOULT_PLUGIN(.intensity = 1000000, .period_s = 1,
             .children = (const moult_child[]){
                 {.id = "latch", .server = &latch, .name = "latch"}, {.id = NULL}});
