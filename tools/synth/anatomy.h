/* SPDX-License-Identifier: Apache-2.0 */
/* Who is photographed: the traits of a person, of an eye and of one exposure, each drawn from its own random stream.
 *
 * Every range and every relation here was chosen by hand from textbook anatomy and from the scale of a 45 degree
 * photograph. No data set was looked at and nothing is fitted.
 *
 * Retina coordinates: the fovea is the origin, x points to the nose, y down, and 1 is the radius of a 45 degree
 * camera's circle (22.5 degrees, about 6.5 mm), for the right eye as for the left: the camera's view mirrors the left
 * eye. */
#ifndef SYNTH_ANATOMY_H
#define SYNTH_ANATOMY_H

#include "base/random.h"
#include <stdbool.h>

#define PI 3.14159265358979323846

/* Each purpose has its own stream, so that a change to one part of the drawing leaves the others as they are. */
typedef enum {
    STREAM_PERSON = 1,
    STREAM_EYE,
    STREAM_VESSELS,
    STREAM_TEXTURE,
    STREAM_LESIONS,
    STREAM_EXPOSURE,
    STREAM_SENSOR,
    STREAM_FORMAT,
    STREAM_SPLIT,
    STREAM_PLANT
} Stream;

typedef enum { DEVICE_DESK, DEVICE_CLIPPED, DEVICE_HANDHELD, DEVICE_COUNT } Device;

typedef struct {
    double age;          /* years at the first visit */
    double melanin;      /* 0 fair .. 1 dark */
    double redness;      /* about 1: choroidal blood */
    double tessellation; /* 0 none .. 1: choroidal vessels seen through the pigment */
    double winding;      /* 0 straight .. 1: what the eyes' vessels tend to */
    double severity;     /* 0 .. 5: whole part is the grade that the eyes tend to */
    double disc_radius;  /* vertical */
    double cup;          /* cup-to-disc ratio that the eyes tend to */
    double caliber;      /* about 1: width of the vessels */
    Device device;       /* of most visits */
} Person;

typedef struct {
    double x, y;  /* centre */
    double a, b;  /* horizontal and vertical half axis */
    double tilt;  /* radians */
    double cup;   /* vertical cup-to-disc ratio */
    double cup_x; /* the cup's centre from the disc's, in half axes */
    double cup_y;
    double pallor;   /* about 1 */
    double crescent; /* 0 .. 1: pale crescent at the temporal edge */
    double rim;      /* 0 .. 1: dark pigment at the temporal edge */
} Disc;

typedef struct {
    Person person; /* with this eye's own melanin, redness and tessellation */
    bool left;
    Disc disc;
    double macula; /* about 1: depth of the macula's pigment */
    double reflex; /* 0 .. 1: the fovea's reflex */
    double sheen;  /* 0 .. 1: of the nerve fibre layer */
    double arcade; /* about 0.66: height of the temporal arcades over the root of the distance from the disc */
    double winding;
    double drusen; /* 0 .. 1: how many; not a lesion of the grade */
    int grade;     /* 0 .. 4 */
    uint64_t key;  /* of the eye's streams */
} Eye;

typedef struct {
    Device device;
    double centre_x, centre_y; /* what the camera looks at, retina coordinates */
    double rotation;           /* radians */
    double field;              /* half the field of view over 22.5 degrees */
    double gain;               /* of the flash, about 1 */
    double light_x, light_y;   /* where the light is strongest, in circle radii */
    double vignette;           /* 0 .. 1: light lost at the circle's edge */
    double defocus;            /* standard deviation of the blur, in circle radii */
    double haze;               /* 0 .. 1: veil of scattered light */
    double glare;              /* 0 .. 1: crescent of stray light at the edge, by a pupil off the axis */
    double glare_angle;
    double yellow; /* 0 .. 1: of the lens */
    double age;    /* years at this visit */
    uint64_t key;  /* of the exposure's streams */
} Exposure;

/* The stream of one purpose for one key (from anatomy_key). */
void anatomy_stream(Random *random, uint64_t seed, Stream stream, uint64_t key);

/* person < 2^31, eye 0 right or 1 left, visit < 2^15. */
uint64_t anatomy_key(uint64_t person, int eye, int visit);

void anatomy_person(Person *person, uint64_t seed, uint64_t number);
void anatomy_eye(Eye *eye, const Person *person, uint64_t seed, uint64_t number, bool left);
void anatomy_exposure(Exposure *exposure, const Eye *eye, uint64_t seed, uint64_t number, int visit);

const char *anatomy_device_name(Device device);

/* A normal value, held between two limits. */
double anatomy_around(Random *random, double mean, double deviation, double low, double high);

#endif
