/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

#include <poll.h>

#define MOMENT_MS   10
#define THREADS     1   /* more than at first: of the table of names, when it grows */
#define MAPPINGS    200 /* that pools of stacks and memory may have more than at first */
#define RESIDENT_KB 32768 /* the ring of events, and pools, fill up */

const char *tally_name(unsigned tally)
{
    static char names[8][24];
    static unsigned next;
    char *name = names[next++ % 8];

    if (tally < STEADY)
        snprintf(name, sizeof(names[0]), "steady.%u", tally);
    else if (tally < STEADY + LOSSY)
        snprintf(name, sizeof(names[0]), "lossy.%u", tally - STEADY);
    else
        snprintf(name, sizeof(names[0]), "frail.%u", tally - STEADY - LOSSY);
    return name;
}

void model_begin(struct model *m)
{
    *m = (struct model){0};
    for (unsigned i = 0; i < TALLIES; i++)
        m->tallies[i].is_up = true;
}

/* -- what it counts -- */

static void check_sums(const struct model *m, struct host *h)
{
    for (unsigned i = 0; i < STEADY + LOSSY; i++) {
        const struct tally *t = &m->tallies[i];
        json_int_t count = host_call_int(h, tally_name(i), "\"get\"");

        if (count < t->acked || count > t->acked + t->doubtful)
            fail_msg("%s is %lld, but %lld were acknowledged, and %lld may have come",
                     tally_name(i), (long long)count, (long long)t->acked,
                     (long long)t->doubtful);
    }
}

static unsigned failures_of(const struct model *m, const char *name)
{
    for (unsigned i = 0; i < TALLIES; i++)
        if (strcmp(name, tally_name(i)) == 0)
            return m->tallies[i].failures;
    return 0;
}

static void check_restarts(const struct model *m, struct host *h)
{
    json_t *apps = at(host_ask(h, "tree", NULL), "applications"), *app, *child;
    unsigned seen = 0, failures = 0;
    size_t i, j;

    json_array_foreach(apps, i, app)
    {
        json_array_foreach(at(app, "supervisor.children"), j, child)
        {
            const char *name = json_string_value(json_object_get(child, "name"));

            name = name ? name : "";
            seen += failures_of(m, name);
            if (int_at(child, "restarts") != failures_of(m, name))
                fail_msg("%s has restarted %lld times, and failed %u times", name,
                         (long long)int_at(child, "restarts"), failures_of(m, name));
        }
    }
    for (i = 0; i < TALLIES; i++)
        failures += m->tallies[i].failures;
    assert_int_equal(seen, failures);
}

/* -- what it holds -- */

struct maps {
    unsigned images, lines;
};

static struct maps maps_of(const struct host *h)
{
    char path[64], line[1024], last[1024] = "";
    struct maps maps = {0};
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/maps", (int)h->pid);
    f = fopen(path, "re");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        char *file = strstr(line, "/data/store/");

        maps.lines++;
        if (!file || !strstr(line, "r-xp ") || strcmp(file, last) == 0)
            continue; /* code: TSan also maps a file to read its symbols */
        maps.images++;
        strcpy(last, file);
    }
    fclose(f);
    return maps;
}

static size_t resident_kb(const struct host *h)
{
    char path[64], line[256];
    size_t kb = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)h->pid);
    f = fopen(path, "re");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f))
        if (strncmp(line, "VmRSS:", 6) == 0)
            kb = strtoul(line + 6, NULL, 10);
    fclose(f);
    return kb;
}

/* Applications that run, and processes that there must be: the servers of each, their
 * supervisor, and the application controller. */
static void count_running(struct host *h, unsigned *running, unsigned *processes)
{
    json_t *apps = host_ask(h, "apps", NULL), *app;
    size_t i;

    *running = 0;
    *processes = 1;
    json_array_foreach(apps, i, app)
    {
        if (strcmp(text_at(app, "status"), "running") != 0)
            continue;
        ++*running;
        *processes += 1 + (unsigned)int_at(app, "servers");
    }
}

/* How many help out is for the machine to say. */
static unsigned own_threads(const struct host *h)
{
    return host_threads(h) - host_extras(h);
}

/* What has ended may be there for a moment longer. */
static bool is_at_rest(const struct model *m, struct host *h, char *why, size_t size)
{
    unsigned running, processes, now, images = maps_of(h).images;

    count_running(h, &running, &processes);
    now = (unsigned)int_at(host_ask(h, "status", NULL), "processes");
    snprintf(why, size,
             "%u images of %u applications, %u processes that should be %u, %u threads "
             "that were %u, %u descriptors that were %u",
             images, running, now, processes, own_threads(h), m->threads,
             host_descriptors(h), m->descriptors);
    return images == running && now == processes &&
           (!m->has_baseline || (own_threads(h) <= m->threads + THREADS &&
                                 host_descriptors(h) == m->descriptors));
}

static void check_leaks(struct model *m, struct host *h)
{
    int left_ms = PATIENCE_MS;
    char why[256];

    while (!is_at_rest(m, h, why, sizeof(why))) {
        if (left_ms <= 0)
            fail_msg("something is left: %s", why);
        poll(NULL, 0, MOMENT_MS);
        left_ms -= MOMENT_MS;
        json_array_clear(h->talk->lent);
    }
    if (!m->has_baseline) {
        m->has_baseline = true;
        m->threads = own_threads(h);
        m->descriptors = host_descriptors(h);
        m->mappings = maps_of(h).lines;
        m->resident_kb = resident_kb(h);
    }
#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__) /* which have more */
    assert_in_range(maps_of(h).lines, 0, m->mappings + MAPPINGS);
    assert_in_range(resident_kb(h), 0, m->resident_kb + RESIDENT_KB);
#endif
}

void model_check(struct model *m, struct host *h)
{
    check_sums(m, h);
    check_restarts(m, h);
    check_leaks(m, h);
    check_sums(m, h);
}
