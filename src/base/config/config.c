/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config.h"
#include "base/config/config_table.h"

#include <stdio.h>
#include <string.h>

Status config_check(const Config *config, const char *path) {
    long long image = config->model.image_size, patch = config->model.patch_size;
#define REFUSE(...) return status_error(EXIT_USAGE, "%s: " __VA_ARGS__)
#define WANT_MULTIPLE(section, key, other)                                                                             \
    if (config->section.key % config->section.other)                                                                   \
    REFUSE(#section "." #key " = %lld is no multiple of " #section "." #other " = %lld", path,                         \
           (long long)config->section.key, (long long)config->section.other)
#define WANT_MULTIPLE_OF_4(key)                                                                                        \
    if (config->model.key % 4)                                                                                         \
    REFUSE("model." #key " = %lld is no multiple of 4: the position embedding has sine and cosine for two axes", path, \
           (long long)config->model.key)
#define WANT_ORDER(low, high)                                                                                          \
    if (config->data.low > config->data.high)                                                                          \
    REFUSE("data." #low " = %g is above data." #high " = %g", path, config->data.low, config->data.high)

    if (image % patch)
        REFUSE("model.image_size = %lld is no multiple of model.patch_size = %lld; the next one is %lld", path, image,
               patch, (image / patch + 1) * patch);
    WANT_MULTIPLE(model, dim, heads);
    WANT_MULTIPLE(model, decoder_dim, decoder_heads);
    WANT_MULTIPLE_OF_4(dim);
    WANT_MULTIPLE_OF_4(decoder_dim);

    /* As the model counts them: what is not hidden, rounded down. */
    double patches = (double)(image / patch) * (double)(image / patch);
    long long visible = (long long)(patches * (1 - config->model.mask_ratio));
    if (visible < 1) /* hidden there is always some: the ratio is above 0 */
        REFUSE("model.mask_ratio = %g leaves none of %.0f patches to be seen: lower it or model.patch_size", path,
               config->model.mask_ratio, patches);

    WANT_ORDER(crop_scale_min, crop_scale_max);
    WANT_ORDER(crop_ratio_min, crop_ratio_max);
    if (config->train.micro_batch > 0 && config->train.micro_batch < config->train.global_batch)
        WANT_MULTIPLE(train, global_batch, micro_batch);
    if (!config->train.steps && config->optim.warmup_epochs > config->train.epochs)
        REFUSE("optim.warmup_epochs = %g is above train.epochs = %g: the learning rate would never reach its peak",
               path, config->optim.warmup_epochs, config->train.epochs);
    double peak = config->optim.base_lr * (double)config->train.global_batch / 256;
    if (config->optim.min_lr > peak)
        REFUSE("optim.min_lr = %g is above the peak, base_lr * global_batch / 256 = %g", path, config->optim.min_lr,
               peak);
    if (config->guard.spike != 0 && config->guard.spike <= 1)
        REFUSE("guard.spike = %g would take every loss for a spike: use a factor above 1, or 0 for off", path,
               config->guard.spike);
    return NULL;
#undef REFUSE
#undef WANT_MULTIPLE
#undef WANT_MULTIPLE_OF_4
#undef WANT_ORDER
}

/* "section.key=value"; blanks around the parts are dropped, as in the file. */
static Status apply_set(Config *config, const char *argument) {
    enum { WHERE = 256 };
    char where[WHERE], name[2 * CONFIG_KEY_LENGTH], value[CONFIG_TEXT];
    snprintf(where, sizeof where, "--set %.200s", argument);
    const char *equals = strchr(argument, '=');
    if (!equals)
        return status_error(EXIT_USAGE, "%s: write section.key=value (./train --help lists all keys)", where);
    static const char BLANK[] = " \t";
    const char *start = argument + strspn(argument, BLANK), *end = equals;
    while (end > start && strchr(BLANK, end[-1]))
        end--;
    snprintf(name, sizeof name, "%.*s", (int)(end - start), start);

    start = equals + 1 + strspn(equals + 1, BLANK);
    end = start + strlen(start);
    while (end > start && strchr(BLANK, end[-1]))
        end--;
    if (end - start >= CONFIG_TEXT)
        return status_error(EXIT_USAGE, "%s: the value has more than %d bytes", where, CONFIG_TEXT - 1);
    snprintf(value, sizeof value, "%.*s", (int)(end - start), start);

    char *dot = strchr(name, '.');
    const ConfigKey *key = NULL;
    if (dot) {
        *dot = '\0';
        key = config_key_find(name, dot + 1);
        *dot = '.';
    }
    return key ? config_set(config, key, value, where) : config_unknown_key(where, name);
}

Status config_load(Config *config, const char *path, char *const *sets, int set_count) {
    config_defaults(config);
    TRY(config_read(config, path));
    for (int i = 0; i < set_count; i++)
        TRY(apply_set(config, sets[i]));
    config_fill_preset(config);
    return config_check(config, path);
}
