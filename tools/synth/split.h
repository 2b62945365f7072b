/* SPDX-License-Identifier: Apache-2.0 */
/* Which side of the split a person is on. */
#ifndef SYNTH_SPLIT_H
#define SYNTH_SPLIT_H

#include "tools/synth/arguments.h"

typedef enum { SPLIT_TRAIN, SPLIT_VAL, SPLIT_TEST } Split;

/* People are put in an order keyed by the seed; the first are the test's, the next the validation's. `person` from 0.
 */
Split split_of(const Arguments *arguments, int64_t person);
const char *split_name(Split split);

#endif
