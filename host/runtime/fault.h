/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault - why something that a person asked for was refused.
 *
 * A fixed record that keeps the *first* reason, the one nearest the cause; what calls it
 * on the way up may add where it happened, never replace what is there.
 */
#ifndef MOULT_FAULT_H
#define MOULT_FAULT_H

/* All zero is "nothing yet".  The texts are cut to fit. */
struct fault {
    int error;        /* negative errno */
    char step[24];    /* of an upgrade: "vet", "plan", "drain" ... */
    char app[64];     /* application */
    char server[128]; /* its server's name or id */
    char field[128];  /* of the server's state, or a function */
    char text[512];   /* what was wrong, and what would be right */
};

/* Make it "nothing yet", in less time than clearing all of it. */
static inline void fault_init(struct fault *why)
{
    why->error = 0;
    why->step[0] = why->app[0] = why->server[0] = why->field[0] = why->text[0] = 0;
}

/*
 * Record `error` and a text in `why` unless it has one already (or is NULL); returns
 * `error`, so that a failing line is a single line.  [any]
 */
int fault(struct fault *why, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Say where, as far as not said yet; NULL leaves a part alone.  [any] */
void fault_where(struct fault *why, const char *step, const char *app,
                 const char *server, const char *field);

#endif
