/* SPDX-License-Identifier: Apache-2.0 */
/* The rules by which vessels grow: vessels.h tells them in words. Lengths are in circle radii, angles in radians with y
 * downwards. */
#include "tools/synth/vessels.h"
#include <math.h>
#include <stdlib.h>

enum { GRID_WIDTH = 400, GRID_HEIGHT = 376, MAX_SPROUTS = 3000 };
#define CELL 0.008
#define GRID_LEFT -1.4
#define GRID_TOP -1.504
#define STEP 0.01
#define THINNEST 0.0016 /* about 20 micrometres across: below it nothing shows in a photograph */

typedef enum { TEMPORAL_TRUNK, NASAL_TRUNK, MACULAR, BRANCH } Role;

/* A vessel that is to grow. */
typedef struct {
    Role role;
    VesselKind kind;
    double x, y, heading, radius;
    int parent;  /* vessel it leaves; -1 none */
    double side; /* -1 superior, 1 inferior */
    double aim;  /* TEMPORAL_TRUNK: height of the parabola; NASAL_TRUNK: direction; MACULAR: how far off the fovea */
} Sprout;

typedef struct {
    const Eye *eye;
    Random random;
    VesselTree *tree;
    Sprout *sprouts; /* [MAX_SPROUTS] */
    int sprout_count;
    /* Which vessel of each kind runs through a cell, plus one; 0 none. */
    uint16_t (*territory)[GRID_HEIGHT][GRID_WIDTH];
    double drawn, straight; /* lengths for the tortuosity */
} Growth;

/* The swing of a vessel about its course. */
typedef struct {
    double amplitude, wavelength, phase, second, slow;
} Meander;

static double wrap(double angle) {
    return remainder(angle, 2.0 * PI);
}

static uint16_t *cell_at(Growth *growth, VesselKind kind, double x, double y) {
    double column = floor((x - GRID_LEFT) / CELL), row = floor((y - GRID_TOP) / CELL);
    if (column < 0 || row < 0 || column >= GRID_WIDTH || row >= GRID_HEIGHT)
        return NULL;
    return &growth->territory[kind][(int)row][(int)column];
}

/* Sprouts beyond MAX_SPROUTS are left out: the thickest grow first, so only twigs are lost. */
static void add_sprout(Growth *growth, Sprout sprout) {
    if (growth->sprout_count < MAX_SPROUTS && sprout.radius >= THINNEST)
        growth->sprouts[growth->sprout_count++] = sprout;
}

static Sprout take_thickest(Growth *growth) {
    int best = 0;
    for (int i = 1; i < growth->sprout_count; i++)
        if (growth->sprouts[i].radius > growth->sprouts[best].radius)
            best = i;
    Sprout sprout = growth->sprouts[best];
    growth->sprouts[best] = growth->sprouts[--growth->sprout_count];
    return sprout;
}

static Meander start_meander(Growth *growth, const Sprout *sprout) {
    Meander meander = {
        /* A little unrest even in the straightest eye; veins wind more than arteries. */
        .amplitude = 0.07 + growth->eye->winding * (sprout->kind == VEIN ? 1.0 : 0.88) *
                                random_between(&growth->random, 0.8, 1.15),
        .wavelength = (0.11 + 7.0 * sprout->radius) * random_between(&growth->random, 0.85, 1.2),
        .phase = random_between(&growth->random, 0.0, 2.0 * PI),
        .second = random_between(&growth->random, 0.0, 2.0 * PI),
        .slow = random_between(&growth->random, 0.0, 2.0 * PI),
    };
    return meander;
}

/* The swing at `length` along the vessel: a sine whose wavelength and height change slowly, as no vessel is regular. */
static double meander_swing(Meander *meander, double length) {
    double pace = 1.0 + 0.35 * sin(meander->slow + 9.0 * length);
    meander->phase += 2.0 * PI * STEP / meander->wavelength * pace;
    double height = 0.8 + 0.35 * sin(meander->second + 6.5 * length);
    double wave = sin(meander->phase) + 0.3 * sin(1.73 * meander->phase + meander->second);
    return meander->amplitude * height * wave * fmin(1.0, length / 0.06);
}

