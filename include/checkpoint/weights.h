/* SPDX-License-Identifier: Apache-2.0 */
/* The weights of a model, from any file that people have them in: safetensors, whole or in shards with an index; what
 * torch.save writes since PyTorch 1.6; a folder with one of these. A pickle is read by an interpreter that calls
 * nothing. Names become those of MAE and timm: prefixes of wrappers are stripped, chunks of DINOv2's blocks and the
 * three ways in which Hugging Face named ViTMAE are mapped, and separate queries, keys and values joined. */
#ifndef FOVEA_CHECKPOINT_WEIGHTS_H
#define FOVEA_CHECKPOINT_WEIGHTS_H

#include "base/digest.h"
#include "base/status.h"
#include "base/tensor.h"

typedef struct Weights Weights;

/* Whose model it is, as far as names tell; it decides how position embeddings are resized. */
typedef enum { WEIGHTS_OF_MAE, WEIGHTS_OF_TIMM, WEIGHTS_OF_DINOV2, WEIGHTS_OF_HUGGING_FACE } WeightsSource;

/* Reads `path`. `key` is the entry of a PyTorch file that has the tensors; NULL takes model, teacher or state_dict, or
 * the file's own dictionary. Takes memory for the tensors read, and at most the file's size again for those that have
 * to be rearranged. EXIT_DATA naming file and tensor or cause; EXIT_IO; EXIT_USAGE for a `key` where there are no
 * entries. */
Status weights_open(const char *path, const char *key, Weights **weights) MUST_USE;
void weights_close(Weights *weights);

int weights_count(const Weights *weights);
/* In the order of the file; data in any alignment. */
const Tensor *weights_at(const Weights *weights, int index);
const Tensor *weights_find(const Weights *weights, const char *name); /* NULL: none */
/* The tensor's name in the file; of joined ones the query's. */
const char *weights_origin(const Weights *weights, int index);
const char *weights_path(const Weights *weights);
WeightsSource weights_source(const Weights *weights);
/* Entry `index` of the files' __metadata__; false beyond the last. */
bool weights_note_at(const Weights *weights, int index, TensorNote *note);
/* How many entries of the dictionary are no tensors but plain values, and are left out. */
int weights_left_out(const Weights *weights);

/* SHA-256 of the file that has the tensors; of shards, of all their bytes, one after another as the index names them.
 */
Status weights_digest(const Weights *weights, uint8_t sha256[DIGEST_SHA256]) MUST_USE;

/* EXIT_DATA naming the first tensor of a part that fovea's models do not have and that changes what all others compute:
 * registers, gated MLPs, norms of queries and keys, relative positions. */
Status weights_check_parts(const Weights *weights) MUST_USE;

#endif
