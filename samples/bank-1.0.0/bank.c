/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bank 1.0.0 - an account, in whole coins.
 *
 *     moult call bank '{"deposit": 50}'
 *     moult call bank '{"withdraw": 20}'
 *     moult call bank '"balance"'
 *     moult call bank '"history"'
 *     moult call bank '"largest"'       the largest that was ever withdrawn
 *
 * Two servers: the ledger does little, and so does little wrong; the bank does all the
 * rest.  When the bank fails it is started again and reads its balance from the ledger.
 * When the ledger does, both are, and the account is a new one: see `strategy` below.
 */
#include <moult.h>

/* -- the ledger -- */

struct ledger {
    MOULT_LIST_OF(int64_t) entries; /* what came, and what went below 0 */
    int64_t balance;                /* their sum */
};

MOULT_STATE(ledger_state, struct ledger, MOULT_LIST_FIELD(entries),
            MOULT_FIELD(balance));

static moult_next enter(moult_ctx *ctx, struct ledger *l, int64_t amount,
                        moult_out *reply)
{
    int64_t balance, *entry;

    if (__builtin_add_overflow(l->balance, amount, &balance))
        return moult_refuse(ctx, -EOVERFLOW, "that is more than the ledger can count");
    entry = moult_list_add(ctx, &l->entries, sizeof(*entry));
    if (!entry)
        return moult_refuse(ctx, -ENOMEM, "no memory for another entry");
    *entry = amount;
    l->balance = balance;
    moult_put_int(reply, balance);
    return moult_reply();
}

static moult_next ledger_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct ledger *l = state;
    int64_t amount;

    if (moult_match_int(request, "enter", &amount))
        return enter(ctx, l, amount, reply);
    if (moult_match(request, "history")) {
        moult_put_array(reply, l->entries.count);
        for (uint32_t i = 0; i < l->entries.count; i++)
            moult_put_int(reply, l->entries.items[i]);
        return moult_reply();
    }
    if (!moult_match(request, "balance"))
        return moult_refuse(
            ctx, -EINVAL,
            "ledger takes {\"enter\": integer}, \"balance\" and \"history\"");
    moult_put_int(reply, l->balance);
    return moult_reply();
}

static const moult_server ledger = {
    .size = sizeof(moult_server), .state = ledger_state, .handle_call = ledger_call};

/* -- the bank -- */

struct bank {
    int64_t balance; /* what the ledger says */
};

MOULT_STATE(bank_state, struct bank, MOULT_FIELD(balance));

/* Ask the ledger for something it keeps; `*in` is at the answer. */
static int look_up(moult_ctx *ctx, const char *what, moult_in *in)
{
    moult_out *request = moult_draft(ctx);

    moult_put_text(request, what);
    return moult_call(ctx, moult_whereis("ledger"), request, 0, in);
}

/* Pass on why the last call failed. */
static moult_next refuse(moult_ctx *ctx, int error)
{
    return moult_refuse(ctx, error, "the ledger says: %s", moult_call_text(ctx));
}

static moult_next init(moult_ctx *ctx, void *state, moult_in *args)
{
    struct bank *b = state;
    moult_in in;
    int error = look_up(ctx, "balance", &in);

    if (error)
        return refuse(ctx, error);
    b->balance = moult_get_int(&in);
    return moult_noreply();
}

/* The ledger first: what it has is what counts. */
static moult_next book(moult_ctx *ctx, struct bank *b, int64_t amount, moult_out *reply)
{
    moult_out *request = moult_draft(ctx);
    moult_in in;
    int error;

    moult_put_map(request, 1);
    moult_put_int_at(request, "enter", amount);
    error = moult_call(ctx, moult_whereis("ledger"), request, 0, &in);
    if (error)
        return refuse(ctx, error);
    b->balance = moult_get_int(&in);
    moult_put_int(reply, b->balance);
    return moult_reply();
}

static moult_next withdraw(moult_ctx *ctx, struct bank *b, int64_t amount,
                           moult_out *reply)
{
    if (amount > b->balance)
        return moult_refuse(ctx, -EDQUOT, "there is only %lld", (long long)b->balance);
    return book(ctx, b, -amount, reply);
}

static moult_next history(moult_ctx *ctx, moult_out *reply)
{
    size_t len;
    const void *item;
    moult_in in;
    int error = look_up(ctx, "history", &in);

    if (error)
        return refuse(ctx, error);
    item = moult_get_item(&in, &len);
    moult_put_item(reply, item, len);
    return moult_reply();
}

/* It does not think of an account that nothing was withdrawn from: see 2.0.0. */
static moult_next largest(moult_ctx *ctx, moult_out *reply)
{
    const int64_t *most = NULL;
    int64_t amount, found;
    moult_in in;
    int error = look_up(ctx, "history", &in);

    if (error)
        return refuse(ctx, error);
    for (size_t n = moult_get_array(&in); n > 0; n--) {
        amount = moult_get_int(&in);
        if (amount >= 0 || (most && amount >= *most))
            continue;
        found = amount;
        most = &found;
    }
    moult_put_int(reply, -*most); /* NOLINT: the bug */
    return moult_reply();
}

static moult_next bank_call(moult_ctx *ctx, void *state, const moult_from *from,
                            moult_in *request, moult_out *reply)
{
    struct bank *b = state;
    int64_t amount;

    if (moult_match_int(request, "deposit", &amount) && amount > 0)
        return book(ctx, b, amount, reply);
    if (moult_match_int(request, "withdraw", &amount) && amount > 0)
        return withdraw(ctx, b, amount, reply);
    if (moult_match(request, "history"))
        return history(ctx, reply);
    if (moult_match(request, "largest"))
        return largest(ctx, reply);
    if (!moult_match(request, "balance"))
        return moult_refuse(ctx, -EINVAL,
                            "bank takes {\"deposit\": amount}, {\"withdraw\": amount}, "
                            "\"balance\", \"history\" and \"largest\"");
    moult_put_int(reply, b->balance);
    return moult_reply();
}

static const moult_server bank = {.size = sizeof(moult_server),
                                  .state = bank_state,
                                  .init = init,
                                  .handle_call = bank_call};

static const moult_child children[] = {
    {.id = "ledger", .server = &ledger, .name = "ledger"},
    {.id = "bank", .server = &bank, .name = "bank"},
    {.id = NULL}};

MOULT_PLUGIN(.description = "an account", .children = children,
             .strategy = MOULT_REST_FOR_ONE);
