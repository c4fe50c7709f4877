/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "host_fixture.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "program.h"

#define WORDS_MOST 32

/* To look into one: MOULT_TEST="*word*" runs only tests of such a name. */
__attribute__((constructor)) static void choose_tests(void)
{
    if (getenv("MOULT_TEST"))
        cmocka_set_test_filter(getenv("MOULT_TEST"));
}

/* -- files -- */

const char *built(const char *plugin)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof(paths[0]), "%s/%s.so", BUILT, plugin);
    return path;
}

void drop_as(const char *plugin, const char *name)
{
    char path[200];

    snprintf(path, sizeof(path), "plugins/%s", name);
    copy_file(built(plugin), in_folder(path));
}

void drop(const char *plugin)
{
    const char *slash = strrchr(plugin, '/');
    char name[120];

    snprintf(name, sizeof(name), "%s.so", slash ? slash + 1 : plugin);
    drop_as(plugin, name);
}

/* -- beginning -- */

static int listen_for_readiness(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(strlen(folder) + sizeof("/notify") <= sizeof(address.sun_path));
    strcpy(address.sun_path, in_folder("notify"));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

int host_setup(void **state)
{
    struct host *h = calloc(1, sizeof(*h));

    if (!h || folder_make(NULL) != 0)
        return -1;
    program_adopt();
    mkdir(in_folder("plugins"), 0700);
    snprintf(h->socket, sizeof(h->socket), "%s/moult.sock", folder);
    h->notify = listen_for_readiness();
    h->exit = -1;
    *state = h;
    return 0;
}

static pid_t launch(const char *const *more_variables, const char *const *options)
{
    const char *argv[WORDS_MOST] = {MOULT,    "run",  "--plugins", "plugins",
                                    "--data", "data", "--socket",  "moult.sock"};
    const char *variables[WORDS_MOST] = {NULL};
    char notify[300];
    size_t count = 8, n = 0;

    snprintf(notify, sizeof(notify), "NOTIFY_SOCKET=%s/notify", folder);
    variables[n++] = notify;
    while (more_variables && *more_variables)
        variables[n++] = *more_variables++;
    while (options && *options && count < WORDS_MOST - 1)
        argv[count++] = *options++;
    return program_start(argv, variables, NULL, in_folder("host.log"));
}

static void connect_to(struct host *h)
{
    h->talk = talk_open(h->socket);
    h->events = talk_open(h->socket);
    talk_result(h->events, "events.subscribe", json_pack("{s:i}", "since", 1));
}

void host_begin(struct host *h, const char *const *options)
{
    h->pid = launch(NULL, options);
    h->exit = program_watch(h->pid);
}

bool host_comes_up(struct host *h)
{
    struct pollfd either[2] = {{.fd = h->notify, .events = POLLIN},
                               {.fd = h->exit, .events = POLLIN}};

    do {
        if (poll(either, 2, PATIENCE_MS) < 1)
            fail_msg("the host is not ready after %d ms", PATIENCE_MS);
        if (!either[0].revents)
            return false;
    } while (strcmp(host_told(h), "READY=1") != 0);
    return true;
}

bool host_try_start(struct host *h, const char *const *variables,
                    const char *const *options)
{
    h->pid = launch(variables, options);
    h->exit = program_watch(h->pid);
    return host_comes_up(h);
}

void host_start_with(struct host *h, const char *const *variables,
                     const char *const *options)
{
    if (!host_try_start(h, variables, options))
        fail_msg("the host did not start");
    connect_to(h);
}

void host_start(struct host *h, ...)
{
    const char *options[WORDS_MOST];
    size_t count = 0;
    va_list words;

    va_start(words, h);
    do
        options[count] = va_arg(words, const char *);
    while (options[count] && ++count < WORDS_MOST);
    va_end(words);
    host_start_with(h, NULL, options);
}

const char *host_told(struct host *h)
{
    static char text[200];
    struct pollfd ready = {.fd = h->notify, .events = POLLIN};
    ssize_t len;

    if (poll(&ready, 1, PATIENCE_MS) != 1)
        fail_msg("the host tells its service manager nothing");
    len = recv(h->notify, text, sizeof(text) - 1, 0);
    assert_true(len >= 0);
    text[len] = 0;
    return text;
}

/* -- end -- */

static void forget(struct host *h)
{
    char rest[64];

    talk_close(h->talk);
    talk_close(h->events);
    h->talk = h->events = NULL;
    h->pid = 0;
    h->exit = -1;
    while (recv(h->notify, rest, sizeof(rest), MSG_DONTWAIT) > 0)
        ;
}

int host_wait(struct host *h)
{
    int status = program_wait(h->pid, h->exit);

    forget(h);
    return status;
}

void host_rebooted(struct host *h)
{
    assert_string_equal(host_told(h), "RELOADING=1");
    assert_string_equal(host_told(h), "READY=1");
    talk_close(h->talk);
    talk_close(h->events);
    connect_to(h);
}

static void show_log(void)
{
    char *log = host_log();

    fprintf(stderr, "the host said:\n%s\n", log); /* cmocka's would cut it */
    free(log);
}

void host_ended(struct host *h)
{
    int status = host_wait(h);

    if (status != 0) {
        show_log();
        fail_msg("the host ended with status %#x", (unsigned)status);
    }
    program_orphans(); /* what it has left ends by itself, at once */
    assert_int_not_equal(access(in_folder("moult.sock"), F_OK), 0);
}

void host_stop(struct host *h)
{
    kill(h->pid, SIGTERM);
    host_ended(h);
}

void host_kill(struct host *h)
{
    kill(h->pid, SIGKILL);
    host_wait(h);
    program_orphans();
}

int host_teardown(void **state)
{
    struct host *h = *state;

    if (h->pid) {
        show_log();
        host_kill(h);
    }
    close(h->notify);
    free(h);
    return folder_remove(NULL);
}

/* -- a look at it -- */

char *host_log(void)
{
    size_t len;
    char *log = read_whole(in_folder("host.log"), &len);

    log[len] = 0;
    return log;
}

bool host_log_has(const char *words)
{
    char *log = host_log();
    bool has = strstr(log, words) != NULL;

    free(log);
    return has;
}

void host_logs(const char *words)
{
    int left_ms = PATIENCE_MS;

    while (access(in_folder("host.log"), F_OK) != 0 || !host_log_has(words)) {
        if ((left_ms -= 10) < 0)
            fail_msg("the host does not say '%s' in %d ms", words, PATIENCE_MS);
        poll(NULL, 0, 10);
    }
}

static bool is_any(const struct host *h, const char *entry)
{
    return true;
}

static bool is_extra(const struct host *h, const char *thread)
{
    char path[300], name[16] = "";
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/task/%s/comm", (int)h->pid, thread);
    f = fopen(path, "re");
    if (f && !fgets(name, sizeof(name), f))
        name[0] = 0;
    if (f)
        fclose(f);
    return strncmp(name, "extra ", strlen("extra ")) == 0;
}

static unsigned entries(const struct host *h, const char *what,
                        bool (*is_one)(const struct host *h, const char *entry))
{
    struct dirent *entry;
    unsigned count = 0;
    char path[64];
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)h->pid, what);
    dir = opendir(path);
    assert_non_null(dir);
    while ((entry = readdir(dir)))
        count += entry->d_name[0] != '.' && is_one(h, entry->d_name);
    closedir(dir);
    return count;
}

