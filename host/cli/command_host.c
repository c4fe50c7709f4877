/* SPDX-License-Identifier: Apache-2.0 */
#include "command_tables.h"

#include "crash_command.h"
#include "local.h"
#include "show.h"
#include "talk.h"
#include "words.h"

static const struct option run_options[] = {
    {"config", "FILE", "settings; see 'moult help config'"},
    {"plugins", "DIR", "the folder that is watched; DATA/plugins"},
    {"data", "DIR", "what outlives the host; $XDG_STATE_HOME/moult"},
    {"workers", "N", "threads that run servers; one a processor"},
    {"on-drop", "upgrade|stage", "what a higher version does that is dropped"},
    {"permanent", "auto|manual", "whether a host begins with what was upgraded to"},
    {"rehearse", "all|sample N|off", "how many states are tried before an upgrade"},
    {"log", "text|json", "how events look on stderr"},
    {"env", "APP.KEY=VALUE", "configure an application; may be given again", true},
    {0},
};
static const struct option crash_options[] = {
    {"data", "DIR", "read them there, without a host"},
    {0},
};
static const struct option event_options[] = {
    {"follow", NULL, "go on with what happens, until interrupted"},
    {"level", "LEVEL", "debug, info, warn or error: that and above"},
    {"last", "N", "at most so many of the past; 100"},
    {0},
};

/* clang-format off */
const struct command commands_host[] = {
    {
        .name = "run",
        .synopsis = "[--plugins DIR] [--data DIR]",
        .summary = "be a host: load the plugins in a folder, and watch it",
        .details = "  Runs until SIGTERM, SIGINT or 'moult stop', and then ends each "
                   "server in\n"
                   "  order.  The permanent release starts, and what is new in the folder, each at\n"
                   "  its highest version.  Events go to stderr.\n"
                   "\n"
                   "  moult run --plugins ./plugins --data ./data\n"
                   "  moult run --config /etc/moult.conf --workers 4\n",
        .options = run_options,
        .run = local_run,
    },
    {
        .name = "status",
        .synopsis = "",
        .summary = "how the host is",
        .details = "  moult status\n"
                   "  moult status --json | jq .uptime_ms\n",
        .method = "status",
        .show = show_status,
        .run = talk_run,
    },
    {
        .name = "apps",
        .synopsis = "",
        .summary = "the applications that run",
        .details = "  START is what the end of one means for the host, NEEDS what must have\n"
                   "  started before it; what stands after a + is included in it.\n"
                   "\n"
                   "  moult apps\n",
        .method = "apps",
        .show = show_apps,
        .run = talk_run,
    },
    {
        .name = "env",
        .synopsis = "APP [KEY [VALUE]]",
        .summary = "what is configured of an application, or configure it",
        .details = "  FROM is who said it: the plugin's default, the file by line, a variable, an\n"
                   "  option.  VALUE is JSON, as of 'moult call'; it lasts as long as the host.\n"
                   "\n"
                   "  moult env web\n"
                   "  moult env web port\n"
                   "  moult env web port 8080\n",
        .least = 1,
        .most = 3,
        .method = "env",
        .params = words_env,
        .show = show_env,
        .run = talk_run,
    },
    {
        .name = "log",
        .synopsis = "[APP [LEVEL]]",
        .summary = "how much of what applications say is kept",
        .details = "  LEVEL is debug, info, warn or error: that and above; or none.  It lasts as long\n"
                   "  as the host.  kernel is the host itself.\n"
                   "\n"
                   "  moult log\n"
                   "  moult log web debug\n",
        .most = 2,
        .method = "log",
        .params = words_log,
        .show = show_levels,
        .run = talk_run,
    },
    {
        .name = "reload",
        .synopsis = "",
        .summary = "have the host go by its configuration file as it stands now",
        .details = "  All of it or nothing: each application whose env is another may refuse it,\n"
                   "  by its config_check, and is told by its config_change.  Code and state stay\n"
                   "  as they are.  plugins, data, socket and workers can't change while a host\n"
                   "  runs; then this is refused, too.  What was put with 'moult env' stays.  SIGHUP\n"
                   "  does the same.\n"
                   "\n"
                   "  moult reload\n"
                   "  moult reload --json | jq '.changed[].setting'\n",
        .method = "reload",
        .show = show_reloaded,
        .run = talk_run,
    },
    {
        .name = "events",
        .synopsis = "[NAME]... [--follow]",
        .summary = "what happened",
        .details =
            "  NAME is the name of an event or its beginning: upgrade stands for\n"
            "  upgrade.commit as well.  With --json each event is a line of JSON.\n"
            "\n"
            "  moult events --follow --level warn\n"
            "  moult events upgrade server.crash --last 10\n",
        .options = event_options,
        .most = -1,
        .method = "events.recent",
        .run = talk_events,
    },
    {
        .name = "crash",
        .synopsis = "[ID] [--data DIR]",
        .summary = "what failed: the reports, or one with its backtrace",
        .details =
            "  A fault that ended a server, or the host, is reported.  Where no host\n"
            "  listens, the reports are read from the data folder, which is the default\n"
            "  one unless --data names it.\n"
            "\n"
            "  moult crash\n"
            "  moult crash 1767323045-812-1\n"
            "  moult crash --data /var/lib/moult --json | jq '.[0].id'\n",
        .options = crash_options,
        .most = 1,
        .method = "crash.list",
        .run = crash_command,
    },
    {
        .name = "stop",
        .synopsis = "",
        .summary = "end the host in order, and wait until it has gone",
        .details = "  Each server is given its shutdown time.\n"
                   "\n"
                   "  moult stop\n",
        .method = "stop",
        .run = talk_stop,
    },
    {0},
};
/* clang-format on */
