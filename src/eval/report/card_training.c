/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/report/card_training.h"

#include "base/files.h"
#include "base/text.h"
#include "eval/draw/markup.h"
#include "eval/draw/words.h"
#include "rundir/run_directory.h"
#include "rundir/run_summary.h"
#include "train/config.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

void card_row(FILE *out, const char *what, const char *format, ...) {
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    Status status = text_format_list(&text, "a row", format, arguments);
    va_end(arguments);
    fprintf(out, "| %s | ", what);
    markup_markdown(out, status ? status_message(status) : text);
    fputs(" |\n", out);
    status_free(status);
    free(text);
}

static const char *config_word(const char *key, int value) {
    return config_choice_name(&train_config, key, value);
}

static void put_recipe(const Config *c, FILE *out) {
    card_row(out, "Objective", "%s", config_word("train.objective", (int)c->train.objective));
    if (c->train.objective == OBJECTIVE_MAE)
        card_row(out, "Mask ratio", "%g", c->model.mask_ratio);
    else
        card_row(out, "Labels", "%s", c->data.label);
    card_row(out, "Trained on", "%s", c->data.train);
    card_row(out, "Validated on", "%s", *c->data.val ? c->data.val : "nothing");
    card_row(out, "Images", "%lld px, patches of %lld", (long long)c->model.image_size, (long long)c->model.patch_size);
    card_row(out, "Precision", "%s", config_word("train.precision", (int)c->train.precision));
    card_row(out, "Batch", "%lld images", (long long)c->train.global_batch);
    card_row(out, "Learning rate", "%g for 256 images, warm-up of %g epochs", c->optim.base_lr, c->optim.warmup_epochs);
    card_row(out, "Weight decay", "%g", c->optim.weight_decay);
    card_row(out, "Seed", "%lld", (long long)c->train.seed);
}

static void put_budget(const RunSummary *run, const Config *c, FILE *out) {
    card_row(out, "Began with", "%s", *run->init_from ? run->init_from : "random weights");
    if (*run->init_sha256)
        card_row(out, "Their SHA-256", "%s", run->init_sha256);
    card_row(out, "Steps", "%s of %s", words_count(run->steps).text, words_count(run->total_steps).text);
    if (c && run->steps > 0)
        card_row(out, "Images seen", "%s, of %s different ones", words_count(run->steps * c->train.global_batch).text,
                 words_count(run->data_count).text);
    card_row(out, "Parameters", "%s", words_count(run->parameters).text);
    card_row(out, "Device", "%s (%s)", *run->device ? run->device : "not known",
             *run->backend ? run->backend : "not known");
    if (run->throughput.images_per_s > 0)
        card_row(out, "Speed", "%s images/s", words_number(run->throughput.images_per_s).text);
    card_row(out, "Ended", "%s", *run->exit_reason ? run->exit_reason : "not yet, or without a word");
    card_row(out, "Loss", "training %s, validation %s", words_number(run->final_loss).text,
             words_number(run->val_loss).text);
    card_row(out, "Configuration", "%016llx", (unsigned long long)run->config_hash);
    card_row(out, "Data", "%016llx", (unsigned long long)run->data_hash);
}

/* What could not be read is said in the table, and is otherwise no matter. */
static bool is_read(Status status, FILE *out) {
    if (status)
        card_row(out, "Not known", "%s", status_message(status));
    const bool read = !status;
    status_free(status);
    return read;
}

static Status put_run(const char *path, FILE *out) {
    RunDirectory directory;
    RunSummary run = {0};
    Config *config = calloc(1, sizeof *config);
    if (!config)
        return status_no_memory("a run's configuration", sizeof *config);
    Status status = run_directory_open(&directory, path);
    if (!status) {
        fputs("\n|  |  |\n|---|---|\n", out);
        card_row(out, "Run", "%s", path);
        const bool known = is_read(config_load(&train_config, config, directory.config, NULL, 0, NULL), out);
        if (known)
            put_recipe(config, out);
        if (is_read(run_summary_read(directory.record, &run), out))
            put_budget(&run, known ? config : NULL, out);
        run_summary_close(&run);
        if (known)
            config_free(&train_config, config);
    }
    run_directory_close(&directory);
    free(config);
    return status;
}

Status card_training(const Evaluated *checkpoint, FILE *out) {
    fputs("\n## Training\n", out);
    if (checkpoint->encoder.source.random) {
        fputs("\nThese are random weights: nothing was trained.\n", out);
        return NULL;
    }
    if (!checkpoint->encoder.source.run) {
        fputs("\nThe weights are of no run that is here: on what, how and how long they were trained is not known.\n",
              out);
        return NULL;
    }
    return put_run(checkpoint->encoder.source.run, out);
}
