/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/frame/circle_fit.h"

#include "base/random.h"

#include <math.h>

enum { TRIALS = 400, ROUNDS = 12, MIN_POINTS = 8 };

static bool circle_through(const CirclePoint *a, const CirclePoint *b, const CirclePoint *c, Circle *circle) {
    const double bx = b->x - a->x, by = b->y - a->y, cx = c->x - a->x, cy = c->y - a->y;
    const double twice = 2.0 * (bx * cy - by * cx), b2 = bx * bx + by * by, c2 = cx * cx + cy * cy;
    if (fabs(twice) < 1e-9 * (b2 + c2) || twice == 0.0)
        return false;
    const double x = (cy * b2 - by * c2) / twice, y = (bx * c2 - cx * b2) / twice;
    *circle = (Circle){a->x + x, a->y + y, sqrt(x * x + y * y)};
    return true;
}

static int count_inliers(const CirclePoint *points, int count, const Circle *circle, double tolerance) {
    const double low = fmax(0.0, circle->radius - tolerance), high = circle->radius + tolerance;
    const double low2 = low * low, high2 = high * high;
    int near = 0;
    for (int i = 0; i < count; i++) {
        const double x = points[i].x - circle->x, y = points[i].y - circle->y, square = x * x + y * y;
        near += square >= low2 && square <= high2;
    }
    return near;
}

bool circle_fit_ransac(const CirclePoint *points, int count, double min_radius, double max_radius, double tolerance,
                       Circle *circle) {
    if (count < MIN_POINTS)
        return false;
    int best = 0;
    /* If half of the points are on the circle, one triple in eight is good, and all 400 fail once in 10^23. */
    for (uint32_t trial = 0; trial < TRIALS; trial++) {
        const uint32_t counter[4] = {trial, 0, 0, 0}, key[2] = {1, 2};
        uint32_t any[4];
        random_philox(counter, key, any);
        const CirclePoint *a = points + any[0] % count, *b = points + any[1] % count, *c = points + any[2] % count;
        Circle tried;
        if (!circle_through(a, b, c, &tried) || !(tried.radius >= min_radius && tried.radius <= max_radius))
            continue;
        const int near = count_inliers(points, count, &tried, tolerance);
        if (near > best) {
            best = near;
            *circle = tried;
        }
    }
    return best >= MIN_POINTS;
}

/* Solves the symmetric 3 x 3 system m x = v by elimination; false when it has no clear solution. */
static bool solve_3x3(double m[3][3], double v[3]) {
    for (int i = 0; i < 3; i++) {
        if (!(m[i][i] > 1e-9))
            return false;
        for (int j = i + 1; j < 3; j++) {
            const double share = m[j][i] / m[i][i];
            for (int k = i; k < 3; k++)
                m[j][k] -= share * m[i][k];
            v[j] -= share * v[i];
        }
    }
    for (int i = 2; i >= 0; i--) {
        for (int k = i + 1; k < 3; k++)
            v[i] -= m[i][k] * v[k];
        v[i] /= m[i][i];
    }
    return true;
}

bool circle_fit_refine(const CirclePoint *points, int count, double tolerance, Circle *circle) {
    for (int round = 0; round < ROUNDS; round++) {
        double m[3][3] = {{0}}, v[3] = {0};
        int near = 0;
        for (int i = 0; i < count; i++) {
            const double x = points[i].x - circle->x, y = points[i].y - circle->y, distance = sqrt(x * x + y * y);
            const double off = distance - circle->radius, part = off / tolerance;
            if (!(fabs(part) < 1.0) || distance == 0.0)
                continue;
            near++;
            const double weight = (1.0 - part * part) * (1.0 - part * part);
            const double slope[3] = {x / distance, y / distance, 1.0};
            for (int j = 0; j < 3; j++) {
                v[j] += weight * slope[j] * off;
                for (int k = 0; k < 3; k++)
                    m[j][k] += weight * slope[j] * slope[k];
            }
        }
        if (near < MIN_POINTS || !solve_3x3(m, v))
            return false;
        circle->x += v[0];
        circle->y += v[1];
        circle->radius += v[2];
        if (!(circle->radius > 0.0))
            return false;
    }
    return true;
}
