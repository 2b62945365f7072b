/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/gpu.h"

#include <string.h>

static const char *const states[GPU_STATES] = {"free",  "held",        "draining", "reserved", "foreign",
                                               "ghost", "quarantined", "hot",      "unknown"};
static const char *const whats[LEDGER_WHATS] = {"held", "draining", "idle", "foreign", "quarantined", "unseen"};

const char *gpu_state_name(GpuState state) {
    return states[state];
}

const char *ledger_what_name(LedgerWhat what) {
    return whats[what];
}

LedgerWhat ledger_what_of(const char *name) {
    for (int i = 0; i < LEDGER_WHATS; i++)
        if (strcmp(whats[i], name) == 0)
            return (LedgerWhat)i;
    return (LedgerWhat)LEDGER_WHATS;
}

const char *look_verdict_name(LookVerdict verdict) {
    static const char *const names[] = {"idle", "busy", "unknown"};
    return names[verdict];
}
