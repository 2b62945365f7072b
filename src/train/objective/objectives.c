/* SPDX-License-Identifier: Apache-2.0 */
#include "train/objective/objectives.h"

#include "train/objective/mae_objective.h"
#include "train/objective/scores.h"
#include "train/objective/supervised.h"

#include <string.h>

const ObjectiveKind *objectives_find(const Config *config) {
    return config->train.objective == OBJECTIVE_MAE ? &mae_objective : &supervised_objective;
}

typedef enum {
    OF_MAE = 1 << OBJECTIVE_MAE,
    OF_CLASSIFY = 1 << OBJECTIVE_CLASSIFY,
    OF_MULTILABEL = 1 << OBJECTIVE_MULTILABEL,
    OF_REGRESS = 1 << OBJECTIVE_REGRESS,
    OF_ORDINAL = 1 << OBJECTIVE_ORDINAL,
    OF_LABELS = ~OF_MAE,
    OF_CLASSES = OF_CLASSIFY | OF_ORDINAL
} Users;

/* A key that is set and that only some objectives use. */
typedef struct {
    const char *key;
    bool set;
    int users;
} UsedKey;

/* What the keys of a probe require of each other and of validations. */
static Status check_probe(const Config *config) {
    const char *metric = config->val.metric;
    const char *unused = config->probe.val[0]      ? "probe.val"
                         : config->probe.label[0]  ? "probe.label"
                         : config->probe.every     ? "probe.every"
                         : scores_of_probe(metric) ? "val.metric = probe_..."
                                                   : NULL;
    if (!config->probe.train[0])
        return unused ? status_error(EXIT_USAGE, "%s needs a probe: set probe.train, probe.val and probe.label", unused)
                      : NULL;
    if (!config->probe.val[0] || !config->probe.label[0])
        return status_error(EXIT_USAGE, "probe.train needs probe.val and probe.label: set %s",
                            config->probe.val[0] ? "probe.label to a column of the labels"
                                                 : "probe.val to labelled images of other people");
    if (!config->data.val[0] || !config->val.every)
        return status_error(EXIT_USAGE, "a probe is a part of validations: set data.val and val.every");
    if (config->probe.every % config->val.every)
        return status_error(EXIT_USAGE, "probe.every = %lld is not a multiple of val.every = %lld; change one of them",
                            (long long)config->probe.every, (long long)config->val.every);
    if (config->probe.kind != TASK_MULTILABEL && strchr(config->probe.label, ','))
        return status_error(
            EXIT_USAGE, "probe.kind = %s reads one column, but probe.label = %s; name one, or use multilabel",
            config_choice_name(&train_config, "probe.kind", (int)config->probe.kind), config->probe.label);
    return scores_check_probe(config);
}

Status objectives_check(const Config *config) {
    const char *name = config_choice_name(&train_config, "train.objective", (int)config->train.objective);
    const int own = 1 << config->train.objective;
    const UsedKey keys[] = {{"data.label", config->data.label[0], OF_LABELS},
                            {"model.pool = cls", config->model.pool == POOL_CLS && !config->probe.train[0], OF_LABELS},
                            {"model.layer_scale", config->model.layer_scale, OF_LABELS},
                            {"model.drop_path", config->model.drop_path > 0, OF_LABELS},
                            {"val.metric", config->val.metric[0] && !scores_of_probe(config->val.metric), OF_LABELS},
                            {"data.jitter", config->data.jitter > 0, OF_LABELS},
                            {"data.erase", config->data.erase > 0, OF_LABELS},
                            {"train.freeze_blocks", config->train.freeze_blocks, OF_LABELS},
                            {"train.head_epochs", config->train.head_epochs > 0, OF_LABELS},
                            {"data.classes", config->data.classes, OF_CLASSES},
                            {"data.balance", config->data.balance, OF_CLASSES},
                            {"train.label_smoothing", config->train.label_smoothing > 0, OF_CLASSIFY},
                            {"train.class_weights", config->train.class_weights, OF_CLASSES | OF_MULTILABEL}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].set && !(keys[i].users & own))
            return status_error(EXIT_USAGE,
                                "%s has no use with train.objective = %s; remove it, or set another objective",
                                keys[i].key, name);
    if ((config->init.key[0] || config->init.fresh[0] || config->init.resize != RESIZE_BY_SOURCE) &&
        !config->init.from[0])
        return status_error(
            EXIT_USAGE, "init.key, init.fresh and init.resize have no use without init.from; set it, or remove them");
    if (own & OF_LABELS && !config->data.label[0])
        return status_error(EXIT_USAGE, "train.objective = %s needs data.label: set it to a column of the labels",
                            name);
    if (own & OF_CLASSES && strchr(config->data.label, ','))
        return status_error(EXIT_USAGE,
                            "train.objective = %s takes one column, but data.label = %s; name one, or use multilabel",
                            name, config->data.label);
    if (config->data.classes == 1)
        return status_error(EXIT_USAGE, "data.classes = 1 leaves nothing to learn; there are at least 2");
    if (config->data.balance && config->data.weights[0])
        return status_error(EXIT_USAGE,
                            "data.balance and data.weights both say how often an image is shown; remove one of them");
    return check_probe(config);
}
