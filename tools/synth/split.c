/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/split.h"
#include "tools/synth/anatomy.h"
#include <math.h>

/* How many of the people a share is: at least one where the share is not nought, but never everybody. */
static int64_t share_of(double share, int64_t people, int64_t left) {
    int64_t count = llround(share * (double)people);
    if (count == 0 && share > 0.0 && people > 2)
        count = 1;
    return count < left ? count : left;
}

Split split_of(const Arguments *arguments, int64_t person) {
    int64_t test = share_of(arguments->test, arguments->people, arguments->people - 1);
    int64_t val = share_of(arguments->val, arguments->people, arguments->people - 1 - test);
    int64_t place =
        (int64_t)random_permute(arguments->seed, STREAM_SPLIT, (uint64_t)arguments->people, (uint64_t)person);
    return place < test ? SPLIT_TEST : place < test + val ? SPLIT_VAL : SPLIT_TRAIN;
}

const char *split_name(Split split) {
    static const char *const names[] = {"train", "val", "test"};
    return names[split];
}
