/* SPDX-License-Identifier: Apache-2.0 */
/* A tensor as torch.save describes it: calls of PyTorch's own functions that name a storage, an offset, sizes and
 * strides. */
#ifndef FOVEA_CHECKPOINT_IMPORT_TORCH_TENSOR_H
#define FOVEA_CHECKPOINT_IMPORT_TORCH_TENSOR_H

#include "base/tensor.h"
#include "checkpoint/import/torch_file.h"

/* Makes the tensor that `value` describes; its name is not set. Its bytes are the file's where they lie in order, in
 * any alignment, otherwise in *copy, which is the caller's (NULL: none). Errors do not name file and tensor: the caller
 * adds both. EXIT_DATA where anything is not within the storage. */
Status torch_tensor(TorchFile *file, const Value *value, Tensor *tensor, void **copy) MUST_USE;

#endif
