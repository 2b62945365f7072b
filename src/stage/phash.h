/* Perceptual hash: pictures that look alike differ in few of its 64 bits. */
#ifndef FOVEA_STAGE_PHASH_H
#define FOVEA_STAGE_PHASH_H

#include <stdint.h>

/* Of a record [size][size][3]: grey, reduced to 32 x 32, the 8 x 8 lowest frequencies of its cosine transform but the
 * mean, each against their median (Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010).
 */
uint64_t phash(const uint8_t *record, int size);

#endif
