/* SPDX-License-Identifier: Apache-2.0 */
/* What mae_export and mae_bench agree on. */
#ifndef FOVEA_MAE_EXPORT_H
#define FOVEA_MAE_EXPORT_H

/* The masks of image i of the ring are those of record i in epoch 0 under this seed. */
enum { MAE_EXPORT_SEED = 1 };

#endif
