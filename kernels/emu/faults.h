/* SPDX-License-Identifier: Apache-2.0 */
/* The faults that a test has requested. */
#ifndef FOVEA_EMU_FAULTS_H
#define FOVEA_EMU_FAULTS_H

#include "kernels/emu/kinds.h"

namespace emu {
void fault_set(EmuFault fault, long nth);
/* Whether a fault that is not counted is set: no driver, an old one, no device, an old one. */
bool fault_holds(EmuFault fault);
/* Counts one event; whether the fault happens at it. */
bool fault_comes(EmuFault fault);
/* From the environment, once. */
void faults_read();
} // namespace emu

#endif
