/* SPDX-License-Identifier: Apache-2.0 */
#include "crash_command.h"

#include <stdlib.h>

#include "config.h"
#include "report.h"
#include "request.h"
#include "show.h"
#include "talk.h"

/* CLI_DONE and `*result` given; else it was told why. */
static int read_there(const char *data, const struct args *args,
                      const struct screen *screen, json_t **result)
{
    struct fault why = {0};
    json_t *error;

    *result =
        args->count ? report_read(data, args->words[0], &why) : reports_list(data);
    if (*result)
        return CLI_DONE;
    error = json_pack("{s:i, s:o, s:o*}", "code", (int)rpc_code_of(why.error),
                      "message", rpc_text(why.text), "data", request_fault_data(&why));
    show_error(screen, error, args->json);
    json_decref(error);
    return CLI_FAILED;
}

static int read_default(const struct args *args, const struct screen *screen,
                        json_t **result)
{
    char *data = config_default_data();
    int status = CLI_NO_HOST;

    if (data && reports_exist(data))
        status = read_there(data, args, screen, result);
    else
        screen_complain(screen,
                        "no host listens, and '%s' has no reports: name a host by "
                        "--socket, or a data folder by --data",
                        data ? data : "the data folder");
    free(data);
    return status;
}

static int ask_host(const struct args *args, const struct screen *screen,
                    json_t **result)
{
    const char *id = args->count ? args->words[0] : NULL;

    if (id)
        return talk_ask(args, screen, "crash.show",
                        json_pack("{s:o}", "id", rpc_text(id)), result);
    return talk_ask(args, screen, "crash.list", NULL, result);
}

int crash_command(const struct args *args, const struct screen *screen)
{
    const char *data = args_value(args, "data");
    json_t *result = NULL;
    int status;

    if (data)
        status = read_there(data, args, screen, &result);
    else
        status = ask_host(args, screen, &result);
    if (status == CLI_NO_HOST)
        status = read_default(args, screen, &result);
    if (status != CLI_DONE)
        return status;
    if (args->json) {
        json_dumpf(result, screen->out, JSON_COMPACT);
        putc('\n', screen->out);
    } else if (args->count) {
        show_crash(screen, result);
    } else {
        show_crashes(screen, result);
    }
    json_decref(result);
    return CLI_DONE;
}
