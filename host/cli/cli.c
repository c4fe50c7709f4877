/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <errno.h>
#include <string.h>

#include "command.h"
#include "help.h"

static int usage(const struct args *args, const struct screen *screen)
{
    const struct command *command = args->command;
    const char *what = args->count < command->least ? "too few" : "too many";

    screen_complain(screen, "%s arguments: moult %s%s%s", what, command->name,
                    command->synopsis[0] ? " " : "", command->synopsis);
    return CLI_USAGE;
}

static int no_command(const struct screen *screen)
{
    screen_complain(screen, "a command is missing: 'moult help' lists them");
    return CLI_USAGE;
}

static int dispatch(const struct args *args, const struct screen *screen)
{
    const struct command *command = args->command;

    if (args->version) {
        fputs("moult " MOULT_HOST_VERSION "\n", screen->out);
        return CLI_DONE;
    }
    if (args->help) {
        if (command)
            help_command(command, screen->out);
        else
            help_overview(screen->out);
        return CLI_DONE;
    }
    if (!command)
        return no_command(screen);
    if (args->count < command->least ||
        (command->most >= 0 && args->count > command->most))
        return usage(args, screen);
    return command->run(args, screen);
}

/* What could not be written was not done: a full disk must not look like success. */
static int flushed(const struct screen *screen, int status)
{
    if (fflush(screen->out) == 0 && !ferror(screen->out))
        return status;
    screen_complain(screen, "unable to write the result: %s", strerror(errno));
    return status == CLI_DONE ? CLI_FAILED : status;
}

int cli_run(int argc, char **argv, const struct screen *screen)
{
    struct fault why = {0};
    struct args args;
    int error = args_parse(argc, argv, &args, &why), status;

    if (error) {
        screen_complain(screen, "%s", why.text);
        status = error == -ENOMEM ? CLI_FAILED : CLI_USAGE;
    } else {
        status = flushed(screen, dispatch(&args, screen));
    }
    args_finish(&args);
    return status;
}

int cli_main(int argc, char **argv)
{
    struct screen screen = screen_here();

    return cli_run(argc, argv, &screen);
}
