/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heart 1.0.0 - tells the service manager that the host's workers run servers, so that a
 * host that hangs is restarted.  OTP: heart.
 *
 * It beats twice in each WatchdogSec= of the unit (sd_watchdog_enabled's protocol), and
 * does not start where there is none.  "beats" is answered with how often it has.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <moult.h>

#define BEAT "WATCHDOG=1"

struct heart {
    uint64_t beats;
};

MOULT_STATE(heart_state, struct heart, MOULT_FIELD(beats));

/* Milliseconds between beats; 0 if nobody listens for them. */
static uint64_t interval_ms(void)
{
    const char *limit_us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    uint64_t us = limit_us ? strtoull(limit_us, NULL, 10) : 0;

    if (us == 0 || !getenv("NOTIFY_SOCKET") ||
        (pid && strtol(pid, NULL, 10) != (long)getpid()))
        return 0;
    return us < 2000 ? 1 : us / 2000;
}

/* Does not block.  0 or a negative errno. */
static int tell(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    int fd, error = 0;

    if (len < 2 || len >= sizeof(to.sun_path))
        return -ENAMETOOLONG;
    memcpy(to.sun_path, path, len);
    if (path[0] == '@') /* an abstract name begins with a zero */
        to.sun_path[0] = 0;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (sendto(fd, BEAT, strlen(BEAT), MSG_NOSIGNAL | MSG_DONTWAIT,
               (struct sockaddr *)&to,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
        error = -errno;
    close(fd);
    return error;
}

/* Without memory for the next beat it ends, and its supervisor tries again. */
static moult_next rest(moult_ctx *ctx, uint64_t ms)
{
    if (!moult_send_after(ctx, moult_self(ctx), ms, moult_draft(ctx)))
        return moult_stop_because(ctx, -ENOMEM, "no memory for a timer");
    return moult_noreply();
}

static moult_next init(moult_ctx *ctx, void *state, moult_in *args)
{
    uint64_t ms = interval_ms();

    if (ms == 0) {
        moult_log(ctx, MOULT_INFO,
                  "not started: the service manager asks for no watchdog "
                  "(WatchdogSec= sets one)");
        return moult_ignore();
    }
    return rest(ctx, ms);
}

static moult_next handle_info(moult_ctx *ctx, void *state, moult_in *message)
{
    struct heart *h = state;
    const char *path = getenv("NOTIFY_SOCKET");
    int error = path ? tell(path) : -EDESTADDRREQ;

    if (error) /* the next may get through */
        moult_log(ctx, MOULT_WARNING, "a beat was not heard: %s", strerror(-error));
    else
        h->beats++;
    return rest(ctx, interval_ms());
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct heart *h = state;

    if (!moult_match(request, "beats"))
        return moult_refuse(ctx, -EINVAL, "heart takes \"beats\"");
    moult_put_uint(reply, h->beats);
    return moult_reply();
}

static const moult_server heart = {.size = sizeof(moult_server),
                                   .state = heart_state,
                                   .init = init,
                                   .handle_call = handle_call,
                                   .handle_info = handle_info};

static const moult_child children[] = {
    {.id = "heart", .server = &heart, .name = "heart"}, {.id = NULL}};

MOULT_PLUGIN(.description = "tells the service manager that servers run",
             .children = children);
