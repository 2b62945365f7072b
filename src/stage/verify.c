#include "stage.h"

#include "pack.h"

#include <stdio.h>

Status stage_verify(const char *pack, int threads) {
    return pack_verify(pack, threads, stdout);
}
