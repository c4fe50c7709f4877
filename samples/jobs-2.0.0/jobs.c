/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobs 2.0.0 - as 1.0.0, but what failed waits before it is tried again, and what is
 * urgent goes first.
 *
 *     moult call jobs '{"push": "hello"}'    queue a job: its number
 *     moult call jobs '{"run": "hello"}'     the same, and wait for what it comes to
 *     moult call jobs '{"urge": "hello"}'    the same, before all that is not urgent
 *     moult call jobs '"status"'             how many wait, run, are done, have failed
 *
 * `diff -u samples/jobs-1.0.0 samples/jobs-2.0.0` is what that costs.  Jobs that wait and
 * clients that wait for one are carried over: `urgent` and `rests` are new and zero, and
 * `attempts` is what `tries` was.
 */
#include <ctype.h>
#include <string.h>

#include <moult.h>

#define TEXT_MAX 64 /* bytes, with the zero */
#define ATTEMPTS 3
#define REST_MS  50 /* after the first failure; after each further one twice as long */

/* -- the queue: who waits for what, and who does it -- */

struct job {
    int64_t id;
    char text[TEXT_MAX];
    int32_t attempts; /* begun so far */
    bool urgent;
    bool rests;       /* it has failed, and waits for its time */
    moult_pid worker; /* that does it now; nobody: it waits */
    bool is_awaited;  /* by */
    moult_from client;
};

MOULT_STATE(job_state, struct job, MOULT_FIELD(id), MOULT_FIELD(text),
            MOULT_FIELD(attempts, .was = "tries"), MOULT_FIELD(urgent),
            MOULT_FIELD(rests), MOULT_FIELD(worker), MOULT_FIELD(is_awaited),
            MOULT_FIELD(client));

struct queue {
    MOULT_LIST_OF(struct job) jobs; /* not done yet, in the order they came */
    MOULT_LIST_OF(moult_pid) idle;  /* workers */
    int64_t last_id, done, failed;
};

MOULT_STATE(queue_state, struct queue, MOULT_STRUCT_LIST_FIELD(jobs, job_state),
            MOULT_LIST_FIELD(idle), MOULT_FIELD(last_id), MOULT_FIELD(done),
            MOULT_FIELD(failed));

static struct job *job_next(struct queue *q)
{
    struct job *next = NULL;

    for (uint32_t i = 0; i < q->jobs.count; i++) {
        struct job *job = &q->jobs.items[i];

        if (moult_pid_is_none(job->worker) && !job->rests &&
            (!next || (job->urgent && !next->urgent)))
            next = job;
    }
    return next;
}

static struct job *job_of(struct queue *q, moult_pid worker)
{
    for (uint32_t i = 0; i < q->jobs.count; i++)
        if (moult_pid_equal(q->jobs.items[i].worker, worker))
            return &q->jobs.items[i];
    return NULL;
}

static void job_forget(struct queue *q, struct job *job)
{
    uint32_t at = (uint32_t)(job - q->jobs.items);

    q->jobs.count--;
    memmove(job, job + 1, (q->jobs.count - at) * sizeof(*job));
}

/* Give jobs that wait to workers that are idle. */
static void hand_out(moult_ctx *ctx, struct queue *q)
{
    struct job *job;

    while (q->idle.count > 0 && (job = job_next(q))) {
        moult_out *m = moult_draft(ctx);

        job->worker = q->idle.items[--q->idle.count];
        job->attempts++;
        moult_put_map(m, 2);
        moult_put_text_at(m, "work", job->text);
        moult_put_int_at(m, "try", job->attempts);
        moult_cast(ctx, job->worker, m);
    }
}

static int add_job(moult_ctx *ctx, struct queue *q, moult_in *text,
                   const moult_from *from, bool urgent)
{
    size_t len;
    const char *words = moult_get_text(text, &len);
    struct job *job;

    if (text->error || len >= TEXT_MAX)
        return -EINVAL;
    job = moult_list_add(ctx, &q->jobs, sizeof(*job));
    if (!job)
        return -ENOMEM;
    job->id = ++q->last_id;
    memcpy(job->text, words, len);
    job->urgent = urgent;
    job->is_awaited = from != NULL;
    if (from)
        job->client = *from;
    hand_out(ctx, q);
    return 0;
}

static void put_status(const struct queue *q, moult_out *reply)
{
    int64_t running = 0;

    for (uint32_t i = 0; i < q->jobs.count; i++)
        running += !moult_pid_is_none(q->jobs.items[i].worker);
    moult_put_map(reply, 4);
    moult_put_int_at(reply, "waiting", q->jobs.count - running);
    moult_put_int_at(reply, "running", running);
    moult_put_int_at(reply, "done", q->done);
    moult_put_int_at(reply, "failed", q->failed);
}

static moult_next queue_call(moult_ctx *ctx, void *state, const moult_from *from,
                             moult_in *request, moult_out *reply)
{
    struct queue *q = state;
    bool urgent = false;
    moult_in text;
    int error;

    if (moult_match(request, "status")) {
        put_status(q, reply);
        return moult_reply();
    }
    if (moult_match_map(request, "run", &text) ||
        (urgent = moult_match_map(request, "urge", &text))) {
        error = add_job(ctx, q, &text, from, urgent);
        return error ? moult_refuse(ctx, error, "a job is a text of less than 64 bytes")
                     : moult_noreply();
    }
    if (moult_match_map(request, "push", &text)) {
        error = add_job(ctx, q, &text, NULL, false);
        moult_put_int(reply, q->last_id);
        return error ? moult_refuse(ctx, error, "a job is a text of less than 64 bytes")
                     : moult_reply();
    }
    return moult_refuse(ctx, -EINVAL,
                        "jobs takes {\"push\": text}, {\"run\": text}, "
                        "{\"urge\": text} and \"status\"");
}

