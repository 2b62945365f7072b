/* SPDX-License-Identifier: Apache-2.0 */
/* The image while it is painted: linear light in three planes, two scratch planes, and where on the retina it lies.
 */
#ifndef SYNTH_CANVAS_H
#define SYNTH_CANVAS_H

#include "base/status.h"
#include "tools/synth/anatomy.h"
#include <stddef.h>

typedef struct {
    int size;         /* pixels a side */
    float *colour[3]; /* [size][size] each: red, green, blue; 1 is about the brightest a display shows */
    float *layer[2];  /* [size][size] each: scratch of the painter at work */
    double centre;    /* of the circle, pixels, in x and y */
    double radius;    /* of the circle, pixels */
    double pixel;     /* of one pixel, retina units */
    /* retina (x, y) = start + step[.][0] * column + step[.][1] * row */
    double step[2][2], start[2];
} Canvas;

/* Square of pixels in which something lies; empty when left > right or top > bottom. */
typedef struct {
    int left, right, top, bottom; /* inclusive */
} Box;

/* A black canvas of `size` pixels a side whose circle is `margin` (0 .. 1) of half the side. */
Status canvas_open(Canvas *canvas, int size, double margin) MUST_USE;
void canvas_close(Canvas *canvas);

/* Points the canvas at an eye: position, turn, field of view, and mirrored for the left one. */
void canvas_view(Canvas *canvas, const Exposure *exposure, bool left);

/* Retina coordinates of a pixel's centre, and pixel coordinates of a point of the retina. */
void canvas_to_retina(const Canvas *canvas, double column, double row, double *x, double *y);
void canvas_to_pixel(const Canvas *canvas, double x, double y, double *column, double *row);

/* Pixels within `reach` (pixels) of (column, row), cut to the canvas. */
Box canvas_box(const Canvas *canvas, double column, double row, double reach);

/* The columns of a row that lie within the circle, widened by what a tab on its rim takes: *left > *right where none
 * does. */
void canvas_row(const Canvas *canvas, int row, int *left, int *right);

void canvas_clear_layer(Canvas *canvas, int layer);

/* Gaussian blur of the three colours; `deviation` in pixels. */
void canvas_blur(Canvas *canvas, double deviation);

#endif
