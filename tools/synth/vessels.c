/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/vessels.h"
#include <stdlib.h>

/* Twice the room, for at least one more element. */
static Status grow_array(void **array, int *capacity, size_t size, const char *what) {
    int wanted = *capacity ? 2 * *capacity : 256;
    void *larger = realloc(*array, (size_t)wanted * size);
    if (!larger)
        return status_no_memory(what, (unsigned long long)wanted * size);
    *array = larger;
    *capacity = wanted;
    return NULL;
}

Status vessels_begin(VesselTree *tree, VesselKind kind) {
    if (tree->vessel_count == tree->vessel_capacity)
        TRY(grow_array((void **)&tree->vessels, &tree->vessel_capacity, sizeof *tree->vessels, "vessels"));
    tree->vessels[tree->vessel_count++] = (Vessel){.kind = kind, .first = tree->point_count};
    return NULL;
}

Status vessels_add(VesselTree *tree, double x, double y, double radius) {
    if (tree->point_count == tree->point_capacity)
        TRY(grow_array((void **)&tree->points, &tree->point_capacity, sizeof *tree->points, "points of vessels"));
    tree->points[tree->point_count++] = (VesselPoint){(float)x, (float)y, (float)radius};
    tree->vessels[tree->vessel_count - 1].count++;
    return NULL;
}

void vessels_free(VesselTree *tree) {
    free(tree->points);
    free(tree->vessels);
    *tree = (VesselTree){0};
}
