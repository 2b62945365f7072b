/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/people.h"

#include <stdlib.h>
#include <string.h>

static int compare_people(const void *a, const void *b) {
    const PackPerson *left = a, *right = b;
    int order = strcmp(left->person, right->person);
    if (!order)
        order = (int)left->split - (int)right->split;
    return order ? order : (left->index > right->index) - (left->index < right->index);
}

void pack_people_sort(PackPerson *people, int64_t count) {
    if (count)
        qsort(people, (size_t)count, sizeof *people, compare_people);
}

PackPerson *pack_people_find(PackPerson *people, int64_t count, const char *person) {
    int64_t low = 0, high = count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (strcmp(people[middle].person, person) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && strcmp(people[low].person, person) == 0 ? &people[low] : NULL;
}

int64_t pack_people_unique(PackPerson *people, int64_t count) {
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++)
        if (!kept || strcmp(people[kept - 1].person, people[i].person) != 0)
            people[kept++] = people[i];
    return kept;
}
