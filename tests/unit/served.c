/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "served.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "params.h"

#define PATIENCE_MS 20000
#define KEPT_LIMIT  4096

/* Requests that wait for the test. */
static struct {
    pthread_mutex_t lock; /* guards all that follows */
    pthread_cond_t more;
    struct request *later[KEPT_LIMIT], *never[KEPT_LIMIT];
    int later_count, never_count, came;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

static void echo(struct request *request, void *context)
{
    json_t *params = request_params(request);

    request_reply(request, params ? json_incref(params) : json_null());
}

static void keep(struct request **list, int *count, struct request *request)
{
    pthread_mutex_lock(&kept.lock);
    assert_true(*count < KEPT_LIMIT);
    list[(*count)++] = request;
    kept.came++;
    pthread_cond_broadcast(&kept.more);
    pthread_mutex_unlock(&kept.lock);
}

static void later(struct request *request, void *context)
{
    keep(kept.later, &kept.later_count, request);
}

static void never(struct request *request, void *context)
{
    keep(kept.never, &kept.never_count, request);
}

static void big(struct request *request, void *context)
{
    struct params p = params_of(request);
    size_t bytes = params_uint_or(&p, "bytes", 0, 0, INT32_MAX);
    char *text;

    if (params_refused(&p, request))
        return;
    text = malloc(bytes + 1);
    memset(text, 'x', bytes);
    request_reply(request, json_stringn(text, bytes));
    free(text);
}

static void wrong(struct request *request, void *context)
{
    struct fault why = {0};

    fault(&why, -ENOENT, "counter: no way from '1.0' to '9.0'");
    fault_where(&why, "plan", "counter", "tally", "count");
    request_fault(request, &why);
}

static void steps(struct request *request, void *context)
{
    request_progress(request, json_pack("{s:s}", "step", "vet"));
    request_progress(request, json_pack("{s:s}", "step", "drain"));
    request_reply(request, json_null());
}

static const struct method own_methods[] = {
    {"echo", echo},
    {"later", later},
    {"never", never},
    {"big", big},
    {"wrong", wrong},
    {"steps", steps},
    {0},
};

static void run_loop(void *arg)
{
    struct served *served = arg;

    uv_run(&served->loop, UV_RUN_DEFAULT);
}

static void on_end(uv_async_t *ender)
{
    struct served *served = ender->data;

    control_close(served->control);
    uv_close((uv_handle_t *)ender, NULL);
}

struct served *served_open(const struct method *methods,
                           const struct control_limits *limits)
{
    struct served *served = calloc(1, sizeof(*served));
    struct control_options options = {.path = served->path,
                                      .methods = methods ? methods : own_methods};

    kept.came = 0;
    if (limits)
        options.limits = *limits;
    snprintf(served->folder, sizeof(served->folder), "/tmp/moult-control.XXXXXX");
    assert_non_null(mkdtemp(served->folder));
    snprintf(served->path, sizeof(served->path), "%s/socket", served->folder);
    uv_loop_init(&served->loop);
    uv_async_init(&served->loop, &served->ender, on_end);
    served->ender.data = served;
    assert_int_equal(control_open(&served->loop, &options, &served->control, NULL), 0);
    assert_int_equal(control_serve(served->control, NULL), 0);
    uv_thread_create(&served->thread, run_loop, served);
    return served;
}

static int drop_all(struct request **list, int *count)
{
    int done = *count;

    for (int i = 0; i < done; i++)
        request_reply(list[i], json_string("at last"));
    *count = 0;
    return done;
}

void served_close(struct served *served)
{
    uv_async_send(&served->ender);
    uv_thread_join(&served->thread);
    assert_int_equal(uv_loop_close(&served->loop), 0);
    pthread_mutex_lock(&kept.lock);
    drop_all(kept.later, &kept.later_count);
    drop_all(kept.never, &kept.never_count);
    pthread_mutex_unlock(&kept.lock);
    assert_int_not_equal(access(served->path, F_OK), 0);
    assert_int_equal(rmdir(served->folder), 0);
    free(served);
}

int served_answer(void)
{
    int done;

    pthread_mutex_lock(&kept.lock);
    done = drop_all(kept.later, &kept.later_count);
    pthread_mutex_unlock(&kept.lock);
    return done;
}

void served_wait_for(int count)
{
    pthread_mutex_lock(&kept.lock);
    while (kept.came < count)
        pthread_cond_wait(&kept.more, &kept.lock);
    pthread_mutex_unlock(&kept.lock);
}

int client_of(const struct served *served)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(endpoint_address(served->path, &address, NULL), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

void say(int fd, const char *text)
{
    size_t len = strlen(text);

    while (len > 0) {
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);

        if (sent < 0) /* hung up on: what was said before that is what counts */
            return;
        text += sent;
        len -= (size_t)sent;
    }
}

static bool next_byte(int fd, char *byte)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    if (poll(&ready, 1, PATIENCE_MS) != 1)
        fail_msg("nothing came");
    return recv(fd, byte, 1, 0) == 1;
}

/* Bytes are peeked at in pieces, since lines may be long. */
char *hear(int fd)
{
    char *line = NULL, piece[65536], *newline;
    size_t len = 0;
    ssize_t got;
    char byte;

    for (;;) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};

        if (poll(&ready, 1, PATIENCE_MS) != 1)
            fail_msg("nothing came");
        got = recv(fd, piece, sizeof(piece), MSG_PEEK);
        if (got <= 0) {
            free(line);
            return NULL;
        }
        newline = memchr(piece, '\n', (size_t)got);
        if (newline)
            got = newline - piece;
        line = realloc(line, len + (size_t)got + 1);
        got = recv(fd, line + len, (size_t)got, MSG_WAITALL);
        len += (size_t)got;
        line[len] = 0;
        if (newline && next_byte(fd, &byte))
            return line;
    }
}

json_t *hear_json(int fd)
{
    char *line = hear(fd);
    json_t *value;

    assert_non_null(line);
    value = json_loads(line, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    free(line);
    return value;
}

void hears(int fd, const char *expected)
{
    char *line = hear(fd);

    assert_non_null(line);
    assert_string_equal(line, expected);
    free(line);
}
