/* SPDX-License-Identifier: Apache-2.0 */
/* The camera: from light on the retina to 8 bits, by device.
 *
 *   desk       a circle with a small tab on the rim, as desk cameras mark the upright side; balanced colours, sharp
 *   clipped    a wider field whose circle is cut flat above and below; redder, more contrast
 *   handheld   a smaller circle in more black, soft edge, greenish, more noise, less even light */
#ifndef SYNTH_CAMERA_H
#define SYNTH_CAMERA_H

#include "tools/synth/canvas.h"

/* Radius of the device's circle over half the side of the image. */
double camera_margin(Device device);

/* Whether the camera's image holds the point (u, v), in circle radii from the circle's centre. */
bool camera_sees(Device device, double u, double v);

/* Blurs the canvas, lights it, and writes canvas->size / oversample pixels a side to `pixels` [side][side][3]. `level`
 * is the ground's brightness (paint_ground_level) that the flash follows part of the way. */
void camera_expose(Canvas *canvas, const Exposure *exposure, double level, int oversample, uint64_t seed,
                   uint8_t *pixels);

#endif
