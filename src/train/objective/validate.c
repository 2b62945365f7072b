/* SPDX-License-Identifier: Apache-2.0 */
#include "train/objective/validate.h"

#include "model/fp8.h"

Status validate_forward(Mae *mae, Masks *masks, const EvaluationImages *images, int first, int count, double *loss) {
    size_t side = (size_t)images->image_size;
    masks_draw(masks, MASKS_FIXED_SEED, 0, images->records + first, count);
    const ModelInput host = {
        .pixels = images->pixels + (size_t)first * side * side * 3, .ids = masks->ids, .batch = count};
    ModelInput input;
    TRY(mae_upload(mae, 0, NULL, &host, &input));
    fp8_begin(mae_params(mae)->fp8);
    mae_forward(mae, &input);
    return mae_loss(mae, loss);
}

Status validate_loss(Mae *mae, Masks *masks, const EvaluationImages *images, int count, double *loss) {
    int batch = mae_shape(mae)->batch;
    double sum = 0;
    for (int first = 0; first < count; first += batch) {
        int part = count - first < batch ? count - first : batch;
        double mean;
        TRY(validate_forward(mae, masks, images, first, part, &mean));
        sum += mean * part;
    }
    *loss = sum / count;
    return NULL;
}
