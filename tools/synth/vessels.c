/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/vessels.h"
#include "base/list.h"
#include <stdlib.h>

Status vessels_begin(VesselTree *tree, VesselKind kind) {
    TRY(list_grow(&tree->vessels, tree->vessel_count, &tree->vessel_capacity, sizeof *tree->vessels, "vessels"));
    tree->vessels[tree->vessel_count++] = (Vessel){.kind = kind, .first = tree->point_count};
    return NULL;
}

Status vessels_add(VesselTree *tree, double x, double y, double radius) {
    TRY(list_grow(&tree->points, tree->point_count, &tree->point_capacity, sizeof *tree->points, "points of vessels"));
    tree->points[tree->point_count++] = (VesselPoint){(float)x, (float)y, (float)radius};
    tree->vessels[tree->vessel_count - 1].count++;
    return NULL;
}

void vessels_free(VesselTree *tree) {
    free(tree->points);
    free(tree->vessels);
    *tree = (VesselTree){0};
}
