/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/people.h"

#include "base/list.h"

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

static int compare_person(const void *own, const void *person) {
    return strcmp(((const PackPerson *)own)->person, person);
}

PackPerson *pack_people_find(PackPerson *people, int64_t count, const char *person) {
    const int64_t at = list_place(people, count, sizeof *people, compare_person, person);
    return at < count && strcmp(people[at].person, person) == 0 ? &people[at] : NULL;
}

int64_t pack_people_unique(PackPerson *people, int64_t count) {
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++)
        if (!kept || strcmp(people[kept - 1].person, people[i].person) != 0)
            people[kept++] = people[i];
    return kept;
}
