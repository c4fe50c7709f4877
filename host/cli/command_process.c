/* SPDX-License-Identifier: Apache-2.0 */
#include "command_tables.h"

#include "show.h"
#include "talk.h"
#include "words.h"

static const struct option tree_options[] = {
    {"limit", "N", "no more children of a supervisor than so many; 1000"},
    {0},
};
static const struct option ps_options[] = {
    {"sort", "KEY", "memory, mailbox or reductions: the most first; or name"},
    {"limit", "N", "no more than so many; 1000"},
    {0},
};
static const struct option registry_options[] = {
    {"limit", "N", "no more entries than so many; 1000"},
    {0},
};
static const struct option call_options[] = {
    {"timeout", "MS", "how long to wait for the reply; 5000"},
    {0},
};

/* clang-format off */
const struct command commands_process[] = {
    {
        .name = "tree",
        .synopsis = "[--limit N]",
        .summary = "the supervision trees",
        .details =
            "  For each child its id, its registered name if that is another, its pid\n"
            "  and how it is.\n"
            "\n"
            "  moult tree\n",
        .options = tree_options,
        .method = "tree",
        .params = words_limit,
        .show = show_tree,
        .run = talk_run,
    },
    {
        .name = "ps",
        .synopsis = "[--sort KEY] [--limit N]",
        .summary = "the processes",
        .details = "  MAILBOX is how many messages wait, MEMORY is in bytes, REDUCTIONS how\n"
                   "  many messages it has handled.\n"
                   "\n"
                   "  moult ps\n"
                   "  moult ps --sort mailbox --limit 10\n"
                   "  moult ps --json | jq '.[] | select(.mailbox > 100)'\n",
        .options = ps_options,
        .method = "ps",
        .params = words_ps,
        .show = show_ps,
        .run = talk_ps,
    },
    {
        .name = "registry",
        .synopsis = "[NAME] [--limit N]",
        .summary = "who is registered in the registries",
        .details = "  Of each registry its entries: a key, the process that is registered\n"
                   "  under it, and the value that it gave.\n"
                   "\n"
                   "  moult registry\n"
                   "  moult registry rooms --json | jq '.[0].entries[].pid'\n",
        .options = registry_options,
        .most = 1,
        .method = "registry",
        .params = words_registry,
        .show = show_registry,
        .run = talk_run,
    },
    {
        .name = "telemetry",
        .synopsis = "[PREFIX]",
        .summary = "who listens to which events",
        .details = "  Of each handler of telemetry the events that it is attached to: with\n"
                   "  PREFIX those whose names begin with these words.  DROPPED is how many\n"
                   "  events it was too slow for.\n"
                   "\n"
                   "  moult telemetry\n"
                   "  moult telemetry moult.call\n",
        .most = 1,
        .method = "telemetry",
        .params = words_telemetry,
        .show = show_telemetry,
        .run = talk_run,
    },
    {
        .name = "children",
        .synopsis = "SUP [--limit N]",
        .summary = "the children of one supervisor",
        .details = "  SUP is its registered name, its pid as 'moult tree' shows it, or the\n"
                   "  application that it is the top supervisor of.\n"
                   "\n"
                   "  moult children pool\n"
                   "  moult children 0.5.1 --json | jq '.children[].pid'\n",
        .options = tree_options,
        .least = 1,
        .most = 1,
        .method = "children",
        .params = words_name_limit,
        .show = show_children,
        .run = talk_run,
    },
    {
        .name = "info",
        .synopsis = "NAME|PID",
        .summary = "all that one process tells of itself",
        .details = "  How it is and in which function, its mailbox, memory and reductions, whom\n"
                   "  it is tied to, and who is above it.\n"
                   "\n"
                   "  moult info counter\n"
                   "  moult info 0.4.1 --json | jq .links\n",
        .least = 1,
        .most = 1,
        .method = "info",
        .params = words_name,
        .show = show_info,
        .run = talk_run,
    },
    {
        .name = "suspend",
        .synopsis = "NAME|PID",
        .summary = "have a server or a supervisor rest",
        .details = "  What it is sent waits until 'moult resume', also through an upgrade;\n"
                   "  calls time out meanwhile.\n"
                   "\n"
                   "  moult suspend counter\n",
        .least = 1,
        .most = 1,
        .method = "suspend",
        .params = words_name,
        .show = show_nothing,
        .run = talk_run,
    },
    {
        .name = "resume",
        .synopsis = "NAME|PID",
        .summary = "have it go on",
        .details = "  moult resume counter\n",
        .least = 1,
        .most = 1,
        .method = "resume",
        .params = words_name,
        .show = show_nothing,
        .run = talk_run,
    },
    {
        .name = "trace",
        .synopsis = "NAME|PID",
        .summary = "what a server is sent and sends, as it happens",
        .details = "  Until it ends or this is interrupted.  A line a message: when, in or out,\n"
                   "  what kind, from or to whom, and its content.  The server waits for nobody:\n"
                   "  what comes faster than it is read is dropped, and told how much.\n"
                   "\n"
                   "  moult trace counter\n"
                   "  moult trace counter >> counter.trace     # OTP: sys:log_to_file\n"
                   "  moult trace counter --json | jq 'select(.kind == \"call\")'\n",
        .least = 1,
        .most = 1,
        .method = "trace",
        .params = words_name,
        .run = talk_trace,
    },
    {
        .name = "state",
        .synopsis = "NAME|PID",
        .summary = "the state of a server",
        .details = "  NAME is a registered name, as 'moult ps' shows it.  Fields that are secret\n"
                   "  are not shown.\n"
                   "\n"
                   "  moult state counter\n"
                   "  moult state counter --json | jq .state\n",
        .least = 1,
        .most = 1,
        .method = "state",
        .params = words_name,
        .show = show_state,
        .run = talk_run,
    },
    {
        .name = "call",
        .synopsis = "NAME JSON [--timeout MS]",
        .summary = "ask a server and print its reply",
        .details =
            "  NAME is a registered name.  The message is JSON; a word alone\n"
            "  is a text and needs no quotes, and - reads it from standard input.\n"
            "\n"
            "  moult call counter get\n"
            "  moult call counter '{\"add\": 5}' --timeout 100\n"
            "  moult call counter - < message.json\n",
        .options = call_options,
        .least = 2,
        .most = 2,
        .method = "call",
        .params = words_message,
        .show = show_value,
        .run = talk_run,
    },
    {
        .name = "cast",
        .synopsis = "NAME JSON",
        .summary = "tell a server something, and not wait",
        .details =
            "  As 'moult call', but done as soon as it is in the server's mailbox.\n"
            "\n"
            "  moult cast counter bump\n",
        .least = 2,
        .most = 2,
        .method = "cast",
        .params = words_message,
        .show = show_nothing,
        .run = talk_run,
    },
    {0},
};
/* clang-format on */
