/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include <string.h>

enum { NAME_BYTES = 64 }; /* of a name, with its NUL */

int nearest_edits(const char *a, const char *b) {
    int row[NAME_BYTES], width = (int)strnlen(b, NAME_BYTES - 1);
    for (int j = 0; j <= width; j++)
        row[j] = j;
    for (int i = 0; i < NAME_BYTES - 1 && a[i]; i++) {
        int diagonal = row[0];
        row[0] = i + 1;
        for (int j = 1; j <= width; j++) {
            int best = diagonal + (a[i] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[width];
}
