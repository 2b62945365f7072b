/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/anatomy.h"
#include <math.h>

static double clamp(double value, double low, double high) {
    return value < low ? low : value > high ? high : value;
}

double anatomy_around(Random *random, double mean, double deviation, double low, double high) {
    return clamp(mean + deviation * random_normal(random), low, high);
}

uint64_t anatomy_key(uint64_t person, int eye, int visit) {
    return person << 16 | (uint64_t)eye << 15 | (uint64_t)visit;
}

void anatomy_stream(Random *random, uint64_t seed, Stream stream, uint64_t key) {
    random_start(random, seed, RANDOM_DRAW, stream, key);
}

const char *anatomy_device_name(Device device) {
    static const char *const names[DEVICE_COUNT] = {"desk", "clipped", "handheld"};
    return names[device];
}

/* Grades 0 to 4 are dealt half, a seventh, a seventh, a tenth and a tenth: far more disease than a screening sees, so
 * that a few hundred people hold enough of every grade to learn from. */
static double draw_severity(Random *random) {
    static const double share[5] = {0.50, 0.15, 0.15, 0.10, 0.10};
    double at = random_uniform(random);
    for (int grade = 0; grade < 5; grade++) {
        if (at < share[grade] || grade == 4)
            return grade + clamp(at / share[grade], 0.0, 0.999);
        at -= share[grade];
    }
    return 0.0;
}

void anatomy_person(Person *person, uint64_t seed, uint64_t number) {
    Random random;
    anatomy_stream(&random, seed, STREAM_PERSON, anatomy_key(number, 0, 0));
    person->age = floor(random_between(&random, 22.0, 86.0));
    person->melanin = random_uniform(&random);
    person->redness = anatomy_around(&random, 1.0, 0.12, 0.7, 1.3);
    /* Choroidal vessels show where there is little pigment before them, and more in old age. */
    double thin = 0.75 * (1.0 - person->melanin) + 0.25 * (person->age - 22.0) / 64.0;
    person->tessellation = clamp(thin * 1.1 - 0.2 + 0.2 * random_normal(&random), 0.0, 1.0);
    /* The swing grows with this; what it adds to the length, with the square: more are straight than wound. */
    person->winding = pow(random_uniform(&random), 0.9);
    person->severity = draw_severity(&random);
    person->disc_radius = anatomy_around(&random, 0.137, 0.010, 0.115, 0.165);
    person->cup = anatomy_around(&random, 0.42, 0.14, 0.15, 0.80);
    person->caliber = anatomy_around(&random, 1.0, 0.08, 0.82, 1.2) * (1.06 - 0.0012 * person->age);
    person->device = (Device)random_below(&random, DEVICE_COUNT);
}