unsigned host_descriptors(const struct host *h)
{
    return entries(h, "fd", is_any);
}

unsigned host_threads(const struct host *h)
{
    return entries(h, "task", is_any);
}

unsigned host_extras(const struct host *h)
{
    return entries(h, "task", is_extra);
}

bool host_maps(const struct host *h, const char *words)
{
    char path[64], line[1024];
    bool found = false;
    FILE *maps;

    snprintf(path, sizeof(path), "/proc/%d/maps", (int)h->pid);
    maps = fopen(path, "re");
    assert_non_null(maps);
    while (!found && fgets(line, sizeof(line), maps))
        found = strstr(line, words) != NULL;
    fclose(maps);
    return found;
}

/* -- asking -- */

json_t *host_ask(struct host *h, const char *method, json_t *params)
{
    return talk_result(h->talk, method, params);
}

json_t *host_refuses(struct host *h, const char *method, json_t *params)
{
    return talk_error(h->talk, method, params);
}

json_t *host_call(struct host *h, const char *name, const char *message)
{
    return host_ask(h, "call", talk_message(name, message));
}

json_int_t host_call_int(struct host *h, const char *name, const char *message)
{
    json_t *value = host_call(h, name, message);

    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

json_t *target(const char *text)
{
    return json_pack("{s:[s]}", "targets", text);
}

json_t *host_change(struct host *h, const char *verb, const char *text)
{
    return host_ask(h, verb, target(text));
}

json_t *host_change_refused(struct host *h, const char *verb, const char *text)
{
    return host_refuses(h, verb, target(text));
}

static bool is(const json_t *object, const char *key, const char *text)
{
    const char *value = json_string_value(json_object_get(object, key));

    return !text || (value && strcmp(value, text) == 0);
}

const char *host_vsn(struct host *h, const char *app)
{
    json_t *list = host_ask(h, "apps", NULL), *entry;
    size_t i;

    json_array_foreach(list, i, entry)
    {
        if (is(entry, "name", app) && is(entry, "status", "running"))
            return text_at(entry, "vsn");
    }
    return NULL;
}

json_t *host_release(struct host *h, const char *app, const char *vsn,
                     const char *status)
{
    json_t *list = json_object_get(host_ask(h, "releases", NULL), "versions"), *entry;
    size_t i;

    json_array_foreach(list, i, entry)
    {
        if (is(entry, "name", app) && is(entry, "vsn", vsn) &&
            is(entry, "status", status))
            return entry;
    }
    return NULL;
}

const char *host_release_status(struct host *h, const char *release)
{
    json_t *list = json_object_get(host_ask(h, "releases", NULL), "releases"), *entry;
    char name[100];
    size_t i;

    json_array_foreach(list, i, entry)
    {
        snprintf(name, sizeof(name), "%s@%s", text_at(entry, "name"),
                 text_at(entry, "vsn"));
        if (strcmp(name, release) == 0)
            return text_at(entry, "status");
    }
    return NULL;
}

const char *recorded_vsn(const char *app)
{
    static char vsn[32];
    json_t *all = json_load_file(in_folder("data/releases.json"), 0, NULL), *release;
    const char *text = NULL;
    size_t i;

    if (!all)
        fail_msg("the record is no JSON");
    assert_true(json_is_string(json_object_get(all, "checksum")));
    json_array_foreach(at(all, "ledger.releases"), i, release)
    {
        json_t *apps = at(release, "applications");

        if (is(release, "status", "permanent"))
            text =
                json_string_value(json_object_get(json_object_get(apps, app), "vsn"));
    }
    snprintf(vsn, sizeof(vsn), "%s", text ? text : "");
    json_decref(all);
    return vsn;
}

json_t *host_event(struct host *h, const char *name, const char *key, const char *text)
{
    for (;;) {
        json_t *event = talk_notice(h->events, "event");
        const char *value = key ? json_string_value(json_object_get(event, key)) : "";

        if (is(event, "event", name) && value && (!key || strstr(value, text)))
            return event;
    }
}

unsigned host_events(struct host *h, const char *name)
{
    json_t *params = json_pack("{s:i, s:[s]}", "count", 4096, "names", name);

    return (unsigned)json_array_size(
        at(host_ask(h, "events.recent", params), "events"));
}

/* -- values -- */

json_t *at(const json_t *value, const char *path)
{
    char key[64];
    size_t len;

    for (const char *rest = path; *rest; rest += len + (rest[len] == '.')) {
        len = strcspn(rest, ".");
        snprintf(key, sizeof(key), "%.*s", (int)len, rest);
        value = json_object_get(value, key);
        if (!value)
            fail_msg("there is no '%s'", path);
    }
    return (json_t *)(uintptr_t)value;
}

const char *text_at(const json_t *value, const char *path)
{
    const char *text = json_string_value(at(value, path));

    if (!text)
        fail_msg("'%s' is no text", path);
    return text;
}

json_int_t int_at(const json_t *value, const char *path)
{
    json_t *number = at(value, path);

    if (!json_is_integer(number))
        fail_msg("'%s' is no integer", path);
    return json_integer_value(number);
}