/* Where a vessel at (x, y) wants to go. */
static double preferred_direction(const Growth *growth, const Sprout *sprout, double x, double y, double course) {
    const Disc *disc = &growth->eye->disc;
    double temporal = disc->x - x, below = y - disc->y;
    if (sprout->role == TEMPORAL_TRUNK) {
        /* A point ahead on the parabola temporal = t^2, height = aim t, drawn in where it passes the macula. */
        double t = fmax(fabs(below) / sprout->aim, sqrt(fmax(temporal, 0.0)));
        t = fmin(t, 1.6) + 0.13;
        double height = sprout->aim * t * (1.0 - 0.12 * t * t + 0.04 * sin(6.0 * t + 40.0 * sprout->aim));
        return atan2(disc->y + sprout->side * height - y, disc->x - t * t - x);
    }
    if (sprout->role == NASAL_TRUNK)
        return sprout->aim + 0.15 * sin(7.0 * hypot(temporal, below) + 20.0 * sprout->aim);
    if (sprout->role == MACULAR)
        return atan2(sprout->side * sprout->aim - y, -0.02 - x);
    /* Branches within the arcades run to the macula, beyond the fovea to the raphe temporal of it; those without run
     * away from the disc. */
    double t = sqrt(fmax(temporal, 0.0)), arch = growth->eye->arcade * t * (1.0 - 0.12 * t * t);
    if (temporal > 0.12 && fabs(below) < arch) {
        if (x > -0.12)
            return atan2(-y, -0.05 - x);
        return atan2(-0.9 * (y > 0 ? 1.0 : -1.0) * fmin(1.0, fabs(y) / 0.2), -1.0);
    }
    double away = atan2(0.75 * below, x - 0.35);
    return course + 0.6 * wrap(away - course);
}

/* How far a vessel may go on from (x, y) in the direction (dx, dy) before it meets another of its kind, up to `reach`.
 * Going along a vessel of the other kind, rather than across it, makes the way count as shorter: arteries and veins
 * cross but do not lie upon each other. */
static double clearance(Growth *growth, const Sprout *sprout, int self, bool leaving, double x, double y, double dx,
                        double dy, double reach) {
    double shared = 0.0;
    for (double ahead = sprout->radius + 0.012; ahead < reach; ahead += CELL) {
        const uint16_t *cell = cell_at(growth, sprout->kind, x + ahead * dx, y + ahead * dy);
        if (!cell)
            break;
        int owner = *cell - 1;
        if (owner >= 0 && owner != self && !(leaving && owner == sprout->parent))
            return ahead;
        if (*cell_at(growth, sprout->kind == VEIN ? ARTERY : VEIN, x + ahead * dx, y + ahead * dy))
            shared += CELL;
    }
    return reach - 0.5 * fmax(0.0, shared - 3.0 * CELL);
}

/* Turns the course towards the preferred direction and out of the way of the vessel's own kind. Returns false where no
 * way is left. */
static bool steer(Growth *growth, const Sprout *sprout, int self, double length, double x, double y, double *course) {
    /* Ways to go: the angle from the course, its cosine and sine. */
    static const struct {
        double angle, cosine, sine;
    } ways[] = {{0.0, 1.0, 0.0},
                {0.35, 0.939373, 0.342898},
                {-0.35, 0.939373, -0.342898},
                {0.75, 0.731689, 0.681639},
                {-0.75, 0.731689, -0.681639}};
    static const double pull[] = {[TEMPORAL_TRUNK] = 9.0, [NASAL_TRUNK] = 4.0, [MACULAR] = 5.0, [BRANCH] = 4.5};
    double wanted = wrap(preferred_direction(growth, sprout, x, y, *course) - *course);
    double forward_x = cos(*course), forward_y = sin(*course);
    bool leaving = length < 0.09;
    double reach = 0.075 + 3.0 * sprout->radius, best = -1e9, best_offset = 0.0, best_room = 0.0;
    for (int i = 0; i < 5; i++) {
        double dx = forward_x * ways[i].cosine - forward_y * ways[i].sine;
        double dy = forward_y * ways[i].cosine + forward_x * ways[i].sine;
        double room = clearance(growth, sprout, self, leaving, x, y, dx, dy, reach);
        double score = room / reach - 0.22 * fabs(ways[i].angle - fmax(-0.75, fmin(0.75, wanted)));
        if (score > best) {
            best = score;
            best_offset = ways[i].angle;
            best_room = room;
        }
    }
    if (best_room < 0.022 + sprout->radius)
        return false;
    double turn = fmax(-1.2, fmin(1.2, wanted)) * pull[sprout->role];
    if (best_room < reach || fabs(best_offset) > 0.0)
        turn = 0.4 * turn + 9.0 * best_offset;
    *course = wrap(*course + STEP * turn);
    return true;
}

