/* SPDX-License-Identifier: Apache-2.0 */
#include "command_tables.h"

#include "show.h"
#include "talk.h"
#include "words.h"

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
const struct option command_upgrade_options[] = {
    {"plan", NULL, "say what would be done, and do nothing"},
    {"max-pause", "MS", "if servers were held up longer, none moves"},
    {"max-move", "MS", "if the move of one took longer, none moves"},
    {"confirm-within", "S", "go back, unless 'moult confirm' comes in that time"},
    {"brutal", NULL, "then kill what still runs a version that was left"},
    {0},
};

/* clang-format off */
const struct command commands_change[] = {
    {
        .name = "upgrade",
        .synopsis = "APP[@VSN]... [OPTION]...",
        .summary = "move applications to other versions, with their state",
        .details = "  Without VSN to the highest one that is there.  Several go together, in one\n"
                   "  pause.  All servers move, or none does and everything goes on as before;\n"
                   "  then the reason is told.  One that does not run yet is started.  An\n"
                   "  application that a new version needs is started first, if it is here; one\n"
                   "  that it needs no more runs on.  A host begins with the new version from now\n"
                   "  on, unless permanent = \"manual\" or another release is still permanent.  On\n"
                   "  a terminal each step is shown, and after half a second for whom it waits, and\n"
                   "  what they do.\n"
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
        .options = command_upgrade_options,
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
    {0},
};
/* clang-format on */
