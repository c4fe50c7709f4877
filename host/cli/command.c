/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <string.h>

#include "crash_command.h"
#include "help.h"
#include "local.h"
#include "pack.h"
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
static const struct option upgrade_options[] = {
    {"plan", NULL, "say what would be done, and do nothing"},
    {"max-pause", "MS", "if servers were held up longer, none moves"},
    {"max-move", "MS", "if the move of one took longer, none moves"},
    {"confirm-within", "S", "go back, unless 'moult confirm' comes in that time"},
    {"brutal", NULL, "then kill what still runs a version that was left"},
    {0},
};
static const struct option canary_options[] = {
    {"plan", NULL, "say what would be done, and do nothing"},
    {"max-pause", "MS", "if servers were held up longer, none moves"},
    {"max-move", "MS", "if the move of one took longer, none moves"},
    {"confirm-within", "S", "go back, unless 'moult confirm' comes in that time"},
    {"canary", "N%|NAME,...",
     "only so many of its servers, or these; see 'moult canary'"},
    {"brutal", NULL, "then kill what still runs a version that was left"},
    {0},
};
static const struct option promote_options[] = {
    {"max-pause", "MS", "if servers were held up longer, none moves"},
    {"max-move", "MS", "if the move of one took longer, none moves"},
    {"confirm-within", "S", "go back, unless 'moult confirm' comes in that time"},
    {0},
};
static const struct option purge_options[] = {
    {"brutal", NULL, "kill the processes that run it still"},
    {0},
};
static const struct option pack_options[] = {
    {"plugins", "DIR", "where the plugins are; beside the release file"},
    {"to", "FILE", "what to write; NAME-VSN.pack"},
    {0},
};
static const struct option check_options[] = {
    {"states", "FILE", "a snapshot of OLD: carry these states, too"},
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
static const struct command commands[] = {
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
    {
        .name = "upgrade",
        .synopsis = "APP[@VSN]... [OPTION]...",
        .summary = "move applications to other versions, with their state",
        .details = "  Without VSN to the highest one that is there.  Several go together, in one\n"
                   "  pause.  All servers move, or none does and everything goes on as before;\n"
                   "  then the reason is told.  A host begins with it from now on, unless\n"
                   "  permanent = \"manual\" or another release is still permanent.  On a terminal\n"
                   "  each step is shown, and after half a second for whom it waits, and what they\n"
                   "  do.\n"
                   "\n"
                   "  moult upgrade counter\n"
                   "  moult upgrade counter@2.0.0 --plan\n"
                   "  moult upgrade counter@2.0.0 greeter@1.4.0 clock --max-pause 50\n",
        .options = canary_options,
        .least = 1,
        .most = -1,
        .method = "upgrade",
        .params = words_targets,
        .show = show_upgrade,
        .run = talk_run,
    },
    {
        .name = "downgrade",
        .synopsis = "APP@VSN... [OPTION]...",
        .summary = "move applications back to lower versions",
        .details = "  An upgrade in the other direction.\n"
                   "\n"
                   "  moult downgrade counter@1.1.0\n",
        .options = upgrade_options,
        .least = 1,
        .most = -1,
        .method = "downgrade",
        .params = words_targets,
        .show = show_upgrade,
        .run = talk_run,
    },
    {
        .name = "rehearse",
        .synopsis = "APP[@VSN]...",
        .summary = "try an upgrade or downgrade on copies of live states, and no more",
        .details = "  In another process: nothing that runs is held up or touched.  Every upgrade\n"
                   "  begins with it; rehearse in the configuration says with how many states.\n"
                   "\n"
                   "  moult rehearse counter@2.0.0\n",
        .least = 1,
        .most = -1,
        .method = "rehearse",
        .params = words_targets,
        .show = show_rehearsed,
        .run = talk_run,
    },
    {
        .name = "snapshot",
        .synopsis = "APP FILE",
        .summary = "write live states of an application to a file",
        .details = "  Each is taken between two messages of its server, with 100 at most of those\n"
                   "  that wait for it, and nothing is held up.\n"
                   "  'moult check NEW OLD --states FILE' tries another version on them, without a\n"
                   "  host.  The file has what the servers know: it is readable by you alone.\n"
                   "\n"
                   "  moult snapshot counter counter.states\n",
        .least = 2,
        .most = 2,
        .method = "snapshot",
        .params = words_snapshot,
        .show = show_snapshot,
        .run = talk_run,
    },
    {
        .name = "unpack",
        .synopsis = "FILE...",
        .summary = "give the host plugins and releases, and not go to them",
        .details = "  A plugin (.so), a release file (.rel), whose plugins have to be there, or a\n"
                   "  package of both (.pack).  Vetted and kept as if they were dropped into the\n"
                   "  plugins folder with on_drop = \"stage\".\n"
                   "\n"
                   "  moult unpack counter-1.1.0.so\n"
                   "  moult unpack counter-2.0.0.so cart-1.0.0.so shop.rel\n"
                   "  moult unpack shop-1.2.0.pack\n",
        .least = 1,
        .most = -1,
        .method = "unpack",
        .params = words_files,
        .show = show_unpacked,
        .run = talk_run,
    },
    {
        .name = "releases",
        .synopsis = "",
        .summary = "the releases and versions that are known, and what became of them",
        .details = "  A release is a set of applications, each at one version.  It is unpacked;\n"
                   "  current, while it runs; permanent, if a host begins with it; old, if it was\n"
                   "  one of these.  The host makes one of its own when an application changes\n"
                   "  alone, and keeps the last 32 of them.  A refused version is tried again when\n"
                   "  its content changes.\n"
                   "\n"
                   "  moult releases\n"
                   "  moult releases --json | jq '.releases[] | select(.status == \"permanent\")'\n",
        .method = "releases",
        .show = show_releases,
        .run = talk_run,
    },
    {
        .name = "install",
        .synopsis = "REL [OPTION]...",
        .summary = "have a release run: its applications at its versions, no others",
        .details = "  REL is NAME@VSN, or its vsn or name if only one has it.  All applications\n"
                   "  move, start and stop, or none does.  It is current, and a host that ends\n"
                   "  begins with the permanent one again, until 'moult permanent'.  Installing\n"
                   "  the permanent one is the way back.\n"
                   "\n"
                   "  moult install shop@1.2.0 --plan\n"
                   "  moult install shop@1.2.0 && moult permanent\n",
        .options = upgrade_options,
        .least = 1,
        .most = 1,
        .method = "install",
        .params = words_release,
        .show = show_installed,
        .run = talk_run,
    },
    {
        .name = "confirm",
        .synopsis = "",
        .summary = "have what was changed with --confirm-within stay",
        .details = "  Until then, what was upgraded or installed with --confirm-within goes back by\n"
                   "  itself, the way down and with all state: when its time is over, or as soon as\n"
                   "  one of its applications had more restarts since than, by its rate, in as long\n"
                   "  before, or has ended.  Meanwhile it is not permanent, other changes are\n"
                   "  refused, and what is dropped is only taken in.  'moult releases' tells how\n"
                   "  long it still waits.  If the way back is refused it stays: see event\n"
                   "  upgrade.back_refused.\n"
                   "\n"
                   "  moult upgrade counter@2.0.0 --confirm-within 60 && test-it && moult confirm\n",
        .method = "confirm",
        .show = show_confirmed,
        .run = talk_run,
    },
    {
        .name = "withdraw",
        .synopsis = "",
        .summary = "have it, or a canary, go back now",
        .details = "  As if its time were over; a canary's servers come back with their state.\n"
                   "\n"
                   "  moult withdraw\n",
        .method = "withdraw",
        .show = show_withdrawn,
        .run = talk_run,
    },
    {
        .name = "canary",
        .synopsis = "",
        .summary = "how the servers do that went ahead, beside the others",
        .details = "  'moult upgrade APP --canary 5%' moves so many of its servers, one at least, and\n"
                   "  --canary NAME,NAME these; the two versions run side by side.  Of each version\n"
                   "  this tells how many servers there are, crashed and were started again, and of a\n"
                   "  hundred of them how many calls were answered by an error and how long calls\n"
                   "  took.  Then 'moult promote' has the rest follow,\n"
                   "  or 'moult withdraw' has the part come back; meanwhile other changes are refused,\n"
                   "  and what is dropped is only taken in.  A server that is started again keeps its\n"
                   "  version, new ones have the old one, as have all after the host ended.\n"
                   "\n"
                   "  moult upgrade web@2.0.0 --canary 5%\n"
                   "  moult canary --json | jq '.versions[] | {vsn, crashes, failed, p99_us}'\n",
        .method = "canary",
        .show = show_canary,
        .run = talk_run,
    },
    {
        .name = "promote",
        .synopsis = "[OPTION]...",
        .summary = "have the rest follow the canary",
        .details = "  As 'moult upgrade', with all that it tries before.\n"
                   "\n"
                   "  moult promote --confirm-within 60\n",
        .options = promote_options,
        .method = "promote",
        .params = words_terms,
        .show = show_upgrade,
        .run = talk_run,
    },
    {
        .name = "permanent",
        .synopsis = "[REL]",
        .summary = "have a host begin with the release that runs",
        .details = "  REL only says which it should be.  The one that was permanent is old then.\n"
                   "\n"
                   "  moult permanent\n",
        .most = 1,
        .method = "permanent",
        .params = words_release,
        .show = show_release,
        .run = talk_run,
    },
    {
        .name = "purge",
        .synopsis = "APP@VSN [--brutal]",
        .summary = "unload a version that does not run any more",
        .details = "  Processes that were spawned go on in the version that they began in, and keep\n"
                   "  it loaded; it goes by itself with the last of them.  While there are such,\n"
                   "  this names them and does nothing, unless it is to kill them.\n"
                   "\n"
                   "  moult purge counter@1.0.0\n"
                   "  moult purge counter@1.0.0 --brutal\n",
        .options = purge_options,
        .least = 1,
        .most = 1,
        .method = "purge",
        .params = words_purge,
        .show = show_purged,
        .run = talk_run,
    },
    {
        .name = "reload",
        .synopsis = "",
        .summary = "have the host go by its configuration file as it stands now",
        .details = "  All of it or nothing: each application whose env is another may refuse it,\n"
                   "  by its config_check, and is told by its config_change.  Code and state stay\n"
                   "  as they are.  plugins, data, socket and workers can't change while a host\n"
                   "  runs; then this is refused, too.  What was put with 'moult env' ends, unless\n"
                   "  it was to stay.  SIGHUP does the same.\n"
                   "\n"
                   "  moult reload\n"
                   "  moult reload --json | jq '.changed[].setting'\n",
        .method = "reload",
        .show = show_reloaded,
        .run = talk_run,
    },
    {
        .name = "remove",
        .synopsis = "REL",
        .summary = "forget a release, and delete the versions that no other has",
        .details = "  Not one that runs or is permanent.  A file in the plugins folder stays, and\n"
                   "  is taken in again when a host begins.\n"
                   "\n"
                   "  moult remove shop@1.1.0\n",
        .least = 1,
        .most = 1,
        .method = "remove",
        .params = words_release,
        .show = show_removed,
        .run = talk_run,
    },
    {
        .name = "reboot-old",
        .synopsis = "REL",
        .summary = "begin anew with an old release",
        .details = "  It is made permanent; then all servers end in order, and the host, which\n"
                   "  stays the same process, begins again.  State is lost: 'moult install' goes\n"
                   "  back without that.\n"
                   "\n"
                   "  moult reboot-old shop@1.1.0\n",
        .least = 1,
        .most = 1,
        .method = "reboot-old",
        .params = words_release,
        .show = show_release,
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
    {
        .name = "check",
        .synopsis = "FILE [OLD] [--states FILE]",
        .summary = "vet a plugin as a host would, without one",
        .details =
            "  Reads FILE, loads it in another process, and saves, loads and carries\n"
            "  initial states; with OLD, another version of it, from that one and back.\n"
            "  So are live states of OLD, and messages that waited, that 'moult snapshot'\n"
            "  wrote.\n"
            "\n"
            "  moult check counter-2.0.0.so counter-1.1.0.so\n"
            "  moult check counter-2.0.0.so counter-1.1.0.so --states counter.states\n",
        .options = check_options,
        .least = 1,
        .most = 2,
        .run = local_check,
    },
    {
        .name = "pack",
        .synopsis = "REL_FILE [--plugins DIR] [--to FILE]",
        .summary = "make one file of a release and its plugins",
        .details = "  REL_FILE says which application the release has at which version; 'moult\n"
                   "  help release' has how.  The package is a tar archive, to be unpacked or\n"
                   "  dropped into a plugins folder.\n"
                   "\n"
                   "  moult pack shop.rel --plugins build\n",
        .options = pack_options,
        .least = 1,
        .most = 1,
        .run = pack_run,
    },
    {
        .name = "help",
        .synopsis = "[TOPIC]",
        .summary = "explain a command or a topic",
        .details = "  moult help upgrade\n"
                   "  moult help protocol\n",
        .most = 1,
        .run = help_run,
    },
    {
        .name = "vet",
        .synopsis = "",
        .summary = "be the helper of a host that vets plugins",
        .details = "",
        .hidden = true,
        .run = local_vet,
    },
};
/* clang-format on */

const struct command *command_at(size_t index)
{
    return index < sizeof(commands) / sizeof(commands[0]) ? &commands[index] : NULL;
}

const struct command *command_find(const char *name)
{
    const struct command *command;

    for (size_t i = 0; (command = command_at(i)); i++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}
