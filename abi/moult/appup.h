/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appup - how to come to a version from others, and back, where it is not to be worked
 * out by the host.  OTP: the application upgrade file.
 *
 * Without one the host compares the two versions, and that is right nearly always.  With
 * one, nothing is worked out: what is not said is not done, and an upgrade that leaves out
 * something that changed is refused, by `moult check` already.
 *
 *     static const moult_appup appup = MOULT_APPUP(
 *         .up = (const moult_way[]){
 *             {.vsn = "1.0.0", .instructions = (const moult_instruction[]){
 *                 {MOULT_UPDATE, "counter", .change = MOULT_ADVANCED, .args = "{\"by\": 2}"},
 *                 {MOULT_ADD_MODULE, "cache"}, {0}}},
 *             {.pattern = "1\\.1\\.[0-9]+", .instructions = NULL}, {0}},
 *         .down = ...);
 *
 *     MOULT_PLUGIN(.children = children, .appup = &appup);
 *
 * The newer version has it for both directions.  A module is what servers run, and is
 * named as in reports: by the id of their child, behind the ids of the supervisors that it
 * is below ("pool/worker").  So a supervisor is one, too; the application's own, at the
 * top, has no name: NULL.
 *
 * What the kinds of a module's change are, and the least that covers each:
 *
 *   what changed                                 covered by
 *   -------------------------------------------  ------------------------------------
 *   a server's format, or a handler's            MOULT_UPDATE, MOULT_ADVANCED
 *   the layout of its state, or of a handler's   MOULT_UPDATE
 *   strategy, intensity, args of a supervisor    MOULT_UPDATE, MOULT_SUPERVISOR
 *   a child's spec: restart, shutdown, args ...  any of them; MOULT_LOAD_MODULE
 *   a child that is new, or is no more           MOULT_ADD_MODULE, MOULT_DELETE_MODULE;
 *                                                of its supervisor, also what is below
 *   none of these                                nothing: it runs the new code anyhow
 *
 * All this may also stand beside the plugin, in FILE.appup or NAME.appup of the
 * configuration file's syntax, which then takes the place of the plugin's own:
 *
 *     up = ({ vsn = "1.0.0"; instructions = (
 *               { update = "counter"; change = "advanced"; extra = { by = 2; }; },
 *               { add_module = "cache"; }); },
 *           { pattern = "1\\.1\\.[0-9]+"; });
 *     down = ();
 */
#ifndef MOULT_APPUP_H
#define MOULT_APPUP_H

#include "server.h"

MOULT_BEGIN

/* What an instruction does.  OTP: the instruction of the same name. */
enum {
    MOULT_UPDATE = 1, /* the servers of a module go on with the new code; see change */
    MOULT_LOAD_MODULE = 2,   /* the same, where their state stays as it is */
    MOULT_ADD_MODULE = 3,    /* the child is new: it is started */
    MOULT_DELETE_MODULE = 4, /* it is no more: it is ended */
    /*
     * The low-level forms of these.  Others follow below, and the rest is what the host
     * does for every upgrade: all servers are at rest together, and no code is unloaded
     * while it is used.
     */
    MOULT_CODE_CHANGE = 5, /* MOULT_UPDATE, MOULT_ADVANCED */
    MOULT_LOAD = 6,        /* MOULT_LOAD_MODULE */
    MOULT_REMOVE = 7,      /* MOULT_DELETE_MODULE */
    /*
     * Another application starts before, with all that it needs, or stops after; as what
     * the host says that it is.
     */
    MOULT_ADD_APPLICATION = 8,
    MOULT_REMOVE_APPLICATION = 9,
    /*
     * This application is stopped, and started anew as the version it goes to, just before
     * the others pause: what it holds is lost, also if they are refused after that and it
     * is started again as it was.  It covers all that changed.
     */
    MOULT_RESTART_APPLICATION = 10,
    /*
     * Call one of the appup's functions with `args`.  Before the first instruction that is
     * about a module or restarts, it is called before the pause, and may refuse all of it;
     * what it did is not undone then.  Behind that it is called when all runs on, and what
     * it refuses is told as event `upgrade.apply_failed`.
     */
    MOULT_APPLY = 11,
    /*
     * The host ends in order and begins anew as the same process, with the release that
     * this makes, once: one that ends before `moult permanent` begins with the permanent
     * one again, and so does one that does not come up.  All that servers hold is lost, of
     * all applications.  It covers all that changed; every function is called before, and
     * may refuse.  It takes no name.  OTP: restart_emulator, restart_new_emulator.
     */
    MOULT_RESTART = 12,
    /*
     * What comes before is called before the pause, and may refuse, and the rest after it;
     * without it, that is before the first instruction about a module.  Only MOULT_APPLY
     * may come before.  All is undone until the commit, wherever this stands.  No name.
     */
    MOULT_POINT_OF_NO_RETURN = 13,
    /*
     * The servers of a module are stopped just before the others pause, and started anew
     * when all run the new code; each stop needs its start behind it.  What they hold is
     * lost, also if the upgrade is refused after that and they are started again as they
     * were.  Of a supervisor, with all below it.  They cover all that changed.
     */
    MOULT_STOP = 14,
    MOULT_START = 15
};

