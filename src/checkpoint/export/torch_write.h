/* SPDX-License-Identifier: Apache-2.0 */
/* Writing tensors as torch.save does: {'model': {NAME: tensor, ...}}, and with notes {'metadata': {KEY: text, ...}}
 * beside. PyTorch loads it with weights_only=True. */
#ifndef FOVEA_CHECKPOINT_EXPORT_TORCH_WRITE_H
#define FOVEA_CHECKPOINT_EXPORT_TORCH_WRITE_H

#include "base/status.h"
#include "base/tensor.h"

/* Writes a new file at `path` and fsyncs it. EXIT_DATA naming a tensor of a type that PyTorch's files do not have,
 * EXIT_IO naming the path. */
Status torch_write(const char *path, const Tensor *tensors, int count, const TensorNote *notes,
                   int note_count) MUST_USE;

#endif
