/* SPDX-License-Identifier: Apache-2.0 */
/* Training and validation images have nothing in common. */
#ifndef FOVEA_DATA_RECORDS_DISJOINT_H
#define FOVEA_DATA_RECORDS_DISJOINT_H

#include "data/records.h"

/* EXIT_DATA when both contain the same thing: a person of one data set or a record of one pack, or for folders the same
 * file, whatever the paths and links that lead to it. A folder and a pack are not compared. */
Status records_check_disjoint(const Records *train, const Records *val) MUST_USE;

#endif