/* The worker of `job` has come to that. */
static void finish(moult_ctx *ctx, struct queue *q, struct job *job, moult_in *result)
{
    size_t len;
    const void *item = moult_get_item(result, &len);

    if (job->is_awaited) {
        moult_out *m = moult_draft(ctx);

        moult_put_item(m, item, len);
        moult_reply_to(ctx, &job->client, m);
    }
    q->done++;
    job_forget(q, job);
}

static void rest(moult_ctx *ctx, struct job *job)
{
    moult_out *m = moult_draft(ctx);

    moult_put_map(m, 1);
    moult_put_int_at(m, "retry", job->id);
    job->rests = moult_send_after(ctx, moult_self(ctx),
                                  (uint64_t)REST_MS << (job->attempts - 1), m) != 0;
}

/* Its worker has ended: another is to try it later, unless enough have. */
static void fail(moult_ctx *ctx, struct queue *q, struct job *job)
{
    job->worker = (moult_pid){0};
    if (job->attempts < ATTEMPTS) {
        rest(ctx, job);
        return;
    }
    moult_log(ctx, MOULT_WARNING, "job %d failed %d times", (int)job->id,
              (int)job->attempts);
    if (job->is_awaited)
        moult_refuse_to(ctx, &job->client, -EIO, "the job failed again and again");
    q->failed++;
    job_forget(q, job);
}

/* A worker is ready, for the first time or with what its last job came to. */
static moult_next queue_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    struct queue *q = state;
    moult_in pid, result;
    moult_pid worker, *place;
    struct job *job;
    uint64_t monitor;

    if (!moult_find(message, "ready", &pid))
        return moult_noreply();
    worker = moult_get_pid(&pid);
    job = job_of(q, worker);
    if (job && moult_find(message, "result", &result))
        finish(ctx, q, job, &result);
    else if (!job)
        moult_monitor(ctx, worker, &monitor);
    place = moult_list_add(ctx, &q->idle, sizeof(*place));
    if (place)
        *place = worker;
    hand_out(ctx, q);
    return moult_noreply();
}

static moult_next queue_info(moult_ctx *ctx, void *state, moult_in *message)
{
    struct queue *q = state;
    moult_ended ended;
    struct job *job;
    int64_t id;

    if (moult_match_int(message, "retry", &id)) {
        for (uint32_t i = 0; i < q->jobs.count; i++)
            if (q->jobs.items[i].id == id)
                q->jobs.items[i].rests = false;
        hand_out(ctx, q);
        return moult_noreply();
    }
    if (!moult_match_down(message, &ended))
        return moult_noreply();
    for (uint32_t i = 0; i < q->idle.count; i++)
        if (moult_pid_equal(q->idle.items[i], ended.pid))
            q->idle.items[i--] = q->idle.items[--q->idle.count];
    job = job_of(q, ended.pid);
    if (job)
        fail(ctx, q, job);
    hand_out(ctx, q);
    return moult_noreply();
}

static const moult_server queue = {.size = sizeof(moult_server),
                                   .state = queue_state,
                                   .handle_call = queue_call,
                                   .handle_cast = queue_cast,
                                   .handle_info = queue_info};

/* -- a worker -- */

static void say_ready(moult_ctx *ctx, const char *result)
{
    moult_out *m = moult_draft(ctx);

    moult_put_map(m, result ? 2 : 1);
    moult_put_text(m, "ready");
    moult_put_pid(m, moult_self(ctx));
    if (result)
        moult_put_text_at(m, "result", result);
    moult_cast(ctx, moult_whereis("jobs"), m);
}

static moult_next worker_init(moult_ctx *ctx, void *state, moult_in *args)
{
    say_ready(ctx, NULL);
    return moult_noreply();
}

/* A fault, or an end for an error: either way its supervisor starts another. */
static moult_next work(moult_ctx *ctx, const char *text, size_t len, int64_t attempt)
{
    char result[TEXT_MAX + 1];
    volatile char *nowhere = NULL;

    if (len == 5 && memcmp(text, "crash", len) == 0)
        *nowhere = 1; /* NOLINT: that is its mind */
    if (len >= 5 && memcmp(text, "flaky", 5) == 0 && attempt == 1)
        return moult_stop_because(ctx, -EIO, "it is not its day");
    for (size_t i = 0; i < len; i++)
        result[i] = (char)toupper((unsigned char)text[i]);
    memcpy(result + len, "!", 2);
    say_ready(ctx, result);
    return moult_noreply();
}

static moult_next worker_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    moult_in in;
    const char *text;
    size_t len;

    if (!moult_find(message, "work", &in))
        return moult_noreply();
    text = moult_get_text(&in, &len);
    return len < TEXT_MAX ? work(ctx, text, len, moult_int_at(message, "try"))
                          : moult_noreply();
}

static const moult_server worker = {
    .size = sizeof(moult_server), .init = worker_init, .handle_cast = worker_cast};

/* -- who supervises whom -- */

static const moult_supervisor workers = {
    .size = sizeof(workers),
    .intensity = 30, /* jobs that crash are no reason to give up */
    .period_s = 5,
    .children = (const moult_child[]){{.id = "worker", .server = &worker, .count = 3},
                                      {.id = NULL}}};

/* Without their queue the workers are of no use: they are started again after it. */
MOULT_PLUGIN(.description = "does jobs", .strategy = MOULT_REST_FOR_ONE,
             .children = (const moult_child[]){
                 {.id = "queue", .server = &queue, .name = "jobs"},
                 {.id = "workers", .supervisor = &workers},
                 {.id = NULL}});
