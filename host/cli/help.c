/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include <string.h>

#include "help_appup.h"
#include "man.h"
#include "nearest.h"
#include "protocol.h"

/* clang-format off */
static const char config_text[] =
    "THE CONFIGURATION FILE\n"
    "\n"
    "  Given to 'moult run' by --config; none is needed.  Any of these, and nothing else:\n"
    "\n"
    "    plugins = \"plugins\";     the folder that is watched; DATA/plugins\n"
    "    data    = \"/var/lib/x\";  what outlives the host; $XDG_STATE_HOME/moult, or\n"
    "                             ~/.local/state/moult\n"
    "    socket  = \"moult.sock\";  the control socket; $MOULT_SOCKET, or moult.sock in\n"
    "                             $XDG_RUNTIME_DIR, or in DATA\n"
    "    workers = 4;             threads that run servers; one a processor\n"
    "    max_processes = 100000;  servers, tasks and other processes that there may be at\n"
    "                             once, besides the host's own; 4194304 unless set\n"
    "    on_drop = \"stage\";       what becomes of a higher version that is dropped:\n"
    "                             \"upgrade\" (the default), or \"stage\": it waits for\n"
    "                             'moult upgrade'\n"
    "    permanent = \"manual\";    whether a host begins with what was upgraded to:\n"
    "                             \"auto\" (the default): with what was dropped or asked\n"
    "                             for by 'moult upgrade'; \"manual\": only after 'moult\n"
    "                             permanent'.  After 'moult install' it always is so\n"
    "    rehearse = \"all\";       live states of how many servers an upgrade is tried on\n"
    "                             before, of each application: \"all\", \"sample N\" (1000\n"
    "                             unless set) or \"off\"; not of those moved by pointer\n"
    "    max_pause_ms = 50;       an upgrade that would hold servers up longer is undone, and\n"
    "                             tells which were the slowest; any time, unless set\n"
    "    max_move_ms = 5;         the same of one server's move; as its max_callback_ms, or 5 s\n"
    "    log     = \"json\";        events on stderr: \"text\" (the default), or JSON\n"
    "                             or both that and a level: { format = \"json\"; level = \"debug\"; }\n"
    "    applications = {\n"
    "      counter = {            of the application of that name:\n"
    "        max_heap = \"64M\";    bytes that its servers may have together, \"4K\" at least,\n"
    "                             as text with K, M or G; the server that needs more is ended, as\n"
    "                             by its child's max_heap.  As many as there are, unless set\n"
    "        start = \"permanent\";  if it ends by itself, or can't be started, the host stops;\n"
    "                             \"transient\": unless it ends as normal; \"temporary\" (the\n"
    "                             default): it is told of\n"
    "        log = \"warn\";       what its servers say at that level and above is kept;\n"
    "                             \"none\": nothing\n"
    "        env = { step = 2; }; what it is configured with; 'moult env counter' shows it\n"
    "      };\n"
    "    };\n"
    "\n"
    "  Paths are relative to the file.  An option of 'moult run' goes before the file.\n"
    "  'moult reload' has a host go by it as it stands then: all but plugins, data, socket\n"
    "  and workers, and a max_heap that was not set.\n"
    "\n"
    "  An env is the plugin's default, or what stands in the NAME.app beside it, which the\n"
    "  file goes before, a variable before that, and --env before all.  NAME.app has this\n"
    "  syntax too, and keys as OTP's: vsn, description, modules, registered, applications,\n"
    "  included_applications, optional_applications, env, start_phases, mod = { args }.\n"
    "  It is stored with the plugin: put it there first.\n";

static const char release_text[] =
    "THE RELEASE FILE\n"
    "\n"
    "  Says, in the syntax of the configuration file, which applications a release has,\n"
    "  each at which version; they start in this order:\n"
    "\n"
    "    release = \"shop\";\n"
    "    vsn     = \"1.2.0\";\n"
    "    applications = {\n"
    "      counter = \"2.0.0\";\n"
    "      cart    = \"1.4.1\";\n"
    "    };\n"
    "\n"
    "  Dropped into the plugins folder as NAME.rel, or in a package that 'moult pack' made,\n"
    "  it is gone to if what runs is a lower version of it, or has no release file.  It\n"
    "  waits until the plugins are there.\n";

static const char environment_text[] =
    "THE ENVIRONMENT\n"
    "\n"
    "  MOULT_SOCKET     the control socket, unless --socket or the file names it\n"
    "  MOULT_APP_KEY    the env KEY of the application APP, in capitals: MOULT_WEB_PORT=80\n"
    "  XDG_RUNTIME_DIR  where the control socket is otherwise, as moult.sock\n"
    "  XDG_STATE_HOME   where the data folder is, as moult; ~/.local/state\n"
    "  NO_COLOR         if set to anything, no colours\n"
    "\n"
    "  An XDG folder that is not absolute is not used.\n";

