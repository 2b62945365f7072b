/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/stage.h"

#include "base/files.h"
#include "base/paths.h"
#include "stage/frame/fundus.h"
#include "stage/pack/output.h"
#include "stage/pack/pipeline.h"
#include "stage/pack/replace_check.h"
#include "stage/report/card.h"
#include "stage/report/reports.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const StageOptions *options;
    StageSource source;
    Findings findings;
    Output output;
    PipelineResult result;
    char *recipe;
} Staging;

static const char *text_or(const char *text, const char *otherwise) {
    return text ? text : otherwise;
}

static Status open_source(Staging *staging) {
    const StageOptions *options = staging->options;
    const SourceOptions source = {.root = options->root,
                                  .modalities = options->modalities,
                                  .device = options->device,
                                  .labels = options->labels,
                                  .person = options->person,
                                  .kind = options->kind,
                                  .splits = options->splits,
                                  .md5 = options->md5,
                                  .exclude = options->exclude};
    Status status = strcmp(options->layout, "aireadi") == 0
                        ? source_aireadi(&source, &staging->source, &staging->findings)
                        : source_folder(&source, &staging->source, &staging->findings);
    staging->source.info.image_size = options->size;
    return status;
}

/* Inputs of a shard: as many as their records fit, were all of them sound. */
static int64_t shard_inputs(const StageOptions *options) {
    const int64_t record = (int64_t)options->size * options->size * 3, fit = options->shard_bytes / record;
    return fit > 0 ? fit : 1;
}

static Status write_recipe(Staging *staging) {
    const StageOptions *options = staging->options;
    size_t size, length = strlen(options->root);
    while (length > 1 && options->root[length - 1] == '/')
        length--;
    size_t name = length;
    while (name && options->root[name - 1] != '/')
        name--;
    FILE *out = open_memstream(&staging->recipe, &size);
    if (!out)
        return status_no_memory("the recipe", 0);
    /* The root's name without where it lies: a download that was moved is still the same. */
    fprintf(out, "pack %d\nframes %d\nroot %.*s\n", PACK_VERSION, FUNDUS_RULE, (int)(length - name),
            options->root + name);
    fprintf(out, "layout %s\nkind %s\nmodalities %s\ndevice %s\nsize %d\nfiles a shard %" PRId64 "\n", options->layout,
            text_or(options->kind, "-"), text_or(options->modalities, "-"), text_or(options->device, "-"),
            options->size, shard_inputs(options));
    fprintf(out, "labels %s\nperson %s\n", options->labels ? path_name(options->labels) : "-",
            text_or(options->person, "-"));
    return fclose(out) ? status_no_memory("the recipe", 0) : NULL;
}

/* What the tables alone have shown to be wrong ends the call, with the findings written. */
static Status refuse_source(Staging *staging, Status why) {
    if (status_code(why) != EXIT_DATA || !findings_count(&staging->findings, FATE_REFUSED))
        return why;
    Status status = output_open(staging->options->out, staging->recipe, &staging->output);
    if (!status)
        status = output_begin(&staging->output, staging->recipe);
    if (!status)
        status = reports_write(&staging->output, &staging->source, &staging->result, &staging->findings);
    if (!status)
        status =
            status_error(EXIT_DATA, "%s; %s/findings.tsv lists them all", status_message(why), staging->options->out);
    status_free(why);
    return status;
}

/* The longest part of `path` that is there, by realpath(3); the caller's. NULL: none is, or no memory. */
static char *real_part(const char *path) {
    char *part = strdup(path), *real = part ? realpath(part, NULL) : NULL;
    for (char *slash; part && !real && (slash = strrchr(part, '/'));) {
        *slash = '\0';
        real = realpath(*part ? part : "/", NULL);
    }
    free(part);
    return real ? real : realpath(".", NULL);
}

