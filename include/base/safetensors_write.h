/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the safetensors format. */
#ifndef FOVEA_BASE_SAFETENSORS_WRITE_H
#define FOVEA_BASE_SAFETENSORS_WRITE_H

#include "base/status.h"
#include "base/tensor.h"

/* Writes `count` tensors to a new file at `path` and fsyncs it. EXIT_IO naming the path. */
Status safetensors_write(const char *path, const Tensor *tensors, int count, const TensorNote *notes,
                         int note_count) MUST_USE;

#endif