static const char status_text[] =
    "EXIT STATUS\n"
    "\n"
    "  0  done\n"
    "  1  refused or failed: a line on stderr says why\n"
    "  2  the command line makes no sense\n"
    "  3  no host listens at the socket\n";
/* clang-format on */

static void print_config(FILE *out)
{
    fputs(config_text, out);
}

static void print_release(FILE *out)
{
    fputs(release_text, out);
}

static void print_environment(FILE *out)
{
    fputs(environment_text, out);
}

static void print_status(FILE *out)
{
    fputs(status_text, out);
}

static const struct help_topic topics[] = {
    {"appup", "how one version is come to from another", help_appup},
    {"config", "the configuration file", print_config},
    {"environment", "the variables that count", print_environment},
    {"man", "all of this as a manual page", man_print},
    {"protocol", "the control socket, method by method", protocol_print},
    {"release", "the release file", print_release},
    {"status-codes", "what moult exits with", print_status},
};

#define TOPICS (sizeof(topics) / sizeof(topics[0]))

const struct help_topic *help_topic_at(size_t index)
{
    return index < TOPICS ? &topics[index] : NULL;
}

/* -- the overview -- */

static size_t usage_width(const struct command *command)
{
    size_t synopsis = strlen(command->synopsis);

    return strlen(command->name) + (synopsis ? synopsis + 1 : 0);
}

void help_overview(FILE *out)
{
    const struct command *command;
    size_t width = 0;

    for (size_t i = 0; (command = command_at(i)); i++)
        if (!command->hidden && usage_width(command) > width)
            width = usage_width(command);
    fputs(
        "moult runs C plugins as supervised servers, and changes their code while they "
        "keep\ntheir state.\n\n",
        out);
    for (size_t i = 0; (command = command_at(i)); i++)
        if (!command->hidden)
            fprintf(out, "  moult %s%s%-*s  %s\n", command->name,
                    command->synopsis[0] ? " " : "",
                    (int)(width - strlen(command->name) - (command->synopsis[0] != 0)),
                    command->synopsis, command->summary);
    fputs("\nOptions of all commands:\n", out);
    for (const struct option *o = args_everywhere; o->name; o++)
        fprintf(out, "  --%-*s  %s\n", 12,
                strcmp(o->name, "socket") == 0 ? "socket PATH" : o->name, o->about);
    fputs("\n'moult help TOPIC' tells more; beside the commands there are:\n", out);
    for (size_t i = 0; i < TOPICS; i++)
        fprintf(out, "  %-14s  %s\n", topics[i].name, topics[i].summary);
}

/* -- one command -- */

static void print_options(const struct option *options, FILE *out)
{
    int width = 0;

    for (const struct option *o = options; o && o->name; o++) {
        int here = (int)(strlen(o->name) + (o->value ? strlen(o->value) + 1 : 0));

        width = here > width ? here : width;
    }
    for (const struct option *o = options; o && o->name; o++)
        fprintf(out, "  --%s%s%-*s  %s\n", o->name, o->value ? " " : "",
                width - (int)strlen(o->name) - (o->value != NULL),
                o->value ? o->value : "", o->about);
}

void help_command(const struct command *command, FILE *out)
{
    fprintf(out, "moult %s%s%s\n\n  %s\n", command->name,
            command->synopsis[0] ? " " : "", command->synopsis, command->summary);
    if (command->options) {
        fputs("\nOptions:\n", out);
        print_options(command->options, out);
    }
    fprintf(out, "\n%s", command->details);
    if (command->method)
        fprintf(out,
                "\nThe method '%s' of the control socket; 'moult help protocol' has "
                "its result.\n",
                command->method);
}

/* -- moult help -- */

static int unknown_topic(const char *word, const struct screen *screen)
{
    struct nearest nearest = {.word = word};
    const struct command *command;

    for (size_t i = 0; (command = command_at(i)); i++)
        if (!command->hidden)
            nearest_try(&nearest, command->name);
    for (size_t i = 0; i < TOPICS; i++)
        nearest_try(&nearest, topics[i].name);
    if (nearest.best)
        screen_complain(screen, "there is no help on '%s': is '%s' meant?", word,
                        nearest.best);
    else
        screen_complain(
            screen, "there is no help on '%s': 'moult help' lists what there is", word);
    return CLI_USAGE;
}

int help_run(const struct args *args, const struct screen *screen)
{
    const char *word = args->count ? args->words[0] : NULL;
    const struct command *command = word ? command_find(word) : NULL;

    if (!word)
        help_overview(screen->out);
    for (size_t i = 0; word && i < TOPICS; i++)
        if (strcmp(topics[i].name, word) == 0) {
            topics[i].print(screen->out);
            return CLI_DONE;
        }
    if (command && !command->hidden)
        help_command(command, screen->out);
    else if (word)
        return unknown_topic(word, screen);
    return CLI_DONE;
}
