/* SPDX-License-Identifier: Apache-2.0 */
/* What a chip can do at most: the denominator of MFU. */
#ifndef FOVEA_COST_PEAK_H
#define FOVEA_COST_PEAK_H

#include "ops/ops.h"

/* FLOP/s of `device`'s tensor cores in dense BF16, as its datasheet says, for a run whose activations are of `type`.
 * NAN where that is not known for certain, with the reason in *why (NULL otherwise): a wrong number would be worse than
 * none. */
double peak_flops(const Device *device, RealType type, const char **why);

#endif
