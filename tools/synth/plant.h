/* SPDX-License-Identifier: Apache-2.0 */
/* Which mistake lies where. */
#ifndef SYNTH_PLANT_H
#define SYNTH_PLANT_H

#include "tools/synth/photograph.h"

/* Deals arguments->mistakes of each kind that arguments->plant has to people drawn from the seed, to each person one at
 * most, and within a person to a file that can have it. Fills `mistake` and `partner` of all photographs, which the
 * drawing leaves as they are. EXIT_USAGE when there are too few people. */
Status plant_deal(const Arguments *arguments, Photograph *photographs) MUST_USE;

#endif
