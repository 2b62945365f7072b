/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin whose tables are smaller than the program's, like those of an older build: src/device refuses it. */
#include <stddef.h>

extern const size_t fovea_plugin[3];
const size_t fovea_plugin[3] = {8, 8, 0};