/* How a module's servers are updated. */
enum {
    MOULT_SOFT = 0,     /* their state is carried by the schema, at most */
    MOULT_ADVANCED = 1, /* by code_change, since their format is another */
    MOULT_SUPERVISOR =
        2 /* it is a supervisor, and supervises as the new version says */
};

/* What becomes of processes that run code which is not that of servers any more. */
enum {
    MOULT_NO_PURGE = 0,    /* nothing: the code stays loaded until they end */
    MOULT_SOFT_PURGE = 1,  /* before: the upgrade is refused if there are any */
    MOULT_BRUTAL_PURGE = 2 /* they are killed, once all servers have moved */
};

/* One instruction.  All zero ends a list. */
typedef struct {
    int32_t kind;     /* MOULT_UPDATE and so on */
    const char *name; /* of the module, application or function */
    int32_t change;   /* of MOULT_UPDATE: MOULT_SOFT and so on */
    const char *args; /* code_change's extra, as JSON; NULL: it gets none.  Or a
                       * function's args; NULL: null */
    /*
     * Modules that have an instruction and that this one relies on.  All are at rest
     * together, so it decides no more than the order that they are told in; a name that
     * has no instruction is refused.  Ends with NULL; or NULL.  OTP: DepMods.
     */
    const char *const *deps;
    /*
     * Of a module's: how long its servers have to come to the end of their callbacks; 0:
     * 5000.  --max-pause goes before it.  OTP: Timeout.
     */
    uint32_t timeout_ms;
    /*
     * Of a module's: about processes that still run versions older than the one that is
     * left, and those that will run that one.  A version is unloaded as a whole, so it is
     * said of all modules if it is of one.  OTP: PrePurge and PostPurge, which are brutal
     * unless they are set.
     */
    int32_t pre_purge, post_purge; /* MOULT_NO_PURGE and so on */
} moult_instruction;

/* From one version, or to one.  All zero ends a list. */
typedef struct {
    const char *vsn; /* the version on the other side, exactly; or */
    /*
     * a POSIX extended regular expression that the whole of it matches: "1\\.1" is not for
     * 1.1.2.  The first way that fits is taken.
     */
    const char *pattern;
    const moult_instruction *instructions; /* NULL: none, as nothing changed */
} moult_way;

/* What MOULT_APPLY calls. */
typedef struct {
    const char *name;
    /*
     * By a process of its own, which is the application's: moult_noreply() to go on,
     * moult_stop_because() to refuse.  It has 5000 ms.  [server]
     */
    moult_next (*call)(moult_ctx *ctx, moult_in *args);
} moult_applied;

/* Begin it with MOULT_APPUP. */
typedef struct {
    uint32_t size;                  /* sizeof(moult_appup); only grows */
    uint32_t way_size;              /* sizeof(moult_way) */
    uint32_t instruction_size;      /* sizeof(moult_instruction) */
    const moult_way *up, *down;     /* from others to this version, and back; or NULL */
    uint32_t function_size;         /* sizeof(moult_applied) */
    const moult_applied *functions; /* also of a file's appup; ends with a NULL name */
} moult_appup;

/* clang-format off */
#define MOULT_APPUP(...)                                                            \
    {.size = sizeof(moult_appup), .way_size = sizeof(moult_way),                    \
     .instruction_size = sizeof(moult_instruction),                                 \
     .function_size = sizeof(moult_applied), __VA_ARGS__}
/* clang-format on */

MOULT_END

#endif
