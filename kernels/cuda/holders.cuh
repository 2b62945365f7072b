/* SPDX-License-Identifier: Apache-2.0 */
/* Which processes hold the GPU's memory, for messages about memory that is not there. */
#ifndef FOVEA_HOLDERS_CUH
#define FOVEA_HOLDERS_CUH

#include <stddef.h>

/* "; its memory is held by pid 4242 (61440.0 MB), pid 77" by NVML, this process left out; "" when there is none or
 * the driver does not tell. `index` is the runtime's number of the GPU. */
void gpu_holders(int index, char *text, size_t room);

#endif
