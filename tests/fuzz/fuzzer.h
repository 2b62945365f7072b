/* SPDX-License-Identifier: Apache-2.0 */
/* The entry of libFuzzer, and a folder for the files that it makes: FOVEA_FUZZ_FOLDER, which the caller makes. */
#ifndef FOVEA_TESTS_FUZZ_FUZZER_H
#define FOVEA_TESTS_FUZZ_FUZZER_H

#include "tests/fuzz/inputs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline const char *fuzz_folder(void) {
    const char *folder = getenv("FOVEA_FUZZ_FOLDER");
    if (!folder)
        abort();
    return folder;
}

#endif
