/* SPDX-License-Identifier: Apache-2.0 */
/* Where an encoder's weights are, and what its shape is. */
#ifndef FOVEA_EVAL_ENCODER_SOURCE_H
#define FOVEA_EVAL_ENCODER_SOURCE_H

#include "checkpoint/weights.h"
#include "model/model.h"

#include <stdbool.h>

/* What the weights do not tell. */
typedef struct {
    const char *key; /* as in weights_open() */
    int heads;       /* 0: of the run's configuration, of the file's note "heads", else as many as are 64 wide */
    double norm_eps; /* 0: 1e-6, and 1e-12 in the files of Hugging Face, as its programs have it */
    int image_size;  /* 0: what the position embeddings are of */
} EncoderHints;

typedef struct {
    char *weights; /* file or folder of weights; NULL: a run without a checkpoint, of which only the shape is wanted */
    char *run;     /* the run's directory; NULL: none is known */
    bool random;   /* the weights are not read: an encoder of the same shape as it begins */
    uint64_t seed; /* of random weights: the run's, else 1 */
    ModelShape shape; /* batch 1; no head, no decoder */
    bool has_norm;    /* the norm after the last block */
    bool assumed;     /* how many heads there are, for lack of a word on it */
} EncoderSource;

/* Looks at `from`: the directory of a run, of which the newest complete checkpoint is taken; the directory of a
 * checkpoint, RUN/ckpt/step-N or RUN/ckpt/best; a file or folder of weights of any program, see weights_open(). With
 * ":random" after it, random weights of that shape. Closed with encoder_source_close() either way. EXIT_USAGE or
 * EXIT_DATA naming it: nothing there, no checkpoint, a damaged one, no encoder in it, heads that are not known, an
 * image size that is no multiple of the patches'. */
Status encoder_source_open(const char *from, const EncoderHints *hints, EncoderSource *source) MUST_USE;
void encoder_source_close(EncoderSource *source);

/* The shape of the encoder that weights are of; *assumed as in EncoderSource. */
Status encoder_shape(const Weights *weights, const EncoderHints *hints, ModelShape *shape, bool *assumed) MUST_USE;

#endif
