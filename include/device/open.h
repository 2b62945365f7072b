/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a device for a program. */
#ifndef FOVEA_DEVICE_OPEN_H
#define FOVEA_DEVICE_OPEN_H

#include "device/device.h"

/* Opens a device; closed with device_close() after everything on it. DEVICE_AUTO never fails for lack of a GPU: *note
 * then says in one line why the CPU is used (malloc'ed, NULL when there is nothing to say; freed by the caller).
 * DEVICE_CUDA and DEVICE_EMU fail with EXIT_MISSING and the reason: no library beside the program, no driver, a driver
 * older than the library, no device. */
Status device_open(DeviceKind kind, Device **device, char **note) MUST_USE;
void device_close(Device *device);

#endif
