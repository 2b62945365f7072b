#include "validate.h"

#include "fp8.h"

Status validate_forward(Mae *mae, Masks *masks, const Pictures *pictures, int first, int count, double *loss) {
    size_t side = (size_t)pictures->image_size;
    masks_draw(masks, MASKS_FIXED_SEED, 0, pictures->records + first, count);
    const MaeInput host = {
        .pixels = pictures->pixels + (size_t)first * side * side * 3, .ids = masks->ids, .batch = count};
    MaeInput input;
    TRY(mae_stage(mae, 0, NULL, &host, &input));
    fp8_begin(mae_params(mae)->fp8);
    mae_forward(mae, &input);
    return mae_loss(mae, loss);
}

Status validate_loss(Mae *mae, Masks *masks, const Pictures *pictures, int count, double *loss) {
    int most = mae_shape(mae)->batch;
    double sum = 0;
    for (int first = 0; first < count; first += most) {
        int part = count - first < most ? count - first : most;
        double mean;
        TRY(validate_forward(mae, masks, pictures, first, part, &mean));
        sum += mean * part;
    }
    *loss = sum / count;
    return NULL;
}
