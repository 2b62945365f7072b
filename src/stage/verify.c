/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/stage.h"

#include "pack/verify.h"

#include <stdio.h>

Status stage_verify(const char *pack, int threads) {
    return pack_verify(pack, threads, stdout);
}
