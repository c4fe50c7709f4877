/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shop - an application with all that one can say of itself.
 *
 *     {"env": key}            the value of a key of its own
 *     {"put": [key, value]}   it is that from now on, persistently
 *     {"ensure": name}        start another application
 *     "fail"                  end, with a failure
 *     "say"                   say something at each level, and an event of its own; the
 *                             reply is whether debug is kept
 *
 * Its callbacks tell what they are called with as plugin.log.  KIND 1 is another version:
 * other defaults, a new key, and one less.  Its config_check does not allow the port 13,
 * fails with 14 and does not come back with 15.
 */
#include <moult.h>

#include <stdio.h>

static int *volatile nowhere = (int *)8; /* null would be UBSan's */

#ifndef NEEDS
#define NEEDS NULL
#endif
#ifndef INCLUDES
#define INCLUDES NULL
#endif

static const moult_env env[] = {
    {.key = "port",
     .type = MOULT_ENV_INT,
     .value = KIND == 1 ? "9000" : "8080",
     .least = 1,
     .most = 65535},
    {.key = "title", .type = MOULT_ENV_TEXT, .value = "\"a shop\""},
    {.key = "fast", .type = MOULT_ENV_BOOL, .value = "false"},
    {.key = "ratio", .type = MOULT_ENV_FLOAT, .value = "0.5"},
#if KIND == 1
    {.key = "open", .type = MOULT_ENV_BOOL, .value = "true"},
#else
    {.key = "old", .value = "[1, 2]"},
#endif
    {.key = NULL}};

static const moult_start_phase phases[] = {
    {.name = "stock", .args = "{\"shelves\": 3}"}, {.name = "open"}, {.name = NULL}};

static moult_next start(moult_ctx *ctx, moult_in *args, moult_out *state)
{
    moult_log(ctx, MOULT_INFO, "start %s", moult_match(args, "now") ? "now" : "?");
    moult_put_text(state, "books");
    return moult_env_int(ctx, "port", 0) == 13
               ? moult_stop_because(ctx, -EADDRINUSE, "13 brings bad luck")
               : moult_noreply();
}

static moult_next start_phase(moult_ctx *ctx, const char *phase, moult_in *args)
{
    moult_log(ctx, MOULT_INFO, "phase %s %d", phase,
              moult_peek(args) == MOULT_MAP ? (int)moult_int_at(args, "shelves") : 0);
    return moult_noreply();
}

static void prep_stop(moult_ctx *ctx, moult_in *from, moult_out *state)
{
    moult_log(ctx, MOULT_INFO, "prep_stop %s",
              moult_match(from, "books") ? "books" : "?");
    moult_put_text(state, "closed books");
}

static void stop(moult_ctx *ctx, moult_in *state)
{
    moult_log(ctx, MOULT_INFO, "stop %s",
              moult_match(state, "closed books") ? "closed books" : "?");
}

static void config_change(moult_ctx *ctx, moult_in *changed, moult_in *added,
                          moult_in *removed)
{
    moult_in port = {0}, open = {0};
    bool has_port = moult_find(changed, "port", &port);
    bool has_open = moult_find(added, "open", &open);
    size_t gone = moult_get_array(removed);

    moult_log(ctx, MOULT_INFO, "config_change port=%d open=%d gone=%d",
              has_port ? (int)moult_get_int(&port) : -1, has_open, (int)gone);
}

static moult_next config_check(moult_ctx *ctx, moult_in *changed, moult_in *added,
                               moult_in *removed)
{
    moult_in port = {0};
    int64_t number = moult_find(changed, "port", &port) ? moult_get_int(&port) : 0;

    moult_log(ctx, MOULT_INFO, "config_check port=%d instead of %d", (int)number,
              (int)moult_env_int(ctx, "port", 0));
    if (number == 14)
        *nowhere = 1;
    while (number == 15)
        ;
    return number == 13 ? moult_stop_because(ctx, -EADDRINUSE, "13 brings bad luck")
                        : moult_noreply();
}

static const moult_application mod = {.size = sizeof(moult_application),
                                      .args = "\"now\"",
                                      .start = start,
                                      .start_phase = start_phase,
                                      .prep_stop = prep_stop,
                                      .stop = stop,
                                      .config_change = config_change,
                                      .config_check = config_check};

static const char *copy_text(moult_in *in, char *text, size_t size)
{
    size_t len;
    const char *from = moult_get_text(in, &len);

    snprintf(text, size, "%.*s", (int)len, from);
    return text;
}

static moult_next answer_env(moult_ctx *ctx, moult_in *key, moult_out *reply)
{
    char text[64];
    moult_in value = moult_get_env(ctx, NULL, copy_text(key, text, sizeof(text)));
    size_t len;
    const void *item = moult_get_item(&value, &len);

    moult_put_item(reply, item, len);
    return moult_reply();
}

static moult_next answer_put(moult_ctx *ctx, moult_in *pair, moult_out *reply)
{
    moult_out *value = moult_draft(ctx);
    char key[64];
    const void *item;
    size_t len;
    int error;

    moult_get_array(pair);
    copy_text(pair, key, sizeof(key));
    item = moult_get_item(pair, &len);
    moult_put_item(value, item, len);
    error = moult_put_env(ctx, NULL, key, value, true);
    if (error)
        return moult_refuse(ctx, error, "%s", moult_call_text(ctx));
    moult_put_null(reply);
    return moult_reply();
}

static moult_next answer_ensure(moult_ctx *ctx, moult_in *name, moult_out *reply)
{
    char text[64];
    int error = moult_ensure_all_started(ctx, copy_text(name, text, sizeof(text)));

    if (error)
        return moult_refuse(ctx, error, "%s", moult_call_text(ctx));
    moult_put_null(reply);
    return moult_reply();
}

static moult_next say(moult_ctx *ctx, moult_out *reply)
{
    moult_out *fields = moult_draft(ctx);

    moult_put_map(fields, 2);
    moult_put_int_at(fields, "order", 7);
    moult_put_text_at(fields, "app", "another's");
    moult_log_event(ctx, MOULT_INFO, "order_placed", fields);
    moult_log(ctx, MOULT_DEBUG, "said as debug");
    moult_log(ctx, MOULT_ERROR, "said as error");
    moult_put_bool(reply, moult_log_allows(ctx, MOULT_DEBUG));
    return moult_reply();
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    moult_in value;

    if (moult_match_map(request, "env", &value))
        return answer_env(ctx, &value, reply);
    if (moult_match_map(request, "put", &value))
        return answer_put(ctx, &value, reply);
    if (moult_match_map(request, "ensure", &value))
        return answer_ensure(ctx, &value, reply);
    if (moult_match(request, "say"))
        return say(ctx, reply);
    if (moult_match(request, "fail"))
        return moult_stop_because(ctx, -EIO, "as told");
    return moult_refuse(ctx, -EINVAL, "see shop.c for what it takes");
}

static const moult_server clerk = {.size = sizeof(moult_server),
                                   .handle_call = handle_call};

MOULT_PLUGIN(.description = "sells", .env = env, .start_phases = phases, .mod = &mod,
             .applications = (const char *const[]){NEEDS, NULL},
             .included_applications = (const char *const[]){INCLUDES, NULL},
             .children = (const moult_child[]){
                 {.id = "clerk", .server = &clerk, .name = MOULT_PLUGIN_NAME},
                 {.id = NULL}});
