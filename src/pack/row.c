/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/row.h"

#include <string.h>

static const char *const SPLIT_NAMES[PACK_SPLITS] = {"", "train", "val", "test"};

const char *pack_split_name(PackSplit split) {
    return SPLIT_NAMES[split];
}

Status pack_split_parse(const char *text, PackSplit *split) {
    for (int i = 0; i < PACK_SPLITS; i++)
        if (strcmp(text, SPLIT_NAMES[i]) == 0) {
            *split = (PackSplit)i;
            return NULL;
        }
    return status_error(EXIT_DATA, "unknown split \"%s\": use train, val or test, or leave it empty", text);
}

const char *pack_eye_name(PackEye eye) {
    static const char *const names[] = {"", "R", "L"};
    return names[eye];
}
