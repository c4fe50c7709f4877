/* SPDX-License-Identifier: Apache-2.0 */
#include "telemetry_method.h"

#include "json.h"
#include "params.h"
#include "telemetry.h"

void telemetry_method(struct request *request, void *context)
{
    struct params p = params_of(request);
    const char *prefix = params_text_or(&p, "prefix", "");
    struct moult_out list = {0};
    struct fault why = {0};
    moult_in in;
    json_t *json;

    if (params_refused(&p, request))
        return;
    telemetry_list(prefix, &list);
    in = out_read(&list);
    if (list.error)
        fault(&why, -ENOMEM, "no memory for the list");
    json = list.error ? NULL : json_from_cbor(&in, &why);
    out_release(&list);
    if (json)
        request_reply(request, json);
    else
        request_fault(request, &why);
}