/* A folder of photographs is read only: what is made of them would be found among them. */
static Status check_apart(const StageOptions *options) {
    char *root = realpath(options->root, NULL), *out = real_part(options->out);
    const bool within = root && out && (strcmp(root, out) == 0 || path_is_below(out, root));
    free(root);
    free(out);
    return within ? status_error(EXIT_USAGE, "%s lies in %s, whose photographs are staged; name a folder elsewhere",
                                 options->out, options->root)
                  : NULL;
}

static int count_threads(const StageOptions *options) {
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return options->threads ? options->threads : cores > 0 ? (int)cores : 1;
}

typedef struct {
    int64_t inputs, packed, quarantined, excluded, refused;
} Sums;

/* Every input has come to exactly one end. */
static Status add_up(const Staging *staging, Sums *sums) {
    *sums = (Sums){.inputs = staging->source.count};
    for (int64_t i = 0; i < staging->source.count; i++) {
        const StageInput *input = &staging->source.inputs[i];
        const Outcome *outcome = &staging->result.outcomes[i];
        if (input->excluded)
            sums->excluded++;
        else if (input->bad || outcome_quarantined(outcome))
            sums->quarantined++;
        else if (outcome->packed)
            sums->packed++;
        else if (outcome->settled && finding_fate(outcome->kind) == FATE_EXCLUDED)
            sums->excluded++;
        else if (outcome->settled)
            sums->refused++;
    }
    int64_t records = 0;
    for (int i = 0; i < staging->result.shard_count; i++)
        records += staging->result.shards[i].entry.records;
    if (records != sums->packed || sums->packed + sums->quarantined + sums->excluded + sums->refused != sums->inputs)
        return status_error(EXIT_INTERNAL,
                            "%" PRId64 " files are not %" PRId64 " packed (%" PRId64 " in the shards) + %" PRId64
                            " quarantined + %" PRId64 " excluded + %" PRId64 " refused: nothing is published",
                            sums->inputs, sums->packed, records, sums->quarantined, sums->excluded, sums->refused);
    return NULL;
}

static Status publish(const Staging *staging) {
    const PipelineResult *result = &staging->result;
    PackShardEntry *entries = calloc((size_t)result->shard_count + 1, sizeof *entries);
    char(*names)[16] = calloc((size_t)result->shard_count + 1, sizeof *names);
    int count = 0;
    Status status = entries && names ? NULL : status_no_memory("the list of shards", 0);
    for (int i = 0; i < result->shard_count && !status; i++) {
        const ShardState *shard = &result->shards[i];
        if (!shard->entry.records)
            continue;
        snprintf(names[count], sizeof names[count], "%05d.h5", i);
        entries[count] = shard->entry;
        entries[count].file = names[count];
        count++;
    }
    if (!status)
        status = pack_manifest_write(staging->output.path, &staging->source.info, entries, count);
    free(names);
    free(entries);
    return status;
}

/* "excluded: 3 unlisted, 1 duplicate" */
static void print_kinds(const Findings *findings, FindingFate fate, const char *what) {
    int counts[FINDING_KINDS] = {0}, kinds = 0;
    for (int i = 0; i < findings->count; i++)
        counts[findings->list[i].kind]++;
    for (FindingKind kind = 0; kind < FINDING_KINDS; kind++)
        if (counts[kind] && finding_fate(kind) == fate)
            printf("%s%d %s", kinds++ ? ", " : what, counts[kind], finding_name(kind));
    if (kinds)
        printf("\n");
}

static Status print_done(const Staging *staging, const Sums *sums) {
    const char *pack = staging->output.path;
    printf("%" PRId64 " files: %" PRId64 " packed, %" PRId64 " quarantined, %" PRId64 " excluded; %" PRId64
           " were done before\n",
           sums->inputs, sums->packed, sums->quarantined, sums->excluded, staging->result.skipped);
    print_kinds(&staging->findings, FATE_QUARANTINED, "quarantined: ");
    print_kinds(&staging->findings, FATE_EXCLUDED, "excluded: ");
    const int told = findings_count(&staging->findings, FATE_TOLD);
    if (told)
        printf("%d things to look at are in %s/findings.tsv\n", told, pack);
    char *split;
    TRY(output_path(&staging->output, "split.tsv", &split));
    if (files_exists(split))
        printf("%s stands above the split that was staged now; remove it to have that\n", split);
    free(split);
    printf("pack %s: card.md says what is in it\n", pack);
    return NULL;
}