/* A side branch at (x, y), and what it leaves of the parent: radius by Murray's law, course bent to the other side. */
static void branch_off(Growth *growth, const Sprout *parent, int self, double x, double y, double heading, double side,
                       double *radius, double *course) {
    Random *random = &growth->random;
    bool trunk = parent->role == TEMPORAL_TRUNK || parent->role == NASAL_TRUNK;
    double share = trunk ? random_between(random, 0.38, 0.66) : random_between(random, 0.46, 0.86);
    /* Trunks split into equals far from the disc. */
    if (trunk)
        share *= 1.0 + 0.35 * fmin(1.0, fmax(0.0, hypot(x - growth->eye->disc.x, y - growth->eye->disc.y) - 0.35));
    /* The thicker a branch is against its parent the less it turns off, and the more it turns the parent. */
    double angle = 1.35 - 0.85 * share + 0.15 * random_normal(random);
    Sprout branch = {.role = BRANCH,
                     .kind = parent->kind,
                     .x = x,
                     .y = y,
                     .heading = wrap(heading + side * angle),
                     .radius = *radius * share,
                     .parent = self,
                     .side = parent->side};
    add_sprout(growth, branch);
    double cube = share * share * share;
    *radius *= cbrt(1.0 - cube);
    *course = wrap(*course - side * 0.55 * cube);
}

/* The nasal trunk leaves the temporal one near the disc's edge. */
static void branch_nasal(Growth *growth, const Sprout *parent, int self, double x, double y, double *radius) {
    Random *random = &growth->random;
    double aim = parent->side * random_between(random, 0.55, 1.05);
    Sprout nasal = {.role = NASAL_TRUNK,
                    .kind = parent->kind,
                    .x = x,
                    .y = y,
                    .heading = parent->side * 1.15,
                    .radius = *radius * random_between(random, 0.62, 0.75),
                    .parent = self,
                    .side = parent->side,
                    .aim = aim};
    add_sprout(growth, nasal);
    *radius *= 0.93;
}

/* Vessels that end in the image thin out, they do not stop; and those that rise on the disc by themselves come out of
 * the depth. */
static void taper_ends(VesselTree *tree, bool rising) {
    Vessel *vessel = &tree->vessels[tree->vessel_count - 1];
    for (int i = 0; rising && i < 5 && i < vessel->count; i++)
        tree->points[vessel->first + i].radius *= 0.3f + 0.14f * (float)i;
    int span = vessel->count < 14 ? vessel->count - 1 : 13;
    for (int i = 0; i < span; i++)
        tree->points[vessel->first + vessel->count - 1 - i].radius *= 0.35f + 0.65f * (float)i / (float)span;
}

/* A cross of cells, so that no ray slips between two points of a vessel. */
static void claim(Growth *growth, VesselKind kind, int self, double x, double y) {
    static const double offsets[5][2] = {{0, 0}, {CELL, 0}, {-CELL, 0}, {0, CELL}, {0, -CELL}};
    for (int i = 0; i < 5; i++) {
        uint16_t *cell = cell_at(growth, kind, x + offsets[i][0], y + offsets[i][1]);
        if (cell && self < UINT16_MAX - 1)
            *cell = (uint16_t)(self + 1);
    }
}

static Status grow_vessel(Growth *growth, Sprout sprout) {
    VesselTree *tree = growth->tree;
    Random *random = &growth->random;
    int self = tree->vessel_count;
    double x = sprout.x, y = sprout.y, course = sprout.heading, heading = course, radius = sprout.radius;
    Meander meander = start_meander(growth, &sprout);
    double avascular = random_between(random, 0.07, 0.13);
    bool trunk = sprout.role == TEMPORAL_TRUNK || sprout.role == NASAL_TRUNK;
    double disc = growth->eye->disc.b;
    double nasal_at = sprout.role == TEMPORAL_TRUNK ? disc * random_between(random, 0.6, 1.1) : -1.0;
    double next = trunk ? disc * random_between(random, 1.3, 1.8) : random_between(random, 0.05, 0.13);
    double side = random_uniform(random) < 0.5 ? 1.0 : -1.0;
    bool ended = false;
    TRY(vessels_begin(tree, sprout.kind));
    TRY(vessels_add(tree, x, y, radius));
    for (double length = 0.0; !ended; length += STEP) {
        sprout.radius = radius;
        double to_fovea = hypot(x, y);
        ended = radius < THINNEST || to_fovea < avascular || !cell_at(growth, sprout.kind, x, y) ||
                !steer(growth, &sprout, self, length, x, y, &course);
        if (ended && length > 2.5 * STEP)
            break;
        double swing = meander_swing(&meander, length);
        heading = course + swing;
        x += STEP * cos(heading);
        y += STEP * sin(heading);
        radius *= exp(-0.12 * STEP);
        if (to_fovea < 0.4) /* only fine vessels come near the fovea */
            radius = fmin(radius, fmax(0.0012 + 0.014 * to_fovea, 0.985 * radius));
        TRY(vessels_add(tree, x, y, radius));
        claim(growth, sprout.kind, self, x, y);
        if (radius > 0.0035 && hypot(x - 0.2, y) < 1.0) {
            growth->drawn += STEP;
            growth->straight += STEP * cos(swing);
        }
        if (nasal_at >= 0.0 && length >= nasal_at) {
            branch_nasal(growth, &sprout, self, x, y, &radius);
            nasal_at = -1.0;
        }
        if (length >= next) {
            branch_off(growth, &sprout, self, x, y, heading, side, &radius, &course);
            next = length + (0.042 + 6.5 * radius) * random_between(random, 0.5, 1.5);
            side = random_uniform(random) < 0.75 ? -side : side;
        }
    }
    taper_ends(tree, sprout.parent < 0 && sprout.role != TEMPORAL_TRUNK);
    return NULL;
}