void anatomy_eye(Eye *eye, const Person *person, uint64_t seed, uint64_t number, bool left) {
    Random random;
    eye->key = anatomy_key(number, left, 0);
    anatomy_stream(&random, seed, STREAM_EYE, eye->key);
    eye->person = *person;
    eye->left = left;
    /* The two eyes of a person differ by a fraction of what people differ by. */
    eye->person.melanin = clamp(person->melanin + 0.03 * random_normal(&random), 0.0, 1.0);
    eye->person.tessellation = clamp(person->tessellation + 0.06 * random_normal(&random), 0.0, 1.0);
    eye->winding = clamp(person->winding + 0.07 * random_normal(&random), 0.0, 1.0);
    double severity = person->severity + 0.35 * random_normal(&random);
    eye->grade = (int)clamp(floor(severity), 0.0, 4.0);

    Disc *disc = &eye->disc;
    disc->x = anatomy_around(&random, 0.665, 0.025, 0.60, 0.73);
    disc->y = anatomy_around(&random, -0.065, 0.025, -0.13, 0.0);
    disc->b = person->disc_radius * random_between(&random, 0.97, 1.03);
    disc->a = disc->b * anatomy_around(&random, 0.91, 0.04, 0.80, 1.0);
    disc->tilt = 0.15 * random_normal(&random);
    disc->cup = clamp(person->cup + 0.04 * random_normal(&random), 0.12, 0.85);
    /* The rim is widest below and above, then at the nose: the cup sits a little towards the temple. */
    disc->cup_x = -(1.0 - disc->cup) * random_between(&random, 0.05, 0.28);
    disc->cup_y = (1.0 - disc->cup) * random_between(&random, -0.12, 0.06);
    disc->pallor = anatomy_around(&random, 1.0, 0.08, 0.8, 1.2);
    double old = clamp((person->age - 40.0) / 45.0, 0.0, 1.0);
    disc->crescent = clamp(0.35 * random_normal(&random) + 0.45 * old - 0.1, 0.0, 1.0);
    disc->rim = clamp(0.4 * random_normal(&random) + 0.1, 0.0, 1.0);

    eye->macula = anatomy_around(&random, 1.0, 0.14, 0.65, 1.35);
    /* The reflexes of fovea and nerve fibres belong to young eyes. */
    double young = clamp((62.0 - person->age) / 38.0, 0.0, 1.0);
    eye->reflex = clamp(0.05 + 0.8 * young + 0.2 * random_normal(&random), 0.0, 1.0);
    eye->sheen = clamp(0.85 * young + 0.15 * random_normal(&random), 0.0, 1.0);
    eye->arcade = anatomy_around(&random, 0.66, 0.04, 0.56, 0.75);
    double druse = clamp((person->age - 52.0) / 34.0, 0.0, 1.0);
    eye->drusen = random_uniform(&random) < 0.55 * druse ? random_between(&random, 0.15, 1.0) : 0.0;
}

void anatomy_exposure(Exposure *exposure, const Eye *eye, uint64_t seed, uint64_t number, int visit) {
    Random random;
    exposure->key = anatomy_key(number, eye->left, visit);
    anatomy_stream(&random, seed, STREAM_EXPOSURE, exposure->key);
    const Person *person = &eye->person;
    exposure->age = person->age + visit;
    exposure->device = random_uniform(&random) < 0.85 ? person->device : (Device)random_below(&random, DEVICE_COUNT);
    bool handheld = exposure->device == DEVICE_HANDHELD;
    static const double field[DEVICE_COUNT] = {1.0, 1.09, 0.95};
    exposure->field = field[exposure->device] * anatomy_around(&random, 1.0, 0.015, 0.95, 1.05);
    /* Photographs are centred between fovea and disc, nearer to the fovea; a hand aims less well. */
    double aim = handheld ? 1.7 : 1.0;
    exposure->centre_x = anatomy_around(&random, 0.20, 0.05 * aim, 0.0, 0.42);
    exposure->centre_y = anatomy_around(&random, -0.02, 0.035 * aim, -0.16, 0.14);
    exposure->rotation = anatomy_around(&random, 0.0, 0.035 * aim, -0.14, 0.14);
    exposure->gain = exp(anatomy_around(&random, 0.0, 0.13 * aim, -0.35, 0.35));
    exposure->light_x = anatomy_around(&random, 0.0, 0.16 * aim, -0.45, 0.45);
    exposure->light_y = anatomy_around(&random, 0.0, 0.16 * aim, -0.45, 0.45);
    exposure->vignette = anatomy_around(&random, handheld ? 0.60 : 0.48, 0.09, 0.25, 0.8);
    exposure->defocus = fmin(0.0011 * aim * exp(0.5 * random_normal(&random)), 0.0075);
    double old = clamp((exposure->age - 35.0) / 50.0, 0.0, 1.0);
    exposure->haze = clamp(0.02 + 0.10 * old * old + 0.035 * fabs(random_normal(&random)), 0.0, 0.30);
    exposure->yellow = clamp(0.1 + 0.8 * old + 0.1 * random_normal(&random), 0.0, 1.0);
    exposure->glare = random_uniform(&random) < (handheld ? 0.35 : 0.15) ? random_between(&random, 0.15, 0.8) : 0.0;
    exposure->glare_angle = random_between(&random, 0.0, 2.0 * PI);
}