static Status finish(Staging *staging) {
    Sums sums;
    TRY(add_up(staging, &sums));
    TRY(output_tidy(&staging->output, staging->result.shard_count));
    if (sums.refused)
        return status_error(EXIT_DATA,
                            "%" PRId64 " files have the same bytes as one on another side of the split: nothing is "
                            "published; %s/findings.tsv names the pairs (duplicate_split); correct the split, or leave "
                            "files out with --exclude, and run again",
                            sums.refused, staging->output.path);
    if (!sums.packed)
        return status_error(EXIT_DATA,
                            "%s: none of %" PRId64 " files could be packed; %s/findings.tsv says why of each",
                            staging->options->root, sums.inputs, staging->output.path);
    char *card;
    TRY(output_path(&staging->output, "card.md", &card));
    Status status = card_write(card, &staging->source, &staging->result, &staging->findings);
    free(card);
    TRY(status);
    TRY(reports_write_hashes(&staging->output, &staging->result));
    TRY(publish(staging));
    return print_done(staging, &sums);
}

static Status run(Staging *staging) {
    const StageOptions *options = staging->options;
    TRY(check_apart(options));
    TRY(write_recipe(staging));
    Status status = open_source(staging);
    if (status)
        return refuse_source(staging, status);
    if (staging->source.info.licensed)
        fprintf(stderr,
                "%s is licensed data: what is made of it stays under %s; read its licence before anything leaves "
                "this machine\n",
                staging->source.info.dataset, options->out);
    if (staging->source.told)
        fputs(staging->source.told, stdout);
    TRY(output_open(options->out, staging->recipe, &staging->output));
    TRY(keep_check(options->out, &staging->source));
    TRY(output_begin(&staging->output, staging->recipe));
    int64_t wanted = 0, bad = 0;
    for (int64_t i = 0; i < staging->source.count; i++) {
        wanted += !staging->source.inputs[i].excluded;
        bad += !staging->source.inputs[i].excluded && staging->source.inputs[i].bad;
    }
    const PipelineOptions pipeline = {.source = &staging->source,
                                      .output = &staging->output,
                                      .recipe = staging->recipe,
                                      .shard_inputs = shard_inputs(options),
                                      .threads = count_threads(options),
                                      .bad_allowed = (int64_t)floor(options->max_bad * (double)wanted + 1e-9),
                                      .bad_before = bad};
    status = pipeline_run(&pipeline, &staging->result);
    /* The tables are written however it ended: they are what a failure is understood by. */
    if (!status || status_code(status) == EXIT_DATA) {
        Status reported = reports_gather(&staging->output, &staging->source, &staging->result, &staging->findings);
        if (!reported)
            reported = reports_write(&staging->output, &staging->source, &staging->result, &staging->findings);
        if (status)
            status_free(reported);
        else
            status = reported;
    }
    return status ? status : finish(staging);
}

/* Removes the spool however it ended, and says so when the pack of before outlived a call that was refused. */
static Status end(Staging *staging, Status status) {
    if (!staging->output.begun)
        return status;
    Status removed = output_remove_spool(&staging->output);
    if (!status)
        return removed;
    status_free(removed);
    if (status_code(status) != EXIT_DATA || !staging->output.published || !output_is_published(&staging->output))
        return status;
    Status told = status_error(EXIT_DATA,
                               "%s; the pack that was there before stays as it was, findings.tsv and quarantine.tsv "
                               "tell of this call",
                               status_message(status));
    status_free(status);
    return told;
}

Status stage_run(const StageOptions *options) {
    Staging staging = {.options = options, .output = {.lock = -1}};
    Status status = end(&staging, run(&staging));
    pipeline_result_close(&staging.result, staging.source.count);
    output_close(&staging.output);
    findings_close(&staging.findings);
    source_close(&staging.source);
    free(staging.recipe);
    return status;
}
