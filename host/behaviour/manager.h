/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manager - servers that tell handlers of events.  OTP: gen_event.
 *
 *   manager          the process: what is done with each message, and when a handler fails
 *   manager_handlers they come, have their callbacks run, and go
 *   manager_state    all of them as one state: saved, loaded, carried to a version
 *   manager_check    what a plugin says of a manager
 *   managing         the functions of abi/moult/event.h
 *
 * A kind of handler is a `struct code` without a process: the same things carry its state
 * to another version that carry a server's.  The manager's state is the list of handlers.
 *
 *   SYSTEM_...        content                                  reply
 *   ----------------  ---------------------------------------  --------------------
 *   NOTIFY            event                                    null
 *   ADD_HANDLER       [name, args, supervised]                 null
 *   DELETE_HANDLER    [name, args]                             what terminate gave
 *   SWAP_HANDLER      [from, args, to, args, supervised]       null
 *   WHICH_HANDLERS                                             [name, ...]
 */
#ifndef MOULT_MANAGER_H
#define MOULT_MANAGER_H

#include "server.h"

#define HANDLER_NAME_MAX 255u   /* bytes of a handler's name */
#define HANDLERS_MOST    10000u /* of one manager; each is asked, one after the other */

struct handler {
    struct handler *next; /* an older one */
    const struct code *kind;
    void *state;     /* in its part of the heap; NULL: its kind has none */
    moult_pid owner; /* it is tied to, or nobody */
    uint16_t part;
    bool began;  /* its init has returned well, so terminate is called */
    bool listed; /* else it comes or goes */
    bool due;    /* it has not been given the message at hand */
    char name[];
};

/* The state of a manager. */
struct handlers {
    struct handler *first;   /* the newest */
    struct handler *at_work; /* whose callback runs */
    moult_pid heir;          /* whom the handler was tied to that is being swapped */
    uint16_t last_part;
    const struct envelope *resumes; /* the message that one failed over; NULL: none */
};

/* -- manager -- */

/* What the inits of those that are there at start come to. */
moult_next manager_begun(struct moult_ctx *ctx, struct server *s, moult_in *args);

/* Remove all, for the manager ends. */
void manager_end(struct process *p, struct handlers *all, int32_t reason);

/* -- manager_handlers: by the process -- */

struct handler *handler_find(const struct handlers *all, const char *name);

/* The callbacks of `h` may run from here on, until handler_rests(). */
void handler_works(struct process *p, struct handler *h);
void handler_rests(struct process *p);

/* Why a handler goes, and what its terminate is told. */
struct leaving {
    moult_removal why;   /* without args: null */
    const char *text;    /* why it failed; else NULL */
    const char *swapped; /* the name of what comes instead, or NULL */
};

/*
 * Take `h` off the list, tell who is to know, have it terminate, and free it.  What that
 * gave is lent until the drafts go; no bytes: nothing.
 */
const moult_out *handler_remove(struct process *p, struct handler *h,
                                const struct leaving *l);

/* The same for `h`, whose callback failed and will not come back: none of it is run. */
void handler_forget(struct process *p, struct handler *h, int32_t reason,
                    const char *text);

/* What is added, and with what. */
struct adding {
    const char *name;
    moult_in args;
    moult_in *swapped; /* or NULL */
    moult_pid owner;   /* or nobody */
};

/* 0; or a negative errno and `why`. */
int handler_add(struct process *p, const struct adding *a, struct fault *why);

/* Run init of `h`, which is there already.  0; or a negative errno and `why`. */
int handler_begin(struct process *p, struct handler *h, moult_in *args,
                  moult_in *swapped, struct fault *why);

/* -- manager_state: [pure] -- */

/* The name at `in`, copied to `name`, which has room; false: it is none. */
bool handler_name(moult_in *in, char *name);

/* A new one of `kind` with its initial values; NULL and `why`. */
struct handler *handler_create(struct moult_ctx *ctx, struct handlers *all,
                               const struct code *kind, const char *name,
                               struct fault *why);
void handler_free(struct moult_ctx *ctx, struct handler *h);

/* Those of `code` that are there at start.  0 and `*state`, or -ENOMEM and `why`. */
int manager_create(struct moult_ctx *ctx, const struct code *code, void **state,
                   struct fault *why);

/*
 * {"handlers": [{"handler": name, "owner": pid or null, "state": map}, ...]}; without what
 * is secret if it is `shown`.
 */
int manager_save(const struct handlers *all, bool shown, moult_out *out,
                 struct fault *why);

/* As carry_state(), from and to a manager. */
struct passage;
int manager_carry(const struct passage *by, moult_in in, moult_out *scratch,
                  struct moult_ctx *ctx, void **state, struct fault *why);

/* The memory of `all` is handed to `code`. */
void manager_adopt(struct handlers *all, const struct code *code);

/* -- manager_check -- */

/* Take `code->server.manager`, if there is one, into `code`.  0, or -EINVAL, -ENOMEM, `why`. */
int manager_take(struct code *code, code_step *step, struct fault *why);

/* Give back what manager_take() made. */
void manager_forget(struct code *code);

/* The kind of a handler called `name`, with what may be behind it; NULL.  [pure] */
const struct code *manager_kind(const struct code *code, const char *name);

#endif
