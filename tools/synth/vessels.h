/* SPDX-License-Identifier: Apache-2.0 */
/* The vessels of an eye: arteries and veins as curves with a radius, grown over the retina by rules.
 *
 * A pair of trunks climbs out of the disc and another descends; each gives off a nasal trunk near the disc's edge and
 * arches over the macula along a parabola. Vessels give off branches whose radii keep Murray's law (the cube of the
 * parent's radius is the sum of the children's cubes: Murray, PNAS 1926), steer towards the region they feed and away
 * from vessels of their own kind, which they never cross, and end before they meet one; around the fovea none grows.
 *
 * Winding: the direction of every vessel swings about its course as a sine-generated curve does (Langbein and Leopold,
 * USGS Professional Paper 422-H, 1966), the swing growing with the eye's winding. A step of length ds then advances
 * ds cos(swing) along the course, which gives the vessel's length without its winding while it grows. */
#ifndef SYNTH_VESSELS_H
#define SYNTH_VESSELS_H

#include "base/status.h"
#include "tools/synth/anatomy.h"

typedef enum { ARTERY = 0, VEIN = 1 } VesselKind;

typedef struct {
    float x, y, radius; /* retina coordinates */
} VesselPoint;

typedef struct {
    VesselKind kind;
    int first, count; /* its points; at least 2 */
} Vessel;

typedef struct {
    VesselPoint *points;
    Vessel *vessels;
    int point_count, vessel_count;
    int64_t point_capacity, vessel_capacity;
    /* Length of the drawn vessels over their length without winding, summed over vessels wide enough to be followed in
     * a photograph and lying within its usual field: 1 straight .. about 1.35. */
    double tortuosity;
} VesselTree;

/* Grows the vessels of `eye`. An empty tree on failure. */
Status vessels_grow(VesselTree *tree, const Eye *eye, uint64_t seed) MUST_USE;

/* Starts a vessel, and adds a point to the vessel started last. */
Status vessels_begin(VesselTree *tree, VesselKind kind) MUST_USE;
Status vessels_add(VesselTree *tree, double x, double y, double radius) MUST_USE;

void vessels_free(VesselTree *tree);

#endif
