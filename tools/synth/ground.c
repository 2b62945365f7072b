/* SPDX-License-Identifier: Apache-2.0 */
/* What lies behind the vessels. Reflectances are linear light; each was chosen by eye so that a 45 degree photograph of
 * a fair, a brown and a dark fundus looks orange, red-brown and chocolate, with a yellowish disc. */
#include "tools/synth/paint.h"
#include <math.h>

static const double ground_colour[3] = {0.54, 0.138, 0.038}; /* choroid and sclera without pigment */
static const double melanin[3] = {1.15, 1.22, 0.95};
static const double blood[3] = {0.10, 0.55, 0.50};

typedef struct {
    const Noise *noise;
    const Eye *eye;
    float offset; /* where in the noise's table this eye's fields start */
} Ground;

static float smooth(float low, float high, float value) {
    float t = (value - low) / (high - low);
    t = t < 0.0f ? 0.0f : t > 1.0f ? 1.0f : t;
    return t * t * (3.0f - 2.0f * t);
}

double paint_ground_level(const Eye *eye) {
    double level = 0.0;
    for (int c = 0; c < 3; c++)
        level +=
            ground_colour[c] * exp(-melanin[c] * eye->person.melanin - blood[c] * (eye->person.redness - 1.0)) / 3.0;
    return level;
}

/* Pigment, choroidal vessels and macula as absorption, then the reflexes that lie before them. */
static void ground_at(const Ground *ground, float x, float y, float colour[3]) {
    const Eye *eye = ground->eye;
    const Person *person = &eye->person;
    const Noise *noise = ground->noise;
    float at = ground->offset;
    float broad = noise_sum(noise, 2.3f * x + at, 2.3f * y, 3, 0.55f);
    float grain = noise_sum(noise, 34.0f * x, 34.0f * y + at, 3, 0.8f);
    float oval = x * x / 1.3f + y * y;
    float macula = 0.46f * expf(-oval / (2.0f * 0.23f * 0.23f)) + 0.52f * expf(-oval / (2.0f * 0.075f * 0.075f));
    macula *= (float)eye->macula;
    /* Choroidal vessels: bands that fan out from the macula, whose thicker pigment hides them, and join and part on the
     * way. The angle goes once about the noise's table, so that no seam shows. */
    float tessellation = (float)person->tessellation * (1.0f - expf(-oval / (2.0f * 0.30f * 0.30f)));
    float bands = 0.0f;
    if (tessellation > 0.02f) {
        float bend_x = x + 0.11f * noise_at(noise, 3.7f * x + at, 3.7f * y + 40.0f) +
                       0.035f * noise_at(noise, 11.0f * x + at, 11.0f * y + 4.0f);
        float bend_y = y + 0.11f * noise_at(noise, 3.7f * x + 70.0f, 3.7f * y + at) +
                       0.035f * noise_at(noise, 11.0f * x + 7.0f, 11.0f * y + at);
        float across = atan2f(bend_y, bend_x - 0.08f) * (float)(NOISE_SIZE / (2.0 * PI));
        float along = 7.0f * logf(0.05f + bend_x * bend_x + bend_y * bend_y);
        bands = noise_at(noise, across, along + at);
        bands += 0.6f * noise_at(noise, 2.0f * across, 1.6f * along + 31.0f + at);
        bands = smooth(-0.85f, 0.85f, bands) - 0.5f;
    }
    float pigment = (float)person->melanin + 0.16f * broad + 0.022f * grain - 0.27f * tessellation * bands;
    float red = (float)person->redness - 1.0f + 0.10f * noise_at(noise, 1.9f * x + 31.0f, 1.9f * y + at);
    static const float yellow[3] = {0.72f, 1.0f, 1.12f}; /* the macula's yellow and brown pigment */
    for (int c = 0; c < 3; c++)
        colour[c] =
            (float)ground_colour[c] * expf(-(float)melanin[c] * pigment - (float)blood[c] * red - yellow[c] * macula);
}

/* Light thrown back by the surface of the retina: a spot in the fovea's pit, a faint ring about the macula, and the
 * sheen of the nerve fibres, which run along the arcades and thin out with the distance from the disc. */
static void add_reflexes(const Ground *ground, float x, float y, float colour[3]) {
    const Eye *eye = ground->eye;
    const Noise *noise = ground->noise;
    float distance = sqrtf(x * x / 1.25f + y * y);
    float light = 0.0f;
    if (distance < 0.32f) {
        float pit_x = x + 0.006f, pit_y = y - 0.004f;
        light += (float)eye->reflex * 0.11f * expf(-(pit_x * pit_x + pit_y * pit_y) / (2.0f * 0.0075f * 0.0075f));
        float ring = (distance - 0.165f) / 0.026f;
        float patchy = fmaxf(0.0f, 0.45f + 0.8f * noise_at(noise, 5.0f * x + 11.0f, 5.0f * y + ground->offset));
        light += (float)eye->reflex * 0.020f * patchy * expf(-0.5f * ring * ring);
    }
    float temporal = (float)eye->disc.x - x, below = y - (float)eye->disc.y;
    float from_disc = sqrtf(temporal * temporal + below * below);
    if (eye->sheen > 0.02 && from_disc < 1.1f) {
        /* Fibres are the lines of equal `arch`, fine across and long along them. */
        float arch = temporal > 0.0f ? fabsf(below) / (0.06f + sqrtf(temporal)) : 1.2f + fabsf(below) - temporal;
        float bundle = (arch - 0.62f) / 0.26f;
        float thick = expf(-0.5f * bundle * bundle) * expf(-from_disc / 0.38f);
        float streak =
            noise_sum(noise, 46.0f * arch + ground->offset, 5.0f * from_disc + (below > 0 ? 50.0f : 9.0f), 2, 0.6f);
        light += (float)eye->sheen * 0.075f * thick * fmaxf(0.0f, 1.0f + 0.55f * streak);
    }
    colour[0] += 0.75f * light;
    colour[1] += 0.80f * light;
    colour[2] += 0.55f * light;
}

