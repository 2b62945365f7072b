/* SPDX-License-Identifier: Apache-2.0 */
#include "train/config/check.h"
#include "train/keep_at.h"

static Status check_keep_at(const Config *config, const char *path) {
    double shares[CHECKPOINT_KEPT_STEPS];
    int count;
    if (keep_at_read(config->checkpoint.keep_at, shares, &count))
        return NULL;
    return status_error(EXIT_USAGE,
                        "%s: checkpoint.keep_at = %s is no rising list of up to %d shares above 0 and up to 100 %%; "
                        "give one such as 5, 10, 25, 50, 100",
                        path, config->checkpoint.keep_at, CHECKPOINT_KEPT_STEPS);
}

Status check_config(const void *values, const char *path) {
    const Config *config = values;
    long long image = config->model.image_size, patch = config->model.patch_size;
#define REFUSE(...) return status_error(EXIT_USAGE, "%s: " __VA_ARGS__)
#define REQUIRE_MULTIPLE(section, key, other)                                                                          \
    if (config->section.key % config->section.other)                                                                   \
    REFUSE(#section "." #key " = %lld is not a multiple of " #section "." #other " = %lld; change one of them", path,  \
           (long long)config->section.key, (long long)config->section.other)
#define REQUIRE_MULTIPLE_OF_4(key)                                                                                     \
    if (config->model.key % 4)                                                                                         \
    REFUSE("model." #key                                                                                               \
           " = %lld is not a multiple of 4, as the position embedding needs (sine and cosine for two axes)",           \
           path, (long long)config->model.key)
#define REQUIRE_ORDER(low, high)                                                                                       \
    if (config->data.low > config->data.high)                                                                          \
    REFUSE("data." #low " = %g is above data." #high " = %g; lower one or raise the other", path, config->data.low,    \
           config->data.high)

    if (image % patch)
        REFUSE("model.image_size = %lld is not a multiple of model.patch_size = %lld; the next one is %lld", path,
               image, patch, (image / patch + 1) * patch);
    REQUIRE_MULTIPLE(model, dim, heads);
    REQUIRE_MULTIPLE(model, decoder_dim, decoder_heads);
    REQUIRE_MULTIPLE_OF_4(dim);
    REQUIRE_MULTIPLE_OF_4(decoder_dim);

    /* Visible patches, rounded down as in the model. */
    double patches = (double)(image / patch) * (double)(image / patch);
    long long visible = (long long)(patches * (1 - config->model.mask_ratio));
    if (visible < 1) /* some are always hidden: the ratio is above 0 */
        REFUSE("model.mask_ratio = %g leaves none of the %.0f patches visible: lower it or model.patch_size", path,
               config->model.mask_ratio, patches);

    REQUIRE_ORDER(crop_scale_min, crop_scale_max);
    REQUIRE_ORDER(crop_ratio_min, crop_ratio_max);
    if (config->train.micro_batch > 0 && config->train.micro_batch < config->train.global_batch)
        REQUIRE_MULTIPLE(train, global_batch, micro_batch);
    if (!config->train.steps && config->optim.warmup_epochs > config->train.epochs)
        REFUSE("optim.warmup_epochs = %g is above train.epochs = %g: the learning rate would never reach its peak; "
               "lower it",
               path, config->optim.warmup_epochs, config->train.epochs);
    double peak = config->optim.base_lr * (double)config->train.global_batch / 256;
    if (config->optim.min_lr > peak)
        REFUSE("optim.min_lr = %g is above the peak, base_lr * global_batch / 256 = %g; lower it", path,
               config->optim.min_lr, peak);
    if (config->guard.spike != 0 && config->guard.spike <= 1)
        REFUSE("guard.spike = %g would make every loss a spike: use a factor above 1, or 0 to turn it off", path,
               config->guard.spike);
    if (config->checkpoint.every == CONFIG_AUTO && config->guard.action == GUARD_ROLLBACK)
        REFUSE("checkpoint.every = auto with guard.action = rollback would make results depend on the disk: give "
               "checkpoint.every a number of steps",
               path);
    return check_keep_at(config, path);
#undef REFUSE
#undef REQUIRE_MULTIPLE
#undef REQUIRE_MULTIPLE_OF_4
#undef REQUIRE_ORDER
}
