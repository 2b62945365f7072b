/* SPDX-License-Identifier: Apache-2.0 */
/* The database's ledger: what each GPU's time went to. */
#ifndef FOVEA_POOL_STORE_STORE_LEDGER_H
#define FOVEA_POOL_STORE_STORE_LEDGER_H

#include "pool/database/database.h"
#include "pool/gpu.h"

/* Ends the GPU's open line at line->from, unless there is none, and starts this one; an open line of no length is
 * dropped. EXIT_INTERNAL when the new one would overlap with what is there. */
Status store_put_ledger(Store *store, const LedgerLine *line) MUST_USE;
typedef Status (*StoreTakeLedger)(void *context, const LedgerLine *line);
/* In the order of (from, gpu), of all GPUs. */
Status store_each_ledger(Store *store, StoreTakeLedger take, void *context) MUST_USE;
/* The open line of a GPU; *found false: none. */
Status store_open_ledger(Store *store, int gpu, LedgerLine *line, bool *found) MUST_USE;
/* GPU-seconds of each kind from `from` on, open lines up to `now`, of the GPUs given. */
Status store_sum_ledger(Store *store, const int *gpus, int count, double from, double now,
                        double seconds[LEDGER_WHATS]) MUST_USE;

#endif
