/* SPDX-License-Identifier: Apache-2.0 */
/* What made a run: the device's model, and the versions of program, compiler, driver and libraries. */
#ifndef FOVEA_TRAIN_PROVENANCE_H
#define FOVEA_TRAIN_PROVENANCE_H

#include "device/device.h"
#include "rundir/versions.h"

/* The compiler, the program and, of a plugin, its library (hashes of their files), and the device's own versions. */
void provenance_versions(const Device *device, Versions *versions);
/* The model of the device, or of the CPU where that computes: "AMD EPYC 7B13". */
void provenance_device(const Device *device, char model[128]);

#endif
