/* SPDX-License-Identifier: Apache-2.0 */
/* The painter: layers of the retina, from the back to the front, onto a canvas in linear light. Blood and pigment take
 * light away (transmission = exp(-coefficient x thickness), a coefficient a colour), deposits and fibres cover. */
#ifndef SYNTH_PAINT_H
#define SYNTH_PAINT_H

#include "tools/synth/canvas.h"
#include "tools/synth/noise.h"
#include "tools/synth/vessels.h"

/* A spot with an uneven outline. */
typedef struct {
    double x, y;   /* centre, retina coordinates */
    double a, b;   /* half axes */
    double angle;  /* of the first axis */
    double uneven; /* 0 ellipse .. 1: how far the outline strays, in half axes */
    double soft;   /* 0 sharp .. 1: width of the edge, in half axes */
    double shape;  /* which outline: any number below 1000 */
    double level;  /* nothing is painted above this height (in half axes, -1 top .. 1 bottom); 2: everything is */
} Spot;

/* Takes light away within the spot: colour c is multiplied by exp(-absorb[c]) in its middle. */
void paint_absorb(Canvas *canvas, const Noise *noise, const Spot *spot, const double absorb[3]);
/* Covers the spot with a colour, `opacity` 0 .. 1 in its middle. */
void paint_cover(Canvas *canvas, const Noise *noise, const Spot *spot, const double colour[3], double opacity);

/* The vessels of one kind. `dense` scales how much light their blood takes, about 1. `reflex` 0 .. 1: the bright line
 * along the middle of the wider ones. */
void paint_vessels(Canvas *canvas, const VesselTree *tree, VesselKind kind, double dense, double reflex);

/* Everything behind the vessels: choroid, pigment, macula, nerve fibres, disc. Computed once for `block` x `block`
 * pixels of the canvas: nothing here is finer than two pixels of a canvas that is averaged down. */
void paint_ground(Canvas *canvas, const Noise *noise, const Eye *eye, int block);

/* The mean brightness of the ground that the flash is set by. */
double paint_ground_level(const Eye *eye);

#endif
