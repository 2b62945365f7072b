/* SPDX-License-Identifier: Apache-2.0 */
/* Lists or deletes everything derived into a pack: ./stage forget. */
#ifndef FOVEA_STAGE_FORGET_H
#define FOVEA_STAGE_FORGET_H

#include "base/status.h"

#include <stdbool.h>

/* Lists every file that was derived into `pack`; with `remove` deletes them. */
Status stage_forget(const char *pack, bool remove) MUST_USE;

#endif
