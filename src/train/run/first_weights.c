/* SPDX-License-Identifier: Apache-2.0 */
#include "train/run/first_weights.h"

#include "checkpoint/directory.h"
#include "checkpoint/initial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether a checkpoint replaces whatever the model starts from. */
static Status has_checkpoint(const Run *run, bool *has) {
    CheckpointEntry *entries = NULL;
    int count = 0;
    *has = false;
    if (!run->options->resume)
        return NULL;
    TRY(checkpoint_list(run->directory.checkpoints, &entries, &count));
    *has = count > 0;
    free(entries);
    return NULL;
}

/* Splits `text` at its commas and blanks into `names`, which point into it; returns how many. */
static int split_names(char *text, const char **names, int most) {
    int count = 0;
    for (char *rest = text, *name; count < most && (name = strtok_r(rest, ", \t", &rest));)
        names[count++] = name;
    return count;
}

/* A name that is none of the model's is a slip: the tensor that was meant would be loaded. */
static Status check_fresh(const Params *params, const InitialOptions *options) {
    for (int i = 0; i < options->fresh_count; i++) {
        int j = 0;
        while (j < params->count && !initial_is_named(params->list[j].name, options->fresh[i]))
            j++;
        if (j == params->count)
            return status_error(EXIT_USAGE,
                                "init.fresh names %s, which is no tensor of the model, nor does one begin so; correct "
                                "or remove it",
                                options->fresh[i]);
    }
    return NULL;
}

/* The keys to look at after a failure. Before a table there was no dictionary of tensors. */
static const char *name_keys(ExitCode code, const InitialTable *table) {
    const int *counts = table->counts;
    bool listed = false;
    for (int i = 0; i < INITIAL_STATES; i++)
        listed |= counts[i] > 0;
    if (code == EXIT_USAGE)
        return " (init.key)";
    if (code == EXIT_DATA && (counts[INITIAL_MISSING] || counts[INITIAL_MISFIT]))
        return " (init.from; init.fresh names the tensors that it does not set)";
    return code == EXIT_DATA && !listed ? " (init.from, init.key)" : " (init.from)";
}

static Status read_weights(Run *run) {
    enum { MOST = 256 };
    const Config *config = run->config;
    const char *names[MOST];
    char *fresh = strdup(config->init.fresh);
    if (!fresh)
        return status_no_memory("the names in init.fresh", strlen(config->init.fresh));
    const InitialOptions options = {.path = config->init.from,
                                    .key = config->init.key[0] ? config->init.key : NULL,
                                    .resize = config->init.resize,
                                    .fresh = names,
                                    .fresh_count = split_names(fresh, names, MOST)};
    InitialTable table;
    Status status = check_fresh(run->objective->params, &options);
    if (!status) {
        status = initial_read(run->objective->params, &options, stdout, &table);
        status = status_append(status, "%s", name_keys(status_code(status), &table));
    }
    free(fresh);
    TRY(status);
    digest_to_hex(table.sha256, DIGEST_SHA256, run->record.init_sha256);
    return NULL;
}

/* Those that a resumed run is pulled towards are the ones that it began with. */
static Status check_unchanged(const Run *run) {
    const char *before = run->earlier.init_sha256;
    if (!*before || strcmp(before, run->record.init_sha256) == 0)
        return NULL;
    return status_error(EXIT_DATA,
                        "cannot resume: %s has changed since the run began, and optim.l2sp pulls towards it; restore "
                        "it, or start a new run in another run.dir (init.from)",
                        run->config->init.from);
}

Status first_weights_read(Run *run) {
    const Config *config = run->config;
    bool continues;
    if (!config->init.from[0])
        return NULL;
    TRY(has_checkpoint(run, &continues));
    if (continues && !(config->optim.l2sp > 0))
        return NULL;
    TRY(read_weights(run));
    if (continues)
        TRY(check_unchanged(run));
    params_round(run->objective->params, &run->ops);
    return optimizer_keep_first(run->optimizer);
}
