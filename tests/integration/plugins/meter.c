/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meter - a reading in units that change from version to version, as appups say.
 *
 *   1.0.0  "reading"                            format 1
 *   2.0.0  "ticks", reading * extra.by          format 2, child "log" is new
 *   3.0.0  "fine", 2 * ticks, at most 1000000   format 3, knows 2 and above
 *          APPUP 1: covers that, 2: forgets the child, 3: is from 2.2.0 only, 0: there is
 *          none, 4: calls "note", before and after
 *          "note" adds its args to the meter as it runs, unless they are negative
 *
 *     "get" is answered by the number, {"add": n} by the sum
 */
#include <moult.h>

struct meter {
#if KIND == 1
    int64_t reading;
#elif KIND == 2
    int64_t ticks;
#else
    int64_t fine;
#endif
};

#if KIND == 1
#define NUMBER reading
#elif KIND == 2
#define NUMBER ticks
#else
#define NUMBER fine
#endif

MOULT_STATE(meter_state, struct meter, MOULT_FIELD(NUMBER));

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct meter *m = state;
    int64_t n = 0;

    if (!moult_match(request, "get") && !moult_match_int(request, "add", &n))
        return moult_refuse(ctx, -EINVAL, "meter takes \"get\", {\"add\": n}");
    moult_put_int(reply, m->NUMBER += n);
    return moult_reply();
}

#if KIND == 2
static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    moult_in extra = change->extra ? *change->extra : (moult_in){0};
    int64_t by = change->extra ? moult_int_at(&extra, "by") : 10;

    moult_put_map(to, 1);
    if (change->to > change->from)
        moult_put_int_at(to, "ticks", moult_int_at(from, "reading") * by);
    else
        moult_put_int_at(to, "reading", moult_int_at(from, "ticks") / by);
    return 0;
}
#elif KIND == 3
static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    moult_put_map(to, 1);
    if (change->to < change->from) {
        moult_put_int_at(to, "ticks", moult_int_at(from, "fine") / 2);
        return 0;
    }
    moult_put_int_at(to, "fine", moult_int_at(from, "ticks") * 2);
    return moult_int_at(from, "ticks") > 500000 ? -ERANGE : 0;
}
#endif

static const moult_server meter = {.size = sizeof(moult_server),
                                   .format = KIND,
                                   .state = meter_state,
#if KIND > 1
                                   .code_change = code_change,
                                   .format_least = KIND - 1,
#endif
                                   .handle_call = handle_call};

#if KIND > 1
static const moult_server quiet = {.size = sizeof(moult_server)};
#endif

#if KIND > 1
#define LOG {.id = "log", .server = &quiet, .name = "log"},
#else
#define LOG
#endif

#if APPUP == 4
static moult_next note(moult_ctx *ctx, moult_in *args)
{
    int64_t n = moult_get_int(args);
    moult_out *request = moult_draft(ctx);
    moult_in reply;

    if (n < 0)
        return moult_stop_because(ctx, -ERANGE, "a meter does not run backward");
    moult_put_map(request, 1);
    moult_put_int_at(request, "add", n);
    return moult_call(ctx, moult_whereis("meter"), request, 0, &reply) == 0
               ? moult_noreply()
               : moult_stop(-EIO);
}

static const moult_instruction up[] = {{MOULT_APPLY, "note", .args = "5"},
                                       {MOULT_CODE_CHANGE, "meter"},
                                       {MOULT_ADD_MODULE, "log"},
                                       {MOULT_APPLY, "note", .args = "3"},
                                       {0}};
static const moult_instruction down[] = {{MOULT_CODE_CHANGE, "meter"},
                                         {MOULT_DELETE_MODULE, "log"},
                                         {MOULT_APPLY, "note", .args = "-1"},
                                         {MOULT_APPLY, "note", .args = "1"},
                                         {0}};
static const moult_appup appup =
    MOULT_APPUP(.functions = (const moult_applied[]){{"note", note}, {NULL}},
                .up = (const moult_way[]){{.vsn = "1.0.0", .instructions = up}, {0}},
                .down =
                    (const moult_way[]){{.vsn = "1.0.0", .instructions = down}, {0}});
#define HOW &appup
#elif APPUP == 3
static const moult_instruction change[] = {{MOULT_CODE_CHANGE, "meter"}, {0}};
static const moult_appup appup =
    MOULT_APPUP(.up =
                    (const moult_way[]){{.vsn = "2.2.0", .instructions = change}, {0}},
                .down =
                    (const moult_way[]){{.vsn = "2.2.0", .instructions = change}, {0}});
#define HOW &appup
#elif APPUP
#define CHANGE                                                 \
    {                                                          \
        MOULT_UPDATE, "meter", MOULT_ADVANCED, "{\"by\": 100}" \
    }

static const moult_instruction up[] = {CHANGE,
#if APPUP == 1
                                       {MOULT_ADD_MODULE, "log"},
#endif
                                       {0}};
static const moult_instruction down[] = {CHANGE, {MOULT_DELETE_MODULE, "log"}, {0}};
static const moult_appup appup =
    MOULT_APPUP(.up =
                    (const moult_way[]){
                        {.pattern = "1\\.0\\.[0-9]", .instructions = up}, {0}},
                .down =
                    (const moult_way[]){{.vsn = "1.0.0", .instructions = down}, {0}});
#define HOW &appup
#else
#define HOW NULL
#endif

MOULT_PLUGIN(.children = (const moult_child[]){{.id = "meter",
                                                .server = &meter,
                                                .name = "meter"},
                                               LOG{.id = NULL}},
             .appup = HOW);
