/* SPDX-License-Identifier: Apache-2.0 */
#include "moult.h"

#include <string.h>

static const char *const reasons[] = {
    [MOULT_NORMAL] = "normal",
    [MOULT_SHUTDOWN] = "shutdown",
    [MOULT_KILL] = "kill",
    [MOULT_KILLED] = "killed",
    [MOULT_NOPROC] = "no such process",
};

/* What the ABI means by an errno, where libc's words would mislead. */
static const struct {
    int error;
    const char *text;
} errors[] = {
    {ETIMEDOUT, "no reply in time"},
    {ESRCH, "no such process"},
    {EFAULT, "its code failed"},
    {EOWNERDEAD, "the server ended before it replied"},
    {EDEADLK, "a server may not call itself"},
    {EAGAIN, "the mailbox is full"},
    {ENOMEM, "out of memory"},
    {EBADMSG, "the message or state is not of the form that was expected"},
    {EOVERFLOW, "the value does not fit"},
    {EMSGSIZE, "larger than 1 GiB"},
};

const char *moult_strerror(int error)
{
    const char *text = NULL;

    if (error >= 0 && (size_t)error < sizeof(reasons) / sizeof(*reasons))
        return reasons[error];
    if (error > 0 || error == INT32_MIN)
        return "unknown reason";
    for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
        if (errors[i].error == -error)
            return errors[i].text;
    text = strerrordesc_np(-error);
    return text ? text : "unknown error";
}
