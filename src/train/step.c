#include "step.h"

#include <math.h>

Status step_gradients(Step *step, const PrefetchBatch *batch, uint32_t epoch, double *loss) {
    size_t side = (size_t)mae_shape(step->mae)->image_size, picture = side * side * 3;
    int accumulation = step->global_batch / step->micro_batch;
    *loss = 0;
    for (int micro = 0; micro < accumulation; micro++) {
        int first = micro * step->micro_batch;
        masks_draw(step->masks, step->seed, epoch, batch->records + first, step->micro_batch);
        MaeInput input;
        TRY(mae_stage(step->mae, (const uint8_t *)batch->samples + (size_t)first * picture, step->masks->ids,
                      step->micro_batch, &input));
        double part;
        mae_forward(step->mae, &input);
        TRY(mae_loss(step->mae, &part));
        if (!isfinite(part)) {
            *loss = part;
            return NULL;
        }
        /* Every picture hides equally many patches: the mean of the parts is the batch's mean. */
        *loss += part / accumulation;
        mae_backward(step->mae, &input, 1.0f / (float)accumulation, micro > 0);
        TRY(ops_error(step->ops));
    }
    return NULL;
}
