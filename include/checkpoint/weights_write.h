/* SPDX-License-Identifier: Apache-2.0 */
/* Writing weights for other programs. */
#ifndef FOVEA_CHECKPOINT_WEIGHTS_WRITE_H
#define FOVEA_CHECKPOINT_WEIGHTS_WRITE_H

#include "checkpoint/weights.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int tensors;
    int64_t parameters; /* their elements */
} WeightsWritten;

/* Whether the tensor is of an encoder: not of a decoder, not the token that replaces masked patches, not a head of
 * DINOv2's training. */
bool weights_is_encoder(const char *name);

/* Writes all tensors, or those of the encoder, and the file's notes: safetensors, or PyTorch's {'model': ...} for a
 * path that ends in .pth, .pt or .bin. Written beside and renamed, so that `path` is whole or untouched. EXIT_USAGE for
 * another ending, EXIT_DATA naming the tensor, EXIT_IO. */
Status weights_write(const Weights *weights, bool encoder_only, const char *path, WeightsWritten *written) MUST_USE;
/* EXIT_USAGE unless the ending of `path` says what to write. */
Status weights_write_check(const char *path) MUST_USE;

#endif
