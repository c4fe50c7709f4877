/* SPDX-License-Identifier: Apache-2.0 */
#include "refusal.h"

#include "request.h"
#include "show.h"

void refusal_show(const struct fault *why, bool json, const struct screen *screen)
{
    json_t *data = request_fault_data(why),
           *told = json_pack("{s:i, s:o, s:o*}", "code", (int)rpc_code_of(why->error),
                             "message", rpc_text(why->text), "data", data);

    show_error(screen, told, json);
    json_decref(told);
}

void refusal_complain(const struct fault *why, bool json, const struct screen *screen)
{
    if (json)
        refusal_show(why, true, screen);
    else
        screen_complain(screen, "%s", why->text);
}
