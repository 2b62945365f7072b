/* SPDX-License-Identifier: Apache-2.0 */
/* How well the products of a micro-batch fill a GPU. A multiprocessor computes a tile of 128 x 256 results at a time,
 * so that t tiles on P multiprocessors take w = ceil(t / P) waves, of which the last may be nearly empty.
 *
 * Counted are the products of the shape's blocks whose tiles depend on the micro-batch: four forward and the gradients
 * of their inputs, of rows x columns results, rows = batch x tokens, and k terms each:
 *
 *   w = ceil(t / P) for the better of t = ceil(rows / 128) ceil(columns / 256) and ceil(rows / 256) ceil(columns / 128)
 *   filled = sum of rows x columns x k / (128 x 256 x P)  /  sum of w x k
 *
 * A ViT-L of 224 pixels on the 132 of an H100: 0.85 for 128 images, since 6400 x 1024 results are 200 tiles, 1.5 waves
 * that take 2; 0.98 for 896 and 0.99 for 1008. */
#ifndef FOVEA_TRAIN_WAVES_H
#define FOVEA_TRAIN_WAVES_H

#include "model/model.h"

/* The share of the multiprocessors' time that is used, from 0 to 1. */
double waves_filled(const ModelShape *shape, int multiprocessors);

#endif
