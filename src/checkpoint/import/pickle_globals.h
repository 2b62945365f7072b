/* SPDX-License-Identifier: Apache-2.0 */
/* Which names a pickle may not even contain. */
#ifndef FOVEA_CHECKPOINT_IMPORT_PICKLE_GLOBALS_H
#define FOVEA_CHECKPOINT_IMPORT_PICKLE_GLOBALS_H

#include <stdbool.h>

/* Whether a pickle with this class or function runs code, or reaches files, processes or the network, in a program that
 * loads it as Python does. `module` and `name` may have several parts with dots between them. */
bool pickle_is_hostile(const char *module, const char *name);

#endif
