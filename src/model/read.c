/* SPDX-License-Identifier: Apache-2.0 */
#include "model/model.h"

#include <string.h>

Status model_read(const Ops *ops, const Real *values, size_t count, float *out) {
    if (ops->type == REAL_FP32)
        return device_read(ops->device, out, values, count * sizeof *out);
    /* The upper half of `out` takes the BF16, which is widened from the front: no value is overwritten unread. */
    uint16_t *narrow = (uint16_t *)out + count;
    TRY(device_read(ops->device, narrow, values, count * sizeof *narrow));
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, narrow + i, sizeof half);
        const uint32_t bits = (uint32_t)half << 16;
        memcpy(out + i, &bits, sizeof bits);
    }
    return NULL;
}
