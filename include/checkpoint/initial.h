/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a model from weights that it or another program trained. Strict: every tensor of the model is loaded, unless
 * it was named as one that keeps its initial values, and every tensor of the file is one of the model's or of a part
 * that the model is known to lack, such as a decoder. */
#ifndef FOVEA_CHECKPOINT_INITIAL_H
#define FOVEA_CHECKPOINT_INITIAL_H

#include "base/digest.h"
#include "base/status.h"
#include "model/params.h"

#include <stdio.h>

/* How position embeddings become another grid's: as PyTorch's bicubic interpolation (Keys' a = -0.75), which MAE and
 * Hugging Face use, or its antialiased form (a = -0.5), which timm uses. By source: antialias for weights with timm's
 * or DINOv2's names, else bicubic. */
typedef enum { RESIZE_BY_SOURCE, RESIZE_BICUBIC, RESIZE_ANTIALIAS } PositionResize;

typedef struct {
    const char *path, *key; /* as in weights_open() */
    PositionResize resize;
    const char *const *fresh; /* names of the model's tensors that keep their values, as in initial_is_named():
                                 "head.bias", or all of "head" */
    int fresh_count;
} InitialOptions;

/* What became of a tensor. The last three are errors. */
typedef enum {
    INITIAL_LOADED,
    INITIAL_RESIZED,    /* position embeddings of another grid */
    INITIAL_FRESH,      /* named as fresh */
    INITIAL_UNUSED,     /* of the file, and of a part that the model lacks */
    INITIAL_MISSING,    /* of the model, and not in the file */
    INITIAL_UNEXPECTED, /* of the file, and not in the model */
    INITIAL_MISFIT      /* in both, with another shape or a type that is no real number */
} InitialState;
enum { INITIAL_STATES = INITIAL_MISFIT + 1 };

typedef struct {
    int counts[INITIAL_STATES];
    uint8_t sha256[DIGEST_SHA256]; /* of the file, see weights_digest(); zeros after a failure */
} InitialTable;

/* Whether `piece` names a tensor: it is its name, or the name begins with it and goes on with a part of its own. */
bool initial_is_named(const char *name, const char *piece);

/* Reads the file and fills the parameters' values, to be followed by params_round(); those named as fresh are marked
 * so. Prints what became of the tensors to `out`, on failure too (NULL: prints nothing). Nothing changes before every
 * tensor is known to fit. EXIT_DATA naming the file and the tensor: what weights_open() and weights_check_parts()
 * refuse, one of the three errors, a value that is not finite, a file of which nothing is the model's. */
Status initial_read(const Params *params, const InitialOptions *options, FILE *out, InitialTable *table) MUST_USE;

#endif
