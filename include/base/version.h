/* SPDX-License-Identifier: Apache-2.0 */
/* The version of all programs: --version and the man pages print it. */
#ifndef FOVEA_BASE_VERSION_H
#define FOVEA_BASE_VERSION_H

#define FOVEA_VERSION "0.2.0"

#endif
