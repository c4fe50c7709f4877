/* SPDX-License-Identifier: Apache-2.0 */
/* What has_a_thread_local.c calls; C's have no destructors. */
extern "C" int count_by_thread();

struct counted {
    int count = 0;
    ~counted()
    {
        count = -1;
    }
};

int count_by_thread()
{
    static thread_local counted c;

    return ++c.count;
}
