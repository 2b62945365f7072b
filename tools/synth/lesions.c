/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/lesions.h"
#include "base/list.h"
#include <math.h>
#include <stdlib.h>

/* How many of each are drawn: at least, at most, by grade. */
typedef struct {
    int low, high;
} Count;
static const Count microaneurysms[5] = {{0, 0}, {3, 9}, {6, 20}, {14, 40}, {12, 40}};
static const Count dots[5] = {{0, 0}, {0, 0}, {2, 9}, {10, 28}, {8, 28}};
static const Count blots[5] = {{0, 0}, {0, 0}, {0, 3}, {3, 10}, {3, 9}};
static const Count flames[5] = {{0, 0}, {0, 0}, {0, 2}, {1, 6}, {1, 5}};
static const Count exudate_clusters[5] = {{0, 0}, {0, 0}, {0, 3}, {1, 5}, {0, 4}};
static const Count cotton_wool[5] = {{0, 0}, {0, 0}, {0, 1}, {1, 5}, {1, 4}};

static int draw_count(Random *random, Count count) {
    return count.low + (int)random_below(random, (uint32_t)(count.high - count.low + 1));
}

static Status add(Lesions *lesions, LesionKind kind, Spot spot, double strength) {
    TRY(list_grow(&lesions->list, lesions->count, &lesions->capacity, sizeof *lesions->list, "lesions"));
    lesions->list[lesions->count++] = (Lesion){kind, spot, strength};
    return NULL;
}

/* A place on the retina, denser towards the fovea, off the disc, within the camera's usual field. */
static void draw_place(Random *random, const Eye *eye, double spread, double nearest, double *x, double *y) {
    const Disc *disc = &eye->disc;
    for (int attempt = 0; attempt < 200; attempt++) {
        double distance = nearest + spread * fabs(random_normal(random));
        double angle = random_between(random, 0.0, 2.0 * PI);
        *x = distance * cos(angle);
        *y = distance * sin(angle);
        double u = (*x - disc->x) / disc->a, v = (*y - disc->y) / disc->b;
        if (u * u + v * v > 1.5 && hypot(*x - 0.2, *y) < 0.93)
            return;
    }
}

static Spot round_spot(Random *random, double x, double y, double radius) {
    double aspect = random_between(random, 0.72, 1.0);
    return (Spot){.x = x,
                  .y = y,
                  .a = radius,
                  .b = radius * aspect,
                  .angle = random_between(random, 0.0, PI),
                  .uneven = 0.25,
                  .soft = 0.35,
                  .shape = random_between(random, 0.0, 900.0),
                  .level = 2.0};
}

static Status draw_blood(Lesions *lesions, const Eye *eye, Random *random) {
    double x, y;
    for (int i = draw_count(random, microaneurysms[eye->grade]); i > 0; i--) {
        draw_place(random, eye, 0.40, 0.03, &x, &y);
        Spot spot = round_spot(random, x, y, random_between(random, 0.0055, 0.0100));
        TRY(add(lesions, MICROANEURYSM, spot, random_between(random, 0.7, 1.1)));
    }
    for (int i = draw_count(random, dots[eye->grade]); i > 0; i--) {
        draw_place(random, eye, 0.48, 0.05, &x, &y);
        Spot spot = round_spot(random, x, y, random_between(random, 0.009, 0.019));
        spot.uneven = 0.4;
        TRY(add(lesions, HAEMORRHAGE, spot, random_between(random, 0.6, 1.0)));
    }
    for (int i = draw_count(random, blots[eye->grade]); i > 0; i--) {
        draw_place(random, eye, 0.50, 0.08, &x, &y);
        Spot spot = round_spot(random, x, y, random_between(random, 0.020, 0.048));
        spot.uneven = 0.55;
        spot.soft = 0.45;
        TRY(add(lesions, HAEMORRHAGE, spot, random_between(random, 0.6, 1.0)));
    }
    for (int i = draw_count(random, flames[eye->grade]); i > 0; i--) {
        draw_place(random, eye, 0.50, 0.15, &x, &y);
        Spot spot = round_spot(random, x, y, random_between(random, 0.022, 0.055));
        /* Blood between the nerve fibres spreads along them, away from the disc. */
        spot.angle = atan2(y - eye->disc.y, x - eye->disc.x) + 0.2 * random_normal(random);
        spot.b = spot.a * random_between(random, 0.2, 0.4);
        spot.uneven = 0.6;
        spot.soft = 0.6;
        TRY(add(lesions, FLAME_HAEMORRHAGE, spot, random_between(random, 0.5, 0.9)));
    }
    return NULL;
}

