/* SPDX-License-Identifier: Apache-2.0 */
#include "dying.h"

#include "test.h"

#include <signal.h>
#include <stdlib.h>

#include "program.h"

bool dying_does(struct talk *talk, const char *method, json_t *params)
{
    json_int_t id = talk_ask(talk, method, params);
    json_t *line;

    while ((line = talk_hear(talk)))
        if (json_integer_value(json_object_get(line, "id")) == id)
            return json_object_get(line, "result") != NULL;
    return false;
}

bool dying_at(struct host *h, int n, const char *const *options,
              bool (*ask)(struct host *h, struct talk *talk))
{
    char preload[600], die_at[32], asan[400];
    const char *variables[] = {preload, die_at, asan, NULL};
    const char *given = getenv("ASAN_OPTIONS");
    struct talk *talk;
    bool survived;

    snprintf(preload, sizeof(preload), "LD_PRELOAD=%s/integration/die_at.so", BUILT);
    snprintf(asan, sizeof(asan), "ASAN_OPTIONS=%s:verify_asan_link_order=0",
             given ? given : "");
    snprintf(die_at, sizeof(die_at), "DIE_AT=%d", n);
    survived = host_try_start(h, variables, options);
    if (survived && ask) {
        talk = talk_open(h->socket);
        survived = ask(h, talk);
        talk_close(talk);
    }
    if (survived)
        host_kill(h);
    else
        assert_int_equal(host_wait(h), SIGKILL);
    program_orphans();
    return !survived;
}
