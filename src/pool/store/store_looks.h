/* SPDX-License-Identifier: Apache-2.0 */
/* The database's rounds of looks. */
#ifndef FOVEA_POOL_STORE_STORE_LOOKS_H
#define FOVEA_POOL_STORE_STORE_LOOKS_H

#include "pool/database/database.h"
#include "pool/gpu.h"

enum { STORE_LOOKS = 200000 }; /* kept; of more the oldest go */

Status store_add_look(Store *store, const LookRound *round) MUST_USE;
typedef Status (*StoreTakeLook)(void *context, const LookRound *round);
/* In the order in which they were added. */
Status store_each_look(Store *store, StoreTakeLook take, void *context) MUST_USE;

#endif
