/* SPDX-License-Identifier: Apache-2.0 */
/* A profile as a table for people. */
#ifndef FOVEA_PROFILE_PROFILE_REPORT_H
#define FOVEA_PROFILE_PROFILE_REPORT_H

#include "profile/profiler.h"

#include <stdio.h>

/* Phases, operations in the order of the time they took, and the share of a step in which the device was idle: means of
 * a step. */
void profile_report(const ProfileFigures *figures, FILE *out);

#endif
