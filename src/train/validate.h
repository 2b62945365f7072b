/* The validation loss: the same pictures under the same masks each time, of every run. */
#ifndef FOVEA_VALIDATE_H
#define FOVEA_VALIDATE_H

#include "masks.h"
#include "model.h"
#include "pictures.h"

/* Forward pass over pictures first .. first + count - 1 (count at most the model's batch) under their fixed masks; the
 * model then holds the predictions, `masks` the ids. */
Status validate_forward(Mae *mae, Masks *masks, const Pictures *pictures, int first, int count, double *loss) MUST_USE;

/* Mean loss over the first `count` pictures, at least 1. */
Status validate_loss(Mae *mae, Masks *masks, const Pictures *pictures, int count, double *loss) MUST_USE;

#endif