/* Exudates lie in patches, or in rings about a leaking vessel. */
static Status draw_exudates(Lesions *lesions, const Eye *eye, Random *random) {
    for (int i = draw_count(random, exudate_clusters[eye->grade]); i > 0; i--) {
        double x, y;
        draw_place(random, eye, 0.30, 0.08, &x, &y);
        bool ring = random_uniform(random) < 0.45;
        double size = ring ? random_between(random, 0.05, 0.12) : random_between(random, 0.02, 0.07);
        double start = random_between(random, 0.0, 2.0 * PI), arc = random_between(random, 2.0, 5.5);
        for (int n = 6 + (int)random_below(random, 30); n > 0; n--) {
            double angle = ring ? start + arc * random_uniform(random) : random_between(random, 0.0, 2.0 * PI);
            double away = ring ? size * (1.0 + 0.12 * random_normal(random)) : size * fabs(random_normal(random));
            double radius = 0.0035 * exp(0.5 * random_normal(random));
            Spot spot = round_spot(random, x + away * cos(angle), y + away * sin(angle), fmin(radius, 0.013));
            spot.uneven = 0.45;
            spot.soft = 0.25;
            TRY(add(lesions, EXUDATE, spot, random_between(random, 0.6, 1.0)));
        }
    }
    return NULL;
}

static Status draw_pale(Lesions *lesions, const Eye *eye, Random *random) {
    double x, y;
    for (int i = draw_count(random, cotton_wool[eye->grade]); i > 0; i--) {
        draw_place(random, eye, 0.30, 0.28, &x, &y);
        /* Swollen nerve fibres: a few soft flocks side by side, each drawn out along the fibres. */
        double size = random_between(random, 0.018, 0.040), strength = random_between(random, 0.6, 1.0);
        double fibres = atan2(y - eye->disc.y, x - eye->disc.x);
        for (int flock = 3 + (int)random_below(random, 4); flock > 0; flock--) {
            double along = 0.35 * size * random_normal(random), across = 0.75 * size * random_normal(random);
            Spot spot =
                round_spot(random, x + along * cos(fibres) - across * sin(fibres),
                           y + along * sin(fibres) + across * cos(fibres), size * random_between(random, 0.5, 1.0));
            spot.angle = fibres + 0.3 * random_normal(random);
            spot.b = spot.a * random_between(random, 0.35, 0.7);
            spot.uneven = 0.5;
            spot.soft = 0.9;
            TRY(add(lesions, COTTON_WOOL, spot, strength));
        }
    }
    if (eye->drusen > 0.0)
        for (int i = 4 + (int)(56.0 * eye->drusen); i > 0; i--) {
            draw_place(random, eye, 0.17, 0.01, &x, &y);
            Spot spot = round_spot(random, x, y, 0.0065 * exp(0.4 * random_normal(random)));
            spot.soft = 0.7;
            TRY(add(lesions, DRUSE, spot, random_between(random, 0.5, 1.0)));
        }
    return NULL;
}

/* New vessels: a frond of fine curls that spreads from one root and bends back upon itself. */
static Status draw_tuft(Lesions *lesions, Random *random, double x, double y) {
    double size = random_between(random, 0.05, 0.12), facing = random_between(random, 0.0, 2.0 * PI);
    for (int curl = 9 + (int)random_below(random, 9); curl > 0; curl--) {
        double px = x + 0.12 * size * random_normal(random), py = y + 0.12 * size * random_normal(random);
        double heading = facing + 0.9 * random_normal(random), bend = 10.0 * random_normal(random);
        double length = size * random_between(random, 0.5, 1.7), radius = random_between(random, 0.0017, 0.0030);
        TRY(vessels_begin(&lesions->tufts, VEIN));
        TRY(vessels_add(&lesions->tufts, px, py, radius));
        for (double at = 0.0; at < length; at += 0.005) {
            /* The farther from the root, the tighter the curl. */
            bend += 9.0 * random_normal(random) + (bend > 0.0 ? 1.0 : -1.0) * 25.0 * at;
            bend = fmax(-90.0, fmin(90.0, 0.97 * bend));
            heading += 0.005 * bend;
            px += 0.005 * cos(heading);
            py += 0.005 * sin(heading);
            TRY(vessels_add(&lesions->tufts, px, py, radius * (1.0 - 0.5 * at / length)));
        }
    }
    return NULL;
}

