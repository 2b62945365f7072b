/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzzer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_rule(fuzz_folder(), data, size);
    return 0;
}