/* The disc: pink-yellow rim, pale cup, soft edge; about it a scatter of light and, in some eyes, a pale or dark
 * crescent at the temple. */
static void add_disc(const Ground *ground, float x, float y, float colour[3]) {
    const Disc *disc = &ground->eye->disc;
    const Noise *noise = ground->noise;
    float dx = x - (float)disc->x, dy = y - (float)disc->y;
    float c = cosf((float)disc->tilt), s = sinf((float)disc->tilt);
    float u = (c * dx + s * dy) / (float)disc->a, v = (c * dy - s * dx) / (float)disc->b;
    float out = sqrtf(u * u + v * v);
    float halo = 0.030f * expf(-out * out / 6.0f);
    colour[0] += halo;
    colour[1] += 0.45f * halo;
    colour[2] += 0.18f * halo;
    if (out > 1.7f)
        return;
    float temporal = out > 1e-3f ? -u / out : 0.0f; /* cosine of the angle to the temple */
    float wobble = noise_at(noise, 1.3f * u / (out + 0.2f) + 60.0f, 1.3f * v / (out + 0.2f) + ground->offset);
    float ragged = out * (1.0f + 0.035f * wobble);
    float side = fmaxf(0.0f, temporal);
    float pale = (float)disc->crescent * side * side * 0.75f;
    if (pale > 0.0f && out > 0.8f) {
        float width = 0.10f + 0.34f * (float)disc->crescent * side;
        float cover = pale * (1.0f - smooth(1.0f + 0.6f * width, 1.0f + 1.25f * width, ragged + 0.05f * wobble));
        static const float sclera[3] = {0.74f, 0.35f, 0.13f};
        for (int i = 0; i < 3; i++)
            colour[i] += cover * (sclera[i] - colour[i]);
    }
    float band = (ragged - 1.10f - 0.30f * (float)disc->crescent * side) / 0.06f;
    float dark = (float)disc->rim * (0.2f + 0.8f * side) * expf(-0.5f * band * band) * (0.7f + 0.6f * wobble);
    float edge = 1.0f - smooth(0.88f, 1.09f, ragged);
    float cup_u = (u - (float)disc->cup_x) / (float)disc->cup, cup_v = (v - (float)disc->cup_y) / (float)disc->cup;
    float cup = 1.0f - smooth(0.62f, 1.20f, sqrtf(cup_u * cup_u + cup_v * cup_v) * (1.0f + 0.05f * wobble));
    float fibres = noise_sum(noise, 7.0f * u + 3.0f, 7.0f * v + ground->offset, 3, 0.6f);
    float pores = cup * fmaxf(0.0f, noise_at(noise, 15.0f * u, 15.0f * v + ground->offset));
    /* The rim is paler to the temple and pinker to the nose, where the fibres are thicker. */
    float pallor = (float)disc->pallor * (1.0f + 0.16f * temporal * fminf(1.0f, out) + 0.05f * fibres);
    static const float edge_colour[3] = {0.63f, 0.245f, 0.088f}, rim_colour[3] = {0.71f, 0.335f, 0.130f};
    static const float cup_colour[3] = {0.84f, 0.57f, 0.27f};
    float outer = smooth(0.55f, 1.0f, ragged);
    for (int i = 0; i < 3; i++) {
        float rim = pallor * (rim_colour[i] + outer * (edge_colour[i] - rim_colour[i]));
        float inside = rim + cup * (cup_colour[i] - rim);
        inside *= 1.0f - 0.13f * pores;
        colour[i] *= expf(-0.9f * fmaxf(0.0f, dark));
        colour[i] += edge * (inside - colour[i]);
    }
}

static void fill_block(Canvas *canvas, int row, int column, int block, const float colour[3]) {
    for (int r = row; r < row + block && r < canvas->size; r++)
        for (int k = column; k < column + block && k < canvas->size; k++)
            for (int c = 0; c < 3; c++)
                canvas->colour[c][(size_t)r * (size_t)canvas->size + (size_t)k] = colour[c];
}

void paint_ground(Canvas *canvas, const Noise *noise, const Eye *eye, int block) {
    Ground ground = {noise, eye, (float)(eye->key % 61)};
    double half = 0.5 * (block - 1);
    for (int row = 0; row < canvas->size; row += block) {
        int left, right;
        canvas_row(canvas, row, &left, &right);
        for (int column = left; column <= right; column += block) {
            double x, y;
            float colour[3];
            canvas_to_retina(canvas, column + half, row + half, &x, &y);
            ground_at(&ground, (float)x, (float)y, colour);
            add_reflexes(&ground, (float)x, (float)y, colour);
            add_disc(&ground, (float)x, (float)y, colour);
            fill_block(canvas, row, column, block, colour);
        }
    }
}
