/* SPDX-License-Identifier: Apache-2.0 */
/* What is seen of the GPUs: asks for the samples that the schedule wants and hands them over, with the processes on
 * each GPU divided into those of its job and others. */
#ifndef FOVEA_POOL_DAEMON_NODE_OBSERVE_H
#define FOVEA_POOL_DAEMON_NODE_OBSERVE_H

#include "pool/daemon/node/daemon_state.h"

void observe_work(Daemon *daemon);
/* clock_now() at which observe_work() has something to do although no sample came; INFINITY. */
double observe_next(Daemon *daemon);

#endif
