/* SPDX-License-Identifier: Apache-2.0 */
/* An encoder of any origin, ready to compute features. */
#ifndef FOVEA_EVAL_ENCODER_H
#define FOVEA_EVAL_ENCODER_H

#include "base/digest.h"
#include "checkpoint/initial.h"
#include "eval/features/encoder_source.h"
#include "eval/task.h"
#include "model/backbone.h"

#include <stdio.h>

typedef struct {
    const char *from; /* as in encoder_source_open() */
    EncoderHints hints;
    PositionResize resize; /* of position embeddings, where the image size is another than the weights' */
    int batch;             /* images at a time; 0: what memory allows, at most 16 on the CPU and 256 on a GPU */
} EncoderOptions;

typedef struct {
    char *name; /* as it was given */
    EncoderSource source;
    ModelShape shape; /* the source's, with the batch */
    RealType type;    /* that it computes in */
    PositionResize resize;
    const char *entry;             /* of a file of torch.save, which may have several; NULL: its usual one; borrowed */
    uint8_t sha256[DIGEST_SHA256]; /* of the file of weights; of random ones, of what they are drawn from */
    Ops *ops;                      /* borrowed */
    Backbone *backbone;
} Encoder;

/* Opens it on the device of `ops`, in whose type it computes, FP32 or BF16. Prints what became of the weights' tensors
 * to `out` (NULL: nothing). Closed with encoder_close() either way. Fails as encoder_source_open(), initial_read() and
 * for lack of memory. */
Status encoder_open(const EncoderOptions *options, Ops *ops, FILE *out, Encoder *encoder) MUST_USE;
void encoder_close(Encoder *encoder);

/* Numbers of an image's features. */
int encoder_width(const Encoder *encoder, TaskFeatures tokens);
/* EXIT_USAGE when the encoder lacks the norm that they come after. */
Status encoder_check(const Encoder *encoder, TaskFeatures tokens) MUST_USE;
/* Computes the features of at most shape.batch images into `features` [batch][encoder_width()], of the host's memory.
 * `images`: the pixels or normalised images of a ModelInput, in the host's memory. */
Status encoder_run(Encoder *encoder, TaskFeatures tokens, const ModelInput *images, float *features) MUST_USE;

#endif
