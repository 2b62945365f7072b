/* SPDX-License-Identifier: Apache-2.0 */
/* A vision transformer with a linear head (Dosovitskiy et al., arXiv 2010.11929), trained towards labels. It pools as
 * MAE's and timm's do: the mean of the patch tokens and a norm of it, fc_norm; or the class token after the encoder's
 * norm. */
#ifndef FOVEA_MODEL_VIT_H
#define FOVEA_MODEL_VIT_H

#include "base/arena.h"
#include "model/input.h"
#include "model/params.h"

typedef struct Vit Vit;

/* As mae_measure() and mae_open(). */
Status vit_measure(const ModelShape *shape, RealType type, bool host_memory, Arena *host, Arena *arena,
                   Params *params) MUST_USE;
Status vit_open(const ModelShape *shape, Ops *ops, Vit **vit) MUST_USE;
void vit_close(Vit *vit);

Params *vit_params(Vit *vit);
const ModelShape *vit_shape(const Vit *vit);

/* As mae_init(), with a head N(0, 2e-5) and LayerScale 1e-5. */
Status vit_init(Vit *vit, uint64_t seed) MUST_USE;

/* Weights of the classes, [shape_outputs()] in the host's memory: of a label's class and of the classes that smoothing
 * adds in TASK_CLASSIFY, of the positive labels in TASK_MULTILABEL and TASK_ORDINAL; TASK_REGRESS takes none. 1 until
 * they are set. */
Status vit_set_weights(Vit *vit, const float *weights) MUST_USE;
/* What makes a loss the mean over the known ones of `labels` [batch][shape_labels()], in the host's memory: their
 * weights' sum in TASK_CLASSIFY, else how many outputs have a label. Where a batch is computed in n parts, each part's
 * loss divides by an n-th of the whole batch's, so that the mean of their losses is that of the batch however its known
 * labels fall. */
double vit_known(const Vit *vit, const float *labels, int batch);

/* Drop-path's factors of one sample, [depth][2]: 0 with the block's probability p, else 1 / (1 - p) (Huang et al.,
 * arXiv 1603.09382). They depend on the seed, the epoch and the sample alone. */
void vit_draw_keep(const ModelShape *shape, uint64_t seed, uint32_t epoch, uint64_t sample, float *keep);

/* input_upload() to the model's slots, and bytes that it has copied so far. */
Status vit_upload(Vit *vit, int slot, Stream *stream, const ModelInput *host, ModelInput *input) MUST_USE;
uint64_t vit_uploaded_bytes(const Vit *vit);

/* Forward pass. Failures are kept in the table (ops_error()). The input's ids are not used. */
void vit_forward(Vit *vit, const ModelInput *input);
/* Where the device keeps the loss of the last backward pass. */
const double *vit_loss_memory(const Vit *vit);
/* Computes and waits for the loss of the last forward pass, over its input: the task's loss, or the failure of an
 * operation in it, such as a label that is no class (EXIT_DATA). */
Status vit_loss(Vit *vit, double *loss) MUST_USE;
/* Gradient of grad_scale x the loss of the last forward pass, over the same input: into the parameters' grad, added
 * when `add`. */
void vit_backward(Vit *vit, const ModelInput *input, float grad_scale, bool add);

/* Results of the last forward pass, in the device's memory. From the pool on the model computes in FP32, whatever the
 * operations' type: its few numbers cost nothing, and no rounding reaches the loss. */
const float *vit_logits(const Vit *vit);   /* [batch][shape_outputs()] */
const float *vit_features(const Vit *vit); /* [batch][dim], what the head sees */

/* As mae_visit(). While it visits what is in FP32, that is the operations' type. */
void vit_visit(const Vit *vit, ActivationVisit visit, void *context);

#endif
