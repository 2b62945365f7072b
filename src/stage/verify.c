#include "stage.h"

#include "pack.h"

#include <stdio.h>
#include <unistd.h>

Status stage_verify(const char *pack, int threads) {
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return pack_verify(pack, threads ? threads : cores > 0 ? (int)cores : 1, stdout);
}
