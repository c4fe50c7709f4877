/* SPDX-License-Identifier: Apache-2.0 */
/*
 * twin - an application with one of each that an upgrade moves, adds, removes or asks.
 *
 *     NAME           a server: {"bump": true}, "get", {"set": n}, {"hold": ms} in a callback
 *     many           twenty of its kind
 *     NAME_gone      a server that version 2 has no more; NAME_new: only it has
 *
 * Version 1 has KIND 0; 2 has KIND 1, another format of states and of messages.  SIN is
 * where version 2 fails:
 *
 *     1 plan        a name that is registered is another
 *     2 rehearse    code_change refuses a count of 1000 and more
 *     3 check       its config_check refuses
 *     4 add         the init of a child that is new refuses
 *     5 migrate     message_change refuses
 *     6 migrate     message_change crashes
 *     7 start       the application's start refuses (of a version 1)
 *     8 migrate     its mode is a number, if somebody puts text there meanwhile
 *    10 apply       a function that its appup has called refuses
 */
#include <moult.h>

static int *volatile nowhere = (int *)8; /* null would be UBSan's */

#ifndef SIN
#define SIN 0
#endif
#ifndef NEEDS
#define NEEDS NULL
#endif

struct twin {
    int64_t count;
    char label[16];
    moult_timer timer;
#if KIND == 1
    int64_t doubled;
#endif
};

#if KIND == 1
MOULT_STATE(twin_state, struct twin, MOULT_FIELD(count), MOULT_FIELD(label),
            MOULT_FIELD(timer), MOULT_FIELD(doubled));
#else
MOULT_STATE(twin_state, struct twin, MOULT_FIELD(count), MOULT_FIELD(label),
            MOULT_FIELD(timer));
#endif

static const moult_env env[] = {
#if SIN == 8
    {.key = "mode", .type = MOULT_ENV_INT, .value = "1"},
#else
    {.key = "mode", .type = MOULT_ENV_TEXT, .value = KIND == 1 ? "\"new\"" : "\"old\""},
#endif
    {.key = NULL}};

static moult_next init(moult_ctx *ctx, void *state, moult_in *args)
{
    moult_out *message = moult_draft(ctx);

    moult_put_text(message, "an hour has gone");
    ((struct twin *)state)->timer =
        moult_send_after(ctx, moult_self(ctx), 3600000, message);
    return moult_noreply();
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct twin *t = state;
    int64_t n;
    moult_in value;

    if (moult_match_map(request, "bump", &value))
        t->count++;
    else if (moult_match_int(request, "set", &n))
        t->count = n;
    else if (moult_match_int(request, "hold", &n))
        moult_sleep(ctx, (uint64_t)n);
    moult_put_int(reply, t->count);
    return moult_reply();
}

static moult_next handle_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    ((struct twin *)state)->count++;
    return moult_noreply();
}

#if KIND == 1
static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    bool up = change->from < change->to;
    int64_t count = moult_int_at(from, "count");
    moult_in timer;

    if (SIN == 2 && count >= 1000)
        return -ERANGE;
    moult_put_map(to, up ? 4 : 3);
    moult_put_int_at(to, "count", count);
    moult_put_text_at(to, "label", "");
    moult_put_text(to, "timer");
    moult_put_uint(to, moult_find(from, "timer", &timer) ? moult_get_uint(&timer) : 0);
    if (up)
        moult_put_int_at(to, "doubled", count * 2);
    return 0;
}

static int message_change(const moult_change *change, int32_t kind, moult_in *from,
                          moult_out *to)
{
    size_t len;
    const void *item = moult_get_item(from, &len);

    if (SIN == 6)
        *nowhere = 1;
    moult_put_item(to, item, len);
    return SIN == 5 ? -EBADMSG : 0;
}
#endif

static const moult_server twin = {.size = sizeof(moult_server),
#if KIND == 1
                                  .format = 1,
                                  .code_change = code_change,
                                  .message_format = 1,
                                  .message_change = message_change,
#endif
                                  .state = twin_state,
                                  .init = init,
                                  .handle_call = handle_call,
                                  .handle_cast = handle_cast};

#if SIN == 4
static moult_next refuse(moult_ctx *ctx, void *state, moult_in *args)
{
    return moult_stop_because(ctx, -ENODEV, "there is no ground");
}

static const moult_server refuses = {.size = sizeof(moult_server), .init = refuse};
#endif

static moult_next start(moult_ctx *ctx, moult_in *args, moult_out *state)
{
    return SIN == 7 ? moult_stop_because(ctx, -EADDRINUSE, "it is taken")
                    : moult_noreply();
}

static moult_next config_check(moult_ctx *ctx, moult_in *changed, moult_in *added,
                               moult_in *removed)
{
    return SIN == 3 ? moult_stop_because(ctx, -EPERM, "not in that mode")
                    : moult_noreply();
}

static const moult_application mod = {
    .size = sizeof(moult_application), .start = start, .config_check = config_check};

static const moult_child children[] = {
    {.id = "main", .server = &twin, .name = SIN == 1 ? "another" : MOULT_PLUGIN_NAME},
    {.id = "many", .server = &twin, .count = 20},
#if KIND == 0
    {.id = "gone", .server = &twin, .name = MOULT_PLUGIN_NAME "_gone"},
#else
    {.id = "new", .server = &twin, .name = MOULT_PLUGIN_NAME "_new"},
#endif
#if SIN == 4
    {.id = "refuses", .server = &refuses},
#endif
    {.id = NULL}};

#if SIN == 10
static moult_next refuse_to_go(moult_ctx *ctx, moult_in *args)
{
    return moult_stop_because(ctx, -EPERM, "not on that day");
}

static const moult_instruction way[] = {
    {MOULT_APPLY, "go"},           {MOULT_CODE_CHANGE, "main"},
    {MOULT_CODE_CHANGE, "many"},   {MOULT_ADD_MODULE, "new"},
    {MOULT_DELETE_MODULE, "gone"}, {0}};
static const moult_appup appup =
    MOULT_APPUP(.functions = (const moult_applied[]){{"go", refuse_to_go}, {NULL}},
                .up = (const moult_way[]){{.vsn = "1.0.0", .instructions = way}, {0}});
#define HOW &appup
#else
#define HOW NULL
#endif

MOULT_PLUGIN(.description = "is as its twin", .env = env, .mod = &mod,
             .applications = (const char *const[]){NEEDS, NULL}, .children = children,
             .appup = HOW);
