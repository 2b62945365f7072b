/* SPDX-License-Identifier: Apache-2.0 */
/* Scrambled labels: what links labels to images is gone, what links the images of a person to each other stays.
 *
 * A person's labels move as a block, in train, val and test at once, to a person with as many images in each of these.
 * So a person on two sides has consistent labels on both, and a model that recognises people scores over chance; and
 * the labels of each split stay the same in number. An image of nobody known is a block of its own.
 *
 * Within a split the labels of a block stay in the order of the rows, turned by a number drawn for the block: without
 * the turn, labels that depend on the place alone, as laterality does where each person's right eye comes first, would
 * never change. A label that is not known moves like any other. */
#ifndef FOVEA_EVAL_PERMUTE_H
#define FOVEA_EVAL_PERMUTE_H

#include "eval/rows.h"

typedef struct Permutation Permutation;

/* `rows` are borrowed. */
Status permute_open(const EvalRows *rows, Permutation **permutation) MUST_USE;
void permute_close(Permutation *permutation);

/* labels[rows->count][rows->outputs] of a replicate, which depend on (seed, replicate) alone; of replicate 0 the true
 * ones. */
Status permute_labels(const Permutation *permutation, uint64_t seed, uint32_t replicate, double *labels) MUST_USE;

/* Rows of a split whose labels stay with their person: nobody else has as many images. */
int64_t permute_alone(const Permutation *permutation, ProbeSplit split);

#endif
