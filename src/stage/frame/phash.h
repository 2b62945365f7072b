/* SPDX-License-Identifier: Apache-2.0 */
/* Perceptual hash: images that look alike differ in few of its 64 bits. */
#ifndef FOVEA_STAGE_PHASH_H
#define FOVEA_STAGE_PHASH_H

#include <stdint.h>

/* The hash of a record [size][size][3]. The usual one (Zauner, "Implementation and benchmarking of perceptual image
 * hash functions", 2010: the lowest frequencies of the image's cosine transform) sees the bright disc on black that
 * all fundus photographs share, and gives some of different people the same value. So, from the record's inner circle
 * (0.9 of its radius, without what is black there), in grey, reduced to 64 x 64: the local mean is taken off, the rest
 * divided by its local deviation, and each bit is the sign of one cosine frequency of 6 to 14 half waves across the
 * image, where vessels show. 0 for an image without any structure. */
uint64_t phash(const uint8_t *record, int size);

/* Bits in which two hashes of one photograph may differ; a hash of 0 is near none. Over 800 drawn photographs of 200
 * people at 256 pixels, copies compressed again (quality 60 and up), made brighter or darker by 15 %, grey, resized, or
 * moved by half a pixel differ in 5 at most; those of different people (318,400 pairs) in 10 at least, 29.4 +- 4.6 in
 * the mean, fellow eyes in 20 at least. Copies of smaller photographs differ in more: of 54 of 160 pixels (quality 85,
 * or 8 % brighter) one in 6, and where the square falls a pixel aside of them some in 7 and more. By that law three
 * pairs of people in 10^6 are taken for copies at first; their records tell (PHASH_LIKE). */
enum { PHASH_NEAR = 8 };

/* How alike two records [size][size][3] are: the correlation, -1 .. 1, of the evened out images that phash() hashes.
 */
double phash_likeness(const uint8_t *a, const uint8_t *b, int size);

/* Near hashes alone are not proof: among millions of pairs of people some are near. Copies (compressed again at quality
 * 60, 15 % brighter or darker) of 600 drawn photographs have a likeness of 0.91 at least, people with near hashes among
 * 2,000 photographs 0.50 at most, and two visits of one eye up to 0.78. */
#define PHASH_LIKE 0.8

#endif