/* The vessels that leave the disc, of one kind and one half of the retina. */
static void sprout_from_disc(Growth *growth, VesselKind kind, double side) {
    Random *random = &growth->random;
    const Eye *eye = growth->eye;
    const Disc *disc = &eye->disc;
    double caliber = eye->person.caliber;
    /* Veins are about 1.5 times as wide as arteries; the artery leaves on the nasal side of the vein. */
    double radius = (kind == VEIN ? 0.0118 : 0.0086) * caliber * random_between(random, 0.93, 1.07);
    double offset = kind == VEIN ? -0.06 : 0.22;
    /* The arteries' arcade lies within or without the veins'. */
    double apart = kind == VEIN ? 1.0 : random_uniform(random) < 0.6 ? 0.80 : 1.17;
    Sprout trunk = {.role = TEMPORAL_TRUNK,
                    .kind = kind,
                    .x = disc->x + disc->a * offset,
                    .y = disc->y,
                    .heading = side * (0.5 * PI + random_between(random, -0.3, 0.4)),
                    .radius = radius,
                    .parent = -1,
                    .side = side,
                    .aim = eye->arcade * apart * random_between(random, 0.96, 1.04)};
    add_sprout(growth, trunk);
    Sprout macular = {.role = MACULAR,
                      .kind = kind,
                      .x = disc->x - disc->a * random_between(random, 0.35, 0.75),
                      .y = disc->y + disc->b * side * random_between(random, 0.1, 0.45),
                      .heading = PI - side * random_between(random, 0.1, 0.6),
                      .radius = random_between(random, 0.30, 0.42) * radius,
                      .parent = -1,
                      .side = side,
                      .aim = random_between(random, 0.06, 0.16)};
    if (random_uniform(random) < 0.8)
        add_sprout(growth, macular);
    Sprout nasal = {.role = NASAL_TRUNK,
                    .kind = kind,
                    .x = disc->x + disc->a * random_between(random, 0.5, 0.8),
                    .y = disc->y + disc->b * side * random_between(random, 0.05, 0.3),
                    .heading = side * random_between(random, 0.0, 0.35),
                    .radius = random_between(random, 0.28, 0.45) * radius,
                    .parent = -1,
                    .side = side,
                    .aim = side * random_between(random, 0.05, 0.4)};
    if (random_uniform(random) < 0.75)
        add_sprout(growth, nasal);
}

Status vessels_grow(VesselTree *tree, const Eye *eye, uint64_t seed) {
    *tree = (VesselTree){0};
    Growth growth = {.eye = eye, .tree = tree};
    anatomy_stream(&growth.random, seed, STREAM_VESSELS, eye->key);
    size_t grid = 2 * sizeof *growth.territory;
    growth.sprouts = malloc(MAX_SPROUTS * sizeof *growth.sprouts);
    growth.territory = calloc(1, grid);
    Status status = NULL;
    if (!growth.sprouts || !growth.territory)
        status = status_no_memory("the growth of vessels", grid);
    if (!status) {
        for (int kind = 1; kind >= 0; kind--) {
            sprout_from_disc(&growth, (VesselKind)kind, -1.0);
            sprout_from_disc(&growth, (VesselKind)kind, 1.0);
        }
    }
    while (!status && growth.sprout_count > 0)
        status = grow_vessel(&growth, take_thickest(&growth));
    free(growth.sprouts);
    free(growth.territory);
    if (status) {
        vessels_free(tree);
        return status;
    }
    tree->tortuosity = growth.straight > 0.0 ? growth.drawn / growth.straight : 1.0;
    return NULL;
}
