/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/people.h"

#include <stdlib.h>

static int by_id(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void count_rows(People *people, const uint8_t *positive, int64_t rows) {
    for (int64_t row = 0; row < rows; row++)
        (positive && positive[row] ? people->positives : people->negatives)[people->person[row]]++;
    for (int32_t p = 0; p < people->count; p++) {
        people->with_positives += people->positives[p] > 0;
        people->with_negatives += people->negatives[p] > 0;
    }
}

Status people_open(const int64_t *ids, const uint8_t *positive, int64_t rows, People *people) {
    const size_t room = (size_t)(rows ? rows : 1);
    *people = (People){.person = malloc(room * sizeof(int32_t)),
                       .positives = calloc(room, sizeof(int64_t)),
                       .negatives = calloc(room, sizeof(int64_t))};
    int64_t *sorted = malloc(room * sizeof *sorted);
    if (!people->person || !people->positives || !people->negatives || !sorted || rows > INT32_MAX) {
        free(sorted);
        return status_no_memory("a list of people", room * (sizeof(int32_t) + 3 * sizeof(int64_t)));
    }
    for (int64_t row = 0; row < rows; row++)
        sorted[row] = ids[row];
    qsort(sorted, (size_t)rows, sizeof *sorted, by_id);
    for (int64_t i = 0; i < rows; i++)
        if (i == 0 || sorted[i] != sorted[i - 1])
            sorted[people->count++] = sorted[i];
    for (int64_t row = 0; row < rows; row++) {
        const int64_t *found = bsearch(&ids[row], sorted, (size_t)people->count, sizeof *sorted, by_id);
        people->person[row] = (int32_t)(found - sorted);
    }
    free(sorted);
    count_rows(people, positive, rows);
    return NULL;
}

void people_free(People *people) {
    free(people->person);
    free(people->positives);
    free(people->negatives);
    *people = (People){0};
}
