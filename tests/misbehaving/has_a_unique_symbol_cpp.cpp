/* SPDX-License-Identifier: Apache-2.0 */
/* What has_a_unique_symbol.c calls; C has no templates. */
extern "C" int count_uniquely();

template <class T> struct __attribute__((visibility("default"))) counted {
    static int count;
};
template <class T> int counted<T>::count;

int count_uniquely()
{
    return ++counted<int>::count;
}
