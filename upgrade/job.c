/* SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define BUSY_RETRY_MS 20 /* between looks at a file that is being written to */

static struct {
    pthread_mutex_t lock; /* guards all but those put off */
    pthread_cond_t come;
    struct job *first, *last;
    unsigned waiting;  /* from the first to the last */
    struct job *busy;  /* files that were being written to; who takes jobs has it */
    struct job *timed; /* for when it is `timed_ns`; as the above */
    uint64_t timed_ns;
} self = {.lock = PTHREAD_MUTEX_INITIALIZER, .come = PTHREAD_COND_INITIALIZER};

struct job *job_create(enum job_kind kind, const char *path)
{
    struct job *job = calloc(1, sizeof(*job) + strlen(path) + 1);

    if (!job)
        return NULL;
    job->kind = kind;
    strcpy(job->path, path);
    return job;
}

void job_destroy(struct job *job)
{
    json_decref(job->words);
    free(job);
}

/* Does a job wait already that will look at that file? */
static bool is_waiting(const struct job *job)
{
    const struct job *other = self.first;

    while (other && (other->kind != job->kind || strcmp(other->path, job->path) != 0))
        other = other->next;
    return other != NULL;
}

static void append(struct job *job)
{
    if (self.last)
        self.last->next = job;
    else
        self.first = job;
    self.last = job;
    self.waiting++;
    pthread_cond_signal(&self.come);
}

int job_post(struct job *job)
{
    bool is_known, is_room;

    pthread_mutex_lock(&self.lock);
    is_known = job->kind != JOB_ASKED && job->kind != JOB_END && is_waiting(job);
    is_room = job->kind == JOB_END || self.waiting < RELEASE_JOBS_MAX;
    if (!is_known && is_room)
        append(job);
    pthread_mutex_unlock(&self.lock);
    if (is_known || !is_room)
        job_destroy(job);
    return is_known || is_room ? 0 : -EAGAIN;
}

/* For another job, or until those that are busy are to be looked at again. */
static void wait_a_moment(void)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += BUSY_RETRY_MS * 1000000L;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_cond_clockwait(&self.come, &self.lock, CLOCK_MONOTONIC, &until);
}

/* For another job, or until it is time for the one that has a time. */
static void wait_for_more(void)
{
    struct timespec until = {.tv_sec = (time_t)(self.timed_ns / 1000000000u),
                             .tv_nsec = (long)(self.timed_ns % 1000000000u)};

    if (self.timed)
        pthread_cond_clockwait(&self.come, &self.lock, CLOCK_MONOTONIC, &until);
    else
        pthread_cond_wait(&self.come, &self.lock);
}

static bool is_time(void)
{
    return self.timed && clock_ns() >= self.timed_ns;
}

void job_post_at(struct job *job, uint64_t at_ns)
{
    job_recall();
    self.timed = job;
    self.timed_ns = at_ns;
}

void job_recall(void)
{
    if (self.timed)
        job_destroy(self.timed);
    self.timed = NULL;
}

static struct job *take_timed(void)
{
    struct job *job = self.timed;

    self.timed = NULL;
    return job;
}

struct job *job_take(void)
{
    struct job *job;

    pthread_mutex_lock(&self.lock);
    if (!self.first && self.busy && !is_time())
        wait_a_moment();
    while (!self.first && !self.busy && !is_time())
        wait_for_more();
    if (is_time()) {
        pthread_mutex_unlock(&self.lock);
        return take_timed();
    }
    job = self.first;
    if (job) {
        self.first = job->next;
        self.waiting--;
        if (!self.first)
            self.last = NULL;
    }
    pthread_mutex_unlock(&self.lock);
    if (job)
        return job;
    job = self.busy;
    self.busy = job->next;
    return job;
}

void job_put_off(struct job *job)
{
    struct job **link = &self.busy;

    while (*link && strcmp((*link)->path, job->path) != 0)
        link = &(*link)->next;
    if (*link) {
        job_destroy(job);
        return;
    }
    job->next = NULL;
    *link = job;
}

void job_finish(void)
{
    struct job *job;

    job_recall();
    while ((job = self.busy)) {
        self.busy = job->next;
        job_destroy(job);
    }
    pthread_mutex_lock(&self.lock);
    while ((job = self.first)) { /* too late */
        self.first = job->next;
        job_destroy(job);
    }
    self.last = NULL;
    self.waiting = 0;
    pthread_mutex_unlock(&self.lock);
}
