/* SPDX-License-Identifier: Apache-2.0 */
#include "train/run/run_summary.h"

#include "cost/flops.h"
#include "cost/peak.h"
#include "model/fp8.h"
#include "train/objective/objectives.h"

#include <inttypes.h>
#include <stdio.h>

static void print_peak(const Run *run) {
    const char *why;
    const double peak = peak_flops(run->device, run->ops.type, &why);
    if (why)
        printf("MFU      n/a: %s\n", why);
    else
        printf("MFU      of %.0f TFLOP/s, dense BF16; %.2f GFLOP an image\n", peak * 1e-12,
               flops_training(run->objective->shape) * 1e-9);
}

/* What a folder contains beside the images that are trained on. Links are not followed: they could form a loop. */
static void print_left_out(const Records *records) {
    const Folder *folder = &records->folder;
    if (folder->dicoms)
        printf("%s: %" PRId64 " DICOM file%s not read; ./stage folder makes a pack of all its images\n", records->text,
               folder->dicoms, folder->dicoms == 1 ? " is" : "s are");
    if (folder->links)
        printf("%s: %" PRId64
               " link%s to folders %s not followed, such as %s; give the path that it points to, or copy it\n",
               records->text, folder->links, folder->links == 1 ? "" : "s", folder->links == 1 ? "is" : "are",
               folder->first_link);
}

void run_print_shares(const Config *config, const Records *train) {
    if (train->part_count < 2 || config->data.balance)
        return;
    for (int i = 0; i < train->part_count; i++) {
        const RecordsGroup *group = &train->groups[i];
        const double samples = (double)group->samples_per_epoch;
        printf("         %s: %.1f %% of an epoch (%" PRId64 " samples), each image %.3g times\n",
               train->parts[i].pack.directory, 100 * samples / (double)train->samples_per_epoch,
               group->samples_per_epoch, group->count ? samples / (double)group->count : 0);
    }
}

static void print_data(const Run *run) {
    const Records *train = &run->train;
    int64_t shown = 0;
    for (int i = 0; i < train->group_count; i++)
        shown += train->groups[i].count;
    printf("data     %s: %" PRId64 " images", train->text, train->count);
    if (shown != train->count)
        printf(", of them %" PRId64 " with a label", shown);
    if (train->samples_per_epoch != shown)
        printf(", weighted to %" PRId64, train->samples_per_epoch);
    printf(", %" PRId64 " batches of %d an epoch", loader_epoch_batches(run->loader),
           (int)run->config->train.global_batch);
    if (train->part_count && run->config->data.splits == RECORDS_ALL)
        printf("; all splits, including val and test");
    if (run->validation_count)
        printf("; validation on %d of %" PRId64 " in %s", run->validation_count, run->val.count, run->val.text);
    printf("\n");
    run_print_shares(run->config, train);
}

static int count_labelled(const ProbeSide *side) {
    int count = 0;
    for (int i = 0; i < side->images.count; i++)
        count += labels_has_any(&side->labels, side->images.records[i]);
    return count;
}

static void print_probe(const Run *run) {
    const OnlineProbe *probe = &run->probe;
    if (probe->every)
        printf("probe    of %s: fitted on %d images with a label of %s, measured on %d of %s\n",
               run->config->probe.label, count_labelled(&probe->train), probe->train.records.text,
               count_labelled(&probe->val), probe->val.records.text);
}

void run_print_summary(const Run *run) {
    const ModelShape *shape = run->objective->shape;
    printf("model    %s; %.2f M parameters\n", objectives_find(run->config)->describe(shape).text,
           (double)run->record.parameters / 1e6);
    print_left_out(&run->train);
    print_left_out(&run->val);
    print_data(run);
    print_probe(run);
    printf("train    %" PRId64 " steps, %d x %d images a step, peak learning rate %.3g, %s on %s", run->total_steps,
           (int)run->config->train.global_batch / run->micro_batch, run->micro_batch, run->schedule.peak_lr,
           config_choice_name(&train_config, "train.precision", run->config->train.precision), run->ops.name);
    if (run->device->host_memory)
        printf(" with %d threads\n", run->ops.threads);
    else
        printf(" (%s)\n", run->device->model);
    if (run->config->train.precision == PRECISION_FP8)
        printf("fp8      %d of the encoder's %d linear layers; the rest in bf16\n",
               fp8_linears(run->objective->params->fp8), 4 * shape->depth);
    print_peak(run);
    printf("run      %s\n", run->directory.path);
    fflush(stdout);
}
