/* SPDX-License-Identifier: Apache-2.0 */
/* CUDA C++ for the host's compiler: included before everything else when kernels/cuda is compiled for the emulator, it
 * defines the language's keywords, variables and functions without a GPU.
 *
 * A block's threads are fibres of one operating system thread and run until they wait (block.h); blocks run one after
 * another. Order and faults are set through control.h. */
#ifndef FOVEA_EMU_H
#define FOVEA_EMU_H

#ifndef __cplusplus
#error "kernels are C++"
#endif

/* First, since names that they declare are redefined below. */
#include <initializer_list>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __grid_constant__
/* Left to the compiler: forced, the sanitizers' builds took three times as long. */
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))

#include "kernels/emu/vectors.h"

#include "kernels/emu/arithmetic.h"
#include "kernels/emu/collective.h"
#include "kernels/emu/launch.h"
#include "kernels/emu/mma.h"
#include "kernels/emu/shared.h"

#endif
