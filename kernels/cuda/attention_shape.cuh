/* SPDX-License-Identifier: Apache-2.0 */
/* What an attention by cuDNN is computed of. */
#ifndef FOVEA_ATTENTION_SHAPE_CUH
#define FOVEA_ATTENTION_SHAPE_CUH

/* BF16, tensors laid out as in ops.h. */
typedef struct {
    bool backward;
    int batch, tokens, heads, head;
} AttentionShape;

static inline const char *attention_operation(const AttentionShape *shape) {
    return shape->backward ? "attention_backward" : "attention_forward";
}

#endif
