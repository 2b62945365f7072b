/* SPDX-License-Identifier: Apache-2.0 */
/* Perceptual hash: images that look alike differ in few of its 64 bits. */
#ifndef FOVEA_PACK_PHASH_H
#define FOVEA_PACK_PHASH_H

#include <stdint.h>

/* The hash of a record [size][size][3]. The usual one (Zauner, "Implementation and benchmarking of perceptual image
 * hash functions", 2010: the lowest frequencies of the image's cosine transform) is dominated by the bright disc on
 * black that all fundus photographs share, and gives some of different people the same value. This one uses the
 * record's inner circle (0.9 of its radius, without its black parts) in grey, reduced to 64 x 64: the local mean is
 * subtracted, the rest divided by its local deviation, and each bit is the sign of one cosine frequency of 6 to 14 half
 * waves across the image, where vessels show. 0 for an image without any structure. */
uint64_t phash(const uint8_t *record, int size);

/* Bits in which two hashes of one photograph may differ; a hash of 0 matches none. Over 800 drawn photographs of 200
 * people at 256 pixels, copies (recompressed at quality 60 and up, 15 % brighter or darker, grey, resized, or moved by
 * half a pixel) differ in at most 5; those of different people (318,400 pairs) in at least 10, 29.4 +- 4.6 in the mean,
 * fellow eyes in at least 20. Copies of smaller photographs differ in more: of 54 of 160 pixels (quality 85, or 8 %
 * brighter) one in 6, and some in 7 and more where their square is a pixel off. By that distribution three pairs of
 * people in 10^6 match by hash; comparing their records decides (PHASH_LIKE). */
enum { PHASH_NEAR = 8 };

/* The likeness of two records [size_a][size_a][3] and [size_b][size_b][3]: the correlation, -1 .. 1, of the normalised
 * images that phash() hashes.
 */
double phash_likeness(const uint8_t *a, int size_a, const uint8_t *b, int size_b);

/* Matching hashes alone are no proof: among millions of pairs of people some match. Copies (recompressed at quality 60,
 * 15 % brighter or darker) of 600 drawn photographs have a likeness of at least 0.91, people with matching hashes among
 * 2,000 photographs at most 0.50, and two visits of one eye up to 0.78. */
#define PHASH_LIKE 0.8

#endif
