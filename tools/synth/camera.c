/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/camera.h"
#include <math.h>

typedef struct {
    double margin;
    double clip;       /* the circle ends above and below at this height; 1 whole */
    double tab;        /* radius of the tab on the rim; 0 none */
    double edge;       /* width of the circle's edge */
    double balance[3]; /* colour cast */
    double mix;        /* how much the colours are pulled apart (above 0) or together (below) */
    double gamma;
    double black[3]; /* level of the surround, of 255 */
    double noise;    /* of the sensor at full light in an image of 1024 pixels, of 255 */
} Model;

static const Model models[DEVICE_COUNT] = {
    [DEVICE_DESK] = {0.965, 1.0, 0.035, 0.004, {1.0, 1.0, 1.0}, 0.0, 2.2, {1.5, 1.5, 1.5}, 2.2},
    [DEVICE_CLIPPED] = {0.995, 0.82, 0.0, 0.003, {1.04, 0.97, 0.86}, 0.02, 2.1, {0.4, 0.2, 0.2}, 2.8},
    [DEVICE_HANDHELD] = {0.92, 1.0, 0.0, 0.014, {0.89, 1.04, 1.14}, -0.05, 2.3, {5.0, 5.0, 6.5}, 5.0},
};
#define TAB_ANGLE (-0.70) /* of the tab on the rim: to the right, above the middle */

double camera_margin(Device device) {
    return models[device].margin;
}

bool camera_sees(Device device, double u, double v) {
    return u * u + v * v < 1.0 && fabs(v) < models[device].clip;
}

/* How far within the image's bright part (u, v) lies, in circle radii; negative without. */
static double depth_inside(const Model *model, double u, double v) {
    double depth = fmin(1.0 - sqrt(u * u + v * v), model->clip - fabs(v));
    if (model->tab > 0.0) {
        double tab = model->tab - hypot(u - cos(TAB_ANGLE), v - sin(TAB_ANGLE));
        depth = fmax(depth, tab);
    }
    return depth;
}

/* Light on the retina at (u, v), and stray light that no retina has seen. */
static void illuminate(const Exposure *exposure, double gain, double u, double v, const float light[3], float out[3]) {
    double du = u - exposure->light_x, dv = v - exposure->light_y;
    double fall = exposure->vignette * (du * du + dv * dv);
    double lit = gain / (1.0 + fall * (0.9 + 0.8 * fall));
    /* The lens, yellower with age, takes blue; scattered light veils all alike. */
    static const double veil[3] = {0.30, 0.155, 0.075};
    double lens[3] = {1.0 - 0.02 * exposure->yellow, 1.0 - 0.10 * exposure->yellow, 1.0 - 0.42 * exposure->yellow};
    double glare = 0.0;
    if (exposure->glare > 0.0) {
        /* A crescent along the edge, on one side. */
        double radius = sqrt(u * u + v * v);
        double facing = (u * cos(exposure->glare_angle) + v * sin(exposure->glare_angle)) / fmax(radius, 0.05);
        double near = (radius - 1.02) / 0.20;
        glare = exposure->glare * exp(-0.5 * near * near) * fmax(0.0, facing) * fmax(0.0, facing) * 0.20;
    }
    static const double stray[3] = {0.85, 0.75, 0.85};
    for (int c = 0; c < 3; c++) {
        double seen = (1.0 - exposure->haze) * light[c] * lens[c] + exposure->haze * veil[c] * lens[c];
        out[c] = (float)(lit * seen + glare * stray[c]);
    }
}

/* The sensor's response: straight in the dark, bending towards full scale, then the display's gamma. */
static float respond(float light, float gamma) {
    if (light <= 0.0f)
        return 0.0f;
    if (light > 0.55f)
        light = 0.55f + 0.45f * (1.0f - expf(-(light - 0.55f) / 0.45f));
    return powf(light, 1.0f / gamma);
}

/* About normal, mean 0 and deviation 1, from 16 bits: the sum of four numbers of 4 bits, which is all that noise of a
 * few levels needs. */
static double grain(uint32_t bits) {
    int sum = (int)(bits & 15) + (int)(bits >> 4 & 15) + (int)(bits >> 8 & 15) + (int)(bits >> 12 & 15);
    return (sum - 30) / 9.2195;
}

/* One image element after its samples were averaged. */
static void develop(const Model *model, const float light[3], double noise, Random *random, double inside,
                    uint8_t pixel[3]) {
    double value[3], mean = 0.0;
    for (int c = 0; c < 3; c++) {
        value[c] = 255.0 * respond(light[c] * (float)model->balance[c], (float)model->gamma);
        mean += value[c] / 3.0;
    }
    uint32_t first = random_u32(random), second = random_u32(random);
    const double grains[3] = {grain(first & 0xffff), grain(first >> 16), grain(second & 0xffff)};
    double common = grain(second >> 16);
    for (int c = 0; c < 3; c++) {
        double shown = value[c] + model->mix * (value[c] - mean);
        shown = model->black[c] + inside * (shown - model->black[c]);
        /* Shot noise grows with the root of the light, so in gamma's scale it is nearly even; the readout's is seen in
         * the dark. Part of it is common to the colours. */
        double deviation = noise * (inside * 0.8 + 0.2);
        shown += deviation * (0.8 * grains[c] + 0.6 * common);
        pixel[c] = (uint8_t)fmin(255.0, fmax(0.0, shown + 0.5));
    }
}

void camera_expose(Canvas *canvas, const Exposure *exposure, double level, int oversample, uint64_t seed,
                   uint8_t *pixels) {
    const Model *model = &models[exposure->device];
    int side = canvas->size / oversample;
    canvas_blur(canvas, exposure->defocus * canvas->radius);
    Random random;
    anatomy_stream(&random, seed, STREAM_SENSOR, exposure->key);
    /* The operator sets the flash by what he sees, but not all the way. */
    double gain = 1.32 * exposure->gain * pow(0.24 / level, 0.42);
    /* A smaller image averages more of the sensor, though compression keeps it from falling as fast as the count. */
    double noise = model->noise * pow(side / 1024.0, 0.35);
    double radius = canvas->radius / oversample, middle = 0.5 * (side - 1);
    double share = 1.0 / (oversample * oversample);
    double soft = fmax(model->edge, 0.7 / radius);
    for (int row = 0; row < side; row++)
        for (int column = 0; column < side; column++) {
            double u = (column - middle) / radius, v = (row - middle) / radius;
            double inside = 0.5 + depth_inside(model, u, v) / (2.0 * soft);
            inside = fmin(1.0, fmax(0.0, inside));
            inside = inside * inside * (3.0 - 2.0 * inside);
            float light[3] = {0.0f, 0.0f, 0.0f};
            for (int c = 0; inside > 0.0 && c < 3; c++) {
                const float *plane = canvas->colour[c];
                for (int i = 0; i < oversample; i++)
                    for (int j = 0; j < oversample; j++)
                        light[c] += plane[(size_t)(row * oversample + i) * (size_t)canvas->size +
                                          (size_t)(column * oversample + j)];
                light[c] *= (float)share;
            }
            if (inside > 0.0)
                illuminate(exposure, gain, u, v, light, light);
            develop(model, light, noise, &random, inside, pixels + 3 * ((size_t)row * (size_t)side + (size_t)column));
        }
}
