/* SPDX-License-Identifier: Apache-2.0 */
/*
 * echo - answers with what it was asked; but "bytes" with bytes and "odd" with what JSON
 * has no word for, "refuse" with an error, "crash" by ending, "never" not at all.
 */
#include <math.h>

#include <moult.h>

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    const void *item;
    size_t len;

    if (moult_match(request, "refuse"))
        return moult_refuse(ctx, -ENOSPC, "the disk is full: \"delete\" something");
    if (moult_match(request, "crash"))
        return moult_stop_because(ctx, -EIO, "the disk is gone");
    if (moult_match(request, "never"))
        return moult_noreply();
    if (moult_match(request, "bytes")) {
        moult_put_bytes(reply, "\x00\xff\xfe", 3);
    } else if (moult_match(request, "odd")) {
        moult_put_array(reply, 3);
        moult_put_float(reply, INFINITY);
        moult_put_float(reply, NAN);
        moult_put_uint(reply, UINT64_MAX);
    } else {
        item = moult_get_item(request, &len);
        moult_put_item(reply, item, len);
    }
    return moult_reply();
}

static moult_next handle_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    size_t len;
    const char *text = moult_get_text(message, &len);

    moult_log(ctx, MOULT_INFO, "cast: %.*s", (int)len, text);
    return moult_noreply();
}

static const moult_server echo = {.size = sizeof(moult_server),
                                  .handle_call = handle_call,
                                  .handle_cast = handle_cast};

MOULT_PLUGIN(.intensity = 100,
             .children = (const moult_child[]){
                 {.id = "echo", .server = &echo, .name = "echo"}, {.id = NULL}});
