/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that come from a library beside the program. */
#ifndef FOVEA_DEVICE_PLUGIN_H
#define FOVEA_DEVICE_PLUGIN_H

#include "device/device.h"

/* Opens libfovea_NAME.so, from the program's folder or, as the builds of tests lie, one of the two above it, and the
 * device in it. EXIT_MISSING, with cause and remedy, when there is no such library, it cannot be loaded or is of
 * another build. */
Status plugin_open(const char *name, Device *device) MUST_USE;

#endif
