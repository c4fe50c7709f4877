/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "oom.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BURST 30u /* allocations: enough to spoil what tells of the first */

struct no_memory *oom_control;
static unsigned seed;
static char preload[600], control_path[400];
static const char *variables[5];
static char doing[128]; /* for the message, should it fail */

/* -- failing -- */

void oom_begin(void)
{
    const char *given = getenv("MOULT_OOM_SEED");

    seed = given ? (unsigned)strtoul(given, NULL, 10) : 1;
    printf("MOULT_OOM_SEED=%u\n", seed);
    srand(seed);
}

int oom_setup(void **state)
{
    int fd;

    if (host_setup(state) < 0)
        return -1;
    snprintf(control_path, sizeof(control_path), "NO_MEMORY=%s", in_folder("control"));
    snprintf(preload, sizeof(preload), "LD_PRELOAD=%s/integration/no_memory.so", BUILT);
    variables[0] = preload;
    variables[1] = control_path;
    variables[2] = getenv("MOULT_OOM_TRACE") ? "NO_MEMORY_TRACE=1" : NULL;
    fd = open(in_folder("control"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(*oom_control)) < 0)
        return -1;
    oom_control =
        mmap(NULL, sizeof(*oom_control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return oom_control == MAP_FAILED ? -1 : 0;
}

int oom_teardown(void **state)
{
    if (doing[0])
        fprintf(stderr, "while %s; MOULT_OOM_SEED=%u\n", doing, seed);
    doing[0] = 0;
    munmap(oom_control, sizeof(*oom_control));
    return host_teardown(state);
}

void oom_arm(uint64_t at, uint64_t burst)
{
    atomic_store(&oom_control->at, 0);
    atomic_store(&oom_control->count, 0);
    atomic_store(&oom_control->burst, burst);
    atomic_store(&oom_control->at, at);
}

void oom_disarm(void)
{
    atomic_store(&oom_control->at, 0);
}

struct oom_armed oom_hold(void)
{
    struct oom_armed armed = {atomic_load(&oom_control->at),
                              atomic_load(&oom_control->burst)};

    oom_disarm();
    return armed;
}

void oom_go_on(struct oom_armed armed)
{
    oom_arm(armed.at, armed.burst);
}

void oom_sweep(struct host *h, const char *name, unsigned stride, oom_attempt *run)
{
    static const unsigned bursts[] = {1, BURST};
    unsigned at = 1, tried = 0;
    bool reached = true;

    if (getenv("MOULT_OOM"))
        stride = 1;
    for (at += (unsigned)rand() % stride; reached; at += stride) {
        reached = false;
        for (unsigned i = 0; i < 2; i++) {
            snprintf(doing, sizeof(doing), "%s, allocation %u to %u failing", name, at,
                     at + bursts[i] - 1);
            atomic_store(&oom_control->failed, 0);
            oom_arm(at, bursts[i]);
            run(h);
            oom_disarm();
            reached |= atomic_load(&oom_control->failed) > 0;
            tried++;
        }
    }
    print_message("%s: %u of %u\n", name, tried, 2 * at);
    doing[0] = 0;
}

/* -- a host -- */

bool oom_try_start(struct host *h)
{
    static const char *const options[] = {"--workers", "2", NULL};

    return host_try_start(h, variables, options);
}

void oom_start(struct host *h, const char *const *options)
{
    const char *all[12] = {"--workers", "2"};

    for (size_t i = 0; options && options[i]; i++)
        all[i + 2] = options[i];
    oom_disarm();
    if (!host_try_start(h, variables, all))
        fail_msg("the host did not start");
}

void oom_stop(struct host *h)
{
    oom_disarm();
    host_stop(h);
    assert_false(host_log_has("plugin.trespass")); /* nobody has done any */
}

/* -- asking a host that may have no memory to answer -- */

json_t *oom_ask(struct host *h, const char *method, json_t *params)
{
    struct talk *talk = talk_open(h->socket);
    json_int_t id = talk_ask(talk, method, params);
    json_t *line, *answer = NULL;

    while (!answer && (line = talk_hear(talk))) {
        if (json_integer_value(json_object_get(line, "id")) == id)
            answer = json_incref(line);
        else if (json_is_null(json_object_get(line, "id")) &&
                 json_object_get(line, "error"))
            break; /* it could not even read whose it was */
    }
    talk_close(talk);
    return answer;
}

void oom_try(struct host *h, const char *method, json_t *params)
{
    json_decref(oom_ask(h, method, params));
}

json_t *oom_works(struct host *h, const char *method, json_t *params)
{
    json_t *answer, *result;

    oom_disarm();
    answer = oom_ask(h, method, params);
    result = json_incref(json_object_get(answer, "result"));
    if (!result)
        fail_msg("%s is refused with memory: %s", method, json_dumps(answer, 0));
    json_decref(answer);
    return result;
}

json_int_t oom_counts(struct host *h, const char *server)
{
    json_t *result = oom_works(h, "call", talk_message(server, "\"get\""));
    json_int_t value = json_integer_value(result);

    assert_true(json_is_integer(result));
    json_decref(result);
    return value;
}

void oom_settle(struct host *h)
{
    oom_try(h, "upgrade", json_pack("{s:[s], s:b}", "targets", "nothing", "plan", 1));
}

void oom_wait_for(struct host *h, const char *name, const char *message)
{
    time_t end = time(NULL) + PATIENCE_MS / 1000;
    bool answers;

    oom_disarm();
    do {
        json_t *answer = oom_ask(h, "call", talk_message(name, message));

        answers = json_object_get(answer, "result") != NULL;
        json_decref(answer);
        if (time(NULL) > end)
            fail_msg("%s does not answer", name);
    } while (!answers);
}

bool oom_runs(struct host *h, const char *app, const char *vsn)
{
    json_t *list = oom_works(h, "apps", NULL), *entry;
    bool found = false;
    size_t i;

    json_array_foreach(list, i, entry)
    {
        found |= strcmp(text_at(entry, "name"), app) == 0 &&
                 strcmp(text_at(entry, "vsn"), vsn) == 0;
    }
    json_decref(list);
    return found;
}
