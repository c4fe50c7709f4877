/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gauge - handlers of telemetry, and a server that attaches them, emits and is told.
 *
 * The server does {"attach": [id, event, handler]}, {"emit": event} and {"span": what},
 * whose work crashes if `what` says so; "heard" is what `count` has told it since it was
 * asked last.
 *
 *   "count"   logs each event, and tells the server: KIND 0 as one, KIND 1 as a hundred;
 *             KIND 2 has no such function
 *   "crash"   does so
 */
#include <stdio.h>
#include <string.h>

#include <moult.h>

struct gauge {
    int64_t heard;
};

MOULT_STATE(gauge_state, struct gauge, MOULT_FIELD(heard));

/* -- handlers -- */

static void fault(void)
{
    static int *volatile nowhere;

    *nowhere = 1;
}

#if KIND < 2
static int count(moult_ctx *ctx, const moult_telemetry_event *event)
{
    moult_out *m = moult_draft(ctx);

    moult_log(ctx, MOULT_INFO, "%s", event->name);
    moult_put_int(m, KIND == 1 ? 100 : 1);
    moult_cast(ctx, moult_whereis("gauge"), m); /* which may have crashed */
    return 0;
}
#endif

static int crash(moult_ctx *ctx, const moult_telemetry_event *event)
{
    fault();
    return 0;
}

static const moult_telemetry_handler handlers[] = {
#if KIND < 2
    {"count", count},
#endif
    {"crash", crash},
    {NULL, NULL}};

/* -- the server -- */

static const char *next_text(moult_in *in, char *text, size_t size)
{
    size_t len;
    const char *found = moult_get_text(in, &len);

    snprintf(text, size, "%.*s", (int)len, found);
    return text;
}

static int attach(moult_ctx *ctx, moult_in *in)
{
    char id[64], event[64], handler[64];

    moult_get_array(in);
    next_text(in, id, sizeof(id));
    next_text(in, event, sizeof(event));
    return moult_telemetry_attach(ctx, id, event,
                                  next_text(in, handler, sizeof(handler)), NULL);
}

static int work(moult_ctx *ctx, void *what, moult_span *span)
{
    if (strcmp(what, "crash") == 0)
        fault();
    return 0;
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct gauge *g = state;
    char text[64];
    moult_in value;
    int error = 0;

    if (moult_match(request, "heard")) {
        moult_put_int(reply, g->heard);
        g->heard = 0;
        return moult_reply();
    }
    if (moult_match_map(request, "attach", &value))
        error = attach(ctx, &value);
    else if (moult_match_map(request, "emit", &value))
        error = moult_telemetry_execute(ctx, next_text(&value, text, sizeof(text)),
                                        NULL, NULL);
    else if (moult_match_map(request, "span", &value))
        moult_telemetry_span(ctx, "gauge.work", NULL, work,
                             (void *)next_text(&value, text, sizeof(text)));
    else
        return moult_unhandled(ctx);
    if (error)
        return moult_refuse(ctx, error, "%s", moult_call_text(ctx));
    moult_put_null(reply);
    return moult_reply();
}

static moult_next handle_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    struct gauge *g = state;

    g->heard += moult_get_int(message);
    return moult_noreply();
}

static const moult_server gauge = {.size = sizeof(moult_server),
                                   .state = gauge_state,
                                   .handle_call = handle_call,
                                   .handle_cast = handle_cast};

static const moult_child children[] = {
    {.id = "gauge", .server = &gauge, .name = "gauge"}, {.id = NULL}};

MOULT_PLUGIN(.children = children, .telemetry = handlers);
