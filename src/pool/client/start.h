/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a daemon of one's own. */
#ifndef FOVEA_POOL_CLIENT_START_H
#define FOVEA_POOL_CLIENT_START_H

#include "base/status.h"

/* Starts `pool daemon` for a folder, which is made, in a session of its own and with its messages in FOLDER/daemon.log,
 * and connects to it once it listens. Says so on standard error. */
Status start_daemon(const char *folder, int *descriptor) MUST_USE;

#endif