static Status draw_proliferation(Lesions *lesions, const Eye *eye, Random *random) {
    double x, y;
    int tufts = (int)random_below(random, 4);
    for (int i = 0; i < tufts; i++) {
        if (random_uniform(random) < 0.4) {
            x = eye->disc.x + 0.5 * eye->disc.a * random_normal(random);
            y = eye->disc.y + 0.5 * eye->disc.b * random_normal(random);
        } else {
            draw_place(random, eye, 0.15, 0.42, &x, &y);
        }
        TRY(draw_tuft(lesions, random, x, y));
    }
    if (tufts == 0 || random_uniform(random) < 0.4) {
        draw_place(random, eye, 0.20, 0.30, &x, &y);
        double size = random_between(random, 0.08, 0.20);
        /* Blood before the retina sinks: a flat level above, a bow below. */
        Spot spot = {.x = x,
                     .y = y,
                     .a = size,
                     .b = size * random_between(random, 0.55, 0.9),
                     .angle = 0.06 * random_normal(random),
                     .uneven = 0.22,
                     .soft = 0.10,
                     .shape = random_between(random, 0.0, 900.0),
                     .level = random_between(random, -0.35, 0.0)};
        TRY(add(lesions, PRERETINAL_HAEMORRHAGE, spot, random_between(random, 0.85, 1.1)));
    }
    return NULL;
}

Status lesions_draw(Lesions *lesions, const Eye *eye, uint64_t seed) {
    *lesions = (Lesions){0};
    Random random;
    anatomy_stream(&random, seed, STREAM_LESIONS, eye->key);
    Status status = draw_pale(lesions, eye, &random);
    if (!status)
        status = draw_exudates(lesions, eye, &random);
    if (!status)
        status = draw_blood(lesions, eye, &random);
    if (!status && eye->grade == 4)
        status = draw_proliferation(lesions, eye, &random);
    if (status)
        lesions_free(lesions);
    return status;
}

void lesions_free(Lesions *lesions) {
    free(lesions->list);
    vessels_free(&lesions->tufts);
    *lesions = (Lesions){0};
}

static void absorb_blood(Canvas *canvas, const Noise *noise, const Lesion *lesion, double depth) {
    const double absorb[3] = {0.62 * depth * lesion->strength, 1.85 * depth * lesion->strength,
                              1.0 * depth * lesion->strength};
    paint_absorb(canvas, noise, &lesion->spot, absorb);
}

void lesions_paint_behind(Canvas *canvas, const Noise *noise, const Lesions *lesions) {
    static const double exudate[3] = {0.95, 0.66, 0.24};
    for (int i = 0; i < lesions->count; i++) {
        const Lesion *lesion = &lesions->list[i];
        if (lesion->kind == EXUDATE)
            paint_cover(canvas, noise, &lesion->spot, exudate, 0.85 * lesion->strength);
        else if (lesion->kind == DRUSE) {
            /* Under the pigment, which they lift and thin: a little brighter than their surroundings. */
            const double brighten[3] = {-0.22 * lesion->strength, -0.50 * lesion->strength, -0.35 * lesion->strength};
            paint_absorb(canvas, noise, &lesion->spot, brighten);
        }
    }
}

void lesions_paint_before(Canvas *canvas, const Noise *noise, const Lesions *lesions) {
    static const double wool[3] = {0.80, 0.60, 0.36};
    for (int i = 0; i < lesions->count; i++) {
        const Lesion *lesion = &lesions->list[i];
        if (lesion->kind == MICROANEURYSM)
            absorb_blood(canvas, noise, lesion, 0.85);
        else if (lesion->kind == HAEMORRHAGE)
            absorb_blood(canvas, noise, lesion, 1.0);
        else if (lesion->kind == FLAME_HAEMORRHAGE)
            absorb_blood(canvas, noise, lesion, 0.9);
        else if (lesion->kind == COTTON_WOOL)
            paint_cover(canvas, noise, &lesion->spot, wool, 0.48 * lesion->strength);
    }
    if (lesions->tufts.vessel_count > 0)
        paint_vessels(canvas, &lesions->tufts, VEIN, 1.9, 0.0);
    for (int i = 0; i < lesions->count; i++)
        if (lesions->list[i].kind == PRERETINAL_HAEMORRHAGE)
            absorb_blood(canvas, noise, &lesions->list[i], 1.35);
}
