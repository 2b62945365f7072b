/* SPDX-License-Identifier: Apache-2.0 */
/* How large the things of a pool may be. */
#ifndef FOVEA_POOL_LIMITS_H
#define FOVEA_POOL_LIMITS_H

enum {
    POOL_GPUS = 64,  /* in a rule */
    POOL_LANES = 16, /* in a rule */
    POOL_NAME = 64,  /* bytes of a lane's, a node's or a user's name */
    POOL_ID = 96,    /* bytes of a GPU's UUID or PCI address */
    POOL_REASON = 256
};

#endif
