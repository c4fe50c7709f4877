/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent - a state, and functions that others have run on it.  Elixir: Agent.
 *
 *     static int add(moult_ctx *ctx, void *state, moult_in *args, moult_out *result);
 *     static int best(moult_ctx *ctx, const void *state, moult_in *args, moult_out *result);
 *
 *     MOULT_AGENT(scores, scores_state, MOULT_AGENT_UPDATE(add), MOULT_AGENT_GET(best));
 *
 *     static const moult_child children[] = {
 *         {.id = "scores", .server = &scores, .name = "scores"}, {.id = NULL}};
 *     ...
 *     error = moult_agent_update(ctx, moult_whereis("scores"), "add", points, 0);
 *
 * An agent is a server: it is started as a child or with moult_start_child(), its state is
 * described by MOULT_STATE, and an upgrade moves it as any other.  Its functions are asked
 * for by name, since a pointer to one is of one version only: whoever asks, old code too,
 * has the function of that name run which belongs to the state.  In Elixir a function
 * travels in the message, and what it closes over with it.
 *
 * A function runs in the agent: others wait meanwhile, and a fault ends the agent.
 */
#ifndef MOULT_AGENT_H
#define MOULT_AGENT_H

#include "server.h"
#include "sys.h"

MOULT_BEGIN

/*
 * Functions of an agent: `args` is what was sent along, and what is put in `result` (else
 * null) is what they come to.  0; or a negative errno, which refuses, in the words of
 * moult_refuse() if they return its `reason`: the state is as they left it.  [server]
 */
typedef int moult_agent_get_function(moult_ctx *ctx, const void *state, moult_in *args,
                                     moult_out *result);
typedef int moult_agent_update_function(moult_ctx *ctx, void *state, moult_in *args,
                                        moult_out *result);

typedef struct {
    const char *name;
    moult_agent_get_function *get;       /* one that only reads, or */
    moult_agent_update_function *update; /* one that may change the state */
} moult_agent_function;

#define MOULT_AGENT_GET(function) \
    {                             \
#function, function, NULL \
    }
#define MOULT_AGENT_UPDATE(function) \
    {                                \
#function, NULL, function    \
    }

/*
 * Define the server `name`, whose state is what MOULT_STATE named `state_of`, with these
 * functions.
 */
#define MOULT_AGENT(name, state_of, ...)      \
    MOULT_AGENT_FUNCTIONS(name, __VA_ARGS__); \
    static const moult_server name = {        \
        .size = sizeof(moult_server), .state = state_of, MOULT_AGENT_CALLBACKS(name)}

/*
 * The two parts of that, for one with more: a format and code_change, init, terminate.
 *
 *     MOULT_AGENT_FUNCTIONS(scores, ...);
 *
 *     static const moult_server scores = {.size = sizeof(moult_server),
 *                                         .state = scores_state,
 *                                         .format = 1,
 *                                         .code_change = code_change,
 *                                         MOULT_AGENT_CALLBACKS(scores)};
 */
/* clang-format off */
#define MOULT_AGENT_FUNCTIONS(name, ...)                                                \
    static const moult_agent_function name##_functions[] = {__VA_ARGS__, {NULL, NULL, NULL}}; \
                                                                                        \
    static moult_next name##_agent_call(moult_ctx *ctx, void *state,                    \
                                        const moult_from *from, moult_in *request,      \
                                        moult_out *reply)                               \
    {                                                                                   \
        (void)from;                                                                     \
        return moult_agent_call(ctx, state, name##_functions, request, reply);          \
    }                                                                                   \
                                                                                        \
    static moult_next name##_agent_cast(moult_ctx *ctx, void *state, moult_in *message) \
    {                                                                                   \
        return moult_agent_cast_to(ctx, state, name##_functions, message);              \
    }                                                                                   \
    _Static_assert(1, "ends with a semicolon")
/* clang-format on */
#define MOULT_AGENT_CALLBACKS(name) \
    .handle_call = name##_agent_call, .handle_cast = name##_agent_cast

/* What those callbacks do.  The list ends with a NULL name.  [server] */
MOULT_EXPORT moult_next moult_agent_call(moult_ctx *ctx, void *state,
                                         const moult_agent_function *functions,
                                         moult_in *request, moult_out *reply);
MOULT_EXPORT moult_next moult_agent_cast_to(moult_ctx *ctx, void *state,
                                            const moult_agent_function *functions,
                                            moult_in *message);

/* -- asking an agent -- */

/*
 * Have `agent` run its function `name` with `args` (taken; NULL: null), and wait for what
 * it comes to, lent in `*result` (may be NULL) as a call's reply.  `timeout_ms` 0 is 5000.
 * 0; -ENOENT (it has no such function to get, or to update with); what the function
 * refused with; the errors of moult_call().
 *
 * They are calls of {"get": [name, args]}, {"update": ...} and {"get_and_update": ...}.
 * Elixir: Agent.get, Agent.update, Agent.get_and_update.  [server]
 */
MOULT_EXPORT int moult_agent_get(moult_ctx *ctx, moult_pid agent, const char *name,
                                 moult_out *args, uint64_t timeout_ms,
                                 moult_in *result);

/* The same with one that may change the state; what it comes to is dropped. */
MOULT_EXPORT int moult_agent_update(moult_ctx *ctx, moult_pid agent, const char *name,
                                    moult_out *args, uint64_t timeout_ms);

/* The same, and what it comes to is the result. */
MOULT_EXPORT int moult_agent_get_and_update(moult_ctx *ctx, moult_pid agent,
                                            const char *name, moult_out *args,
                                            uint64_t timeout_ms, moult_in *result);

/*
 * The same and go on: a cast of {"update": [name, args]}.  What is refused is logged.
 * Elixir: Agent.cast.  [server]
 */
MOULT_EXPORT int moult_agent_cast(moult_ctx *ctx, moult_pid agent, const char *name,
                                  moult_out *args);

/* End it for `reason`; see moult_server_stop().  Elixir: Agent.stop.  [server] */
static inline int moult_agent_stop(moult_ctx *ctx, moult_pid agent, int32_t reason,
                                   uint64_t timeout_ms)
{
    return moult_server_stop(ctx, agent, reason, timeout_ms);
}

MOULT_END

#endif
