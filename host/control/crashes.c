/* SPDX-License-Identifier: Apache-2.0 */
#include "crashes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "methods.h"
#include "params.h"
#include "report.h"

/* A request, on libuv's threads; the loop outlives it. */
struct reading {
    uv_work_t work;
    struct request *request;
    const char *data;
    char id[]; /* "": all */
};

static void read_reports(uv_work_t *work)
{
    struct reading *r = work->data;
    struct fault why = {0};
    json_t *result =
        r->id[0] ? report_read(r->data, r->id, &why) : reports_list(r->data);

    if (why.error)
        request_fault(r->request, &why);
    else
        request_reply(r->request, result);
}

static void done(uv_work_t *work, int status)
{
    struct reading *r = work->data;

    if (status < 0) /* it was not begun */
        request_reply(r->request, NULL);
    free(r);
}

static void start(struct request *request, const struct host_view *host, const char *id)
{
    struct reading *r = calloc(1, sizeof(*r) + strlen(id) + 1);

    if (!r) {
        request_reply(request, NULL);
        return;
    }
    r->work.data = r;
    r->request = request;
    r->data = host->data;
    strcpy(r->id, id);
    if (uv_queue_work(host->loop, &r->work, read_reports, done) != 0)
        done(&r->work, -ENOMEM);
}

void crashes_list(struct request *request, void *context)
{
    struct params p = params_of(request);

    if (!params_refused(&p, request))
        start(request, context, "");
}

void crashes_show(struct request *request, void *context)
{
    struct params p = params_of(request);
    const char *id = params_text(&p, "id");

    if (id && !id[0])
        params_wrong(&p, "'id' must be that of a report, as crash.list has it");
    if (!params_refused(&p, request))
        start(request, context, id);
}
