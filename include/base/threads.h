/* SPDX-License-Identifier: Apache-2.0 */
/* How OpenMP's threads wait for each other. */
#ifndef FOVEA_BASE_THREADS_H
#define FOVEA_BASE_THREADS_H

/* Makes OpenMP's threads go to sleep soon after they run out of work, and returns; called first in main().
 *
 * GCC's libgomp lets them spin for milliseconds by default, which takes the processor from whoever has work to do: the
 * decoding threads, the checkpoint's writer, another rank or job. Beside such a load a training step took ten times as
 * long. libgomp reads its settings when it is loaded, so the program is replaced by itself once with GOMP_SPINCOUNT in
 * its environment (same process, same arguments); where the user has set that or OMP_WAIT_POLICY, theirs stands. */
void threads_wait_passively(char **arguments);

#endif
