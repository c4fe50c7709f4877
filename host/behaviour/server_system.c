/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_system - what is asked of a server by others than its callers.  OTP: sys.
 */
#include "serving.h"

void server_system(struct process *p, struct server *s)
{
    struct envelope *e = p->current, *reply = envelope_create(ENVELOPE_REPLY);
    struct fault why = {0};
    int error;

    if (!reply || e->code != SYSTEM_STATE) {
        process_refuse(p, reply ? -ENOSYS : -ENOMEM, NULL);
        envelope_destroy(reply);
        return;
    }
    moult_put_map(&reply->out, 3);
    moult_put_text_at(&reply->out, "vsn", s->code->vsn);
    moult_put_int_at(&reply->out, "format", s->code->server.format);
    moult_put_text(&reply->out, "state");
    s->busy = reply;
    error = server_save(s, &reply->out, &why);
    s->busy = NULL;
    if (error < 0) {
        process_refuse(p, why.error, why.text);
        envelope_destroy(reply);
        return;
    }
    reply->ref = e->ref;
    process_send_last(p, e->from, reply);
}
