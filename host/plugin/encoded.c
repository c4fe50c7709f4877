/* SPDX-License-Identifier: Apache-2.0 */
#include "encoded.h"

#include <errno.h>

#include "json.h"
#include "json_memory.h"
#include "out.h"

int encoded_value(const char *what, const json_t *value, void **bytes, size_t *len,
                  struct fault *why)
{
    moult_out out;
    uint32_t given = 0;
    int err;

    out_init(&out, NULL, 0);
    err = json_to_cbor(value, &out, NULL);
    if (!err) {
        *bytes = out_give(&out, &given);
        *len = given;
        err = *bytes ? 0 : -ENOMEM;
    }
    out_release(&out);
    return err ? fault(why, err, "%s can't be encoded: %s", what, moult_strerror(err))
               : 0;
}

int encoded_text(const char *what, const char *text, void **bytes, size_t *len,
                 struct fault *why)
{
    json_error_t error;
    json_t *json;
    int err;

    json_memory_watch();
    json = json_loads(text ? text : "null", JSON_DECODE_ANY | JSON_REJECT_DUPLICATES,
                      &error);
    if (json_memory_done()) {
        json_decref(json);
        return fault(why, -ENOMEM, "no memory to load a plugin");
    }
    if (!json)
        return fault(why, -EINVAL, "%s are not JSON: %s", what, error.text);
    err = encoded_value(what, json, bytes, len, why);
    json_decref(json);
    return err;
}
