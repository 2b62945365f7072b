/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/stage.h"

#include "base/files.h"
#include "base/paths.h"
#include "base/text_writer.h"
#include "base/threads.h"
#include "stage/pack/output.h"
#include "stage/pack/pipeline.h"
#include "stage/pack/replace_check.h"
#include "stage/report/reports.h"
#include "stage/report/summary.h"
#include "stage/source/aireadi/source_aireadi.h"
#include "stage/source/folder/source_folder.h"

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

/* The number of inputs for each shard, so that their records fit if all are packed. */
static int64_t inputs_per_shard(const StageOptions *options) {
    const int64_t record = (int64_t)options->size * options->size * 3, fit = options->shard_bytes / record;
    return fit > 0 ? fit : 1;
}

static Status write_recipe(Staging *staging) {
    const StageOptions *options = staging->options;
    size_t length = strlen(options->root);
    while (length > 1 && options->root[length - 1] == '/')
        length--;
    size_t name = length;
    while (name && options->root[name - 1] != '/')
        name--;
    TextWriter text;
    TRY(text_writer_open(&text, "the recipe"));
    /* The root's name without its folder: a download that was moved is still the same. */
    fprintf(text.out, "pack %d\nframes %d\nroot %.*s\n", PACK_VERSION, FUNDUS_RULE, (int)(length - name),
            options->root + name);
    fprintf(text.out, "layout %s\nkind %s\nmodalities %s\ndevice %s\nsize %d\nfiles a shard %" PRId64 "\n",
            options->layout, text_or(options->kind, "-"), text_or(options->modalities, "-"),
            text_or(options->device, "-"), options->size, inputs_per_shard(options));
    fprintf(text.out, "labels %s\nperson %s\n", options->labels ? path_name(options->labels) : "-",
            text_or(options->person, "-"));
    return text_writer_take(&text, &staging->recipe);
}

/* Images without a row are left out; many of them mean that a table is missing. */
static Status check_unlabelled(const Staging *staging) {
    const StageOptions *options = staging->options;
    int64_t files = staging->source.count, unlisted = 0;
    const char *first = NULL;
    for (int i = 0; i < staging->findings.count; i++) {
        const Finding *finding = &staging->findings.list[i];
        files -= finding->kind == FINDING_MISSING || finding->kind == FINDING_NAMED;
        if (finding->kind == FINDING_UNLISTED)
            first = unlisted++ ? first : finding->path;
    }
    if (unlisted <= (int64_t)floor(options->max_unlabelled * (double)files + 1e-9))
        return NULL;
    return status_error(EXIT_DATA,
                        "%s: %" PRId64 " of %" PRId64 " images are in no row of the tables, such as %s, more than "
                        "--max-unlabelled allows (%g %%): is a table missing, or the wrong one? add it, or raise "
                        "--max-unlabelled to leave them out",
                        options->root, unlisted, files, first, 100 * options->max_unlabelled);
}

/* What the tables alone rule out: the call ends, with the findings written. */
static Status refuse_source(Staging *staging, Status why) {
    if (status_code(why) != EXIT_DATA || !(findings_count(&staging->findings, FATE_REFUSED) || staging->source.count))
        return why;
    Status status = output_open(staging->options->out, staging->recipe, &staging->output);
    if (!status)
        status = output_begin(&staging->output, staging->recipe);
    if (!status)
        status = reports_write(&staging->output, &staging->source, &staging->result, &staging->findings);
    if (!status)
        return status_append(why, "; %s/findings.tsv lists them all", staging->options->out);
    status_free(why);
    return status;
}

/* realpath(3) of the longest existing part of `path`; the caller's. NULL: none exists, or no memory. */
static char *existing_part(const char *path) {
    char *part = strdup(path), *real = part ? realpath(part, NULL) : NULL;
    for (char *slash; part && !real && (slash = strrchr(part, '/'));) {
        *slash = '\0';
        real = realpath(*part ? part : "/", NULL);
    }
    free(part);
    return real ? real : realpath(".", NULL);
}

/* A pack below the root would be staged itself by the next call. */
static Status check_out_is_elsewhere(const StageOptions *options) {
    char *root = realpath(options->root, NULL), *out = existing_part(options->out);
    const bool within = root && out && (strcmp(root, out) == 0 || path_is_below(out, root));
    free(root);
    free(out);
    return within ? status_error(EXIT_USAGE, "%s is inside %s, the folder to stage; choose a folder elsewhere",
                                 options->out, options->root)
                  : NULL;
}

static int count_threads(const StageOptions *options) {
    return options->threads ? options->threads : threads_available();
}

typedef struct {
    int64_t inputs, packed, quarantined, excluded, refused;
} StageCounts;

/* Checks that every input has exactly one outcome. */
static Status count_outcomes(const Staging *staging, StageCounts *counts) {
    *counts = (StageCounts){.inputs = staging->source.count};
    for (int64_t i = 0; i < staging->source.count; i++) {
        const StageInput *input = &staging->source.inputs[i];
        const Outcome *outcome = &staging->result.outcomes[i];
        if (input->exclude_reason)
            counts->excluded++;
        else if (input->quarantine_reason || outcome_quarantined(outcome))
            counts->quarantined++;
        else if (outcome->packed)
            counts->packed++;
        else if (outcome->settled && finding_fate(outcome->kind) == FATE_EXCLUDED)
            counts->excluded++;
        else if (outcome->settled)
            counts->refused++;
    }
    int64_t records = 0;
    for (int i = 0; i < staging->result.shard_count; i++)
        records += staging->result.shards[i].entry.records;
    if (records != counts->packed ||
        counts->packed + counts->quarantined + counts->excluded + counts->refused != counts->inputs)
        return status_error(EXIT_INTERNAL,
                            "%" PRId64 " files are not %" PRId64 " packed (%" PRId64 " in the shards) + %" PRId64
                            " quarantined + %" PRId64 " excluded + %" PRId64 " refused: nothing is published",
                            counts->inputs, counts->packed, records, counts->quarantined, counts->excluded,
                            counts->refused);
    return NULL;
}

static Status write_manifest(const Staging *staging) {
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

static Status print_summary(const Staging *staging, const StageCounts *counts, const char *summary) {
    const char *pack = staging->output.path;
    printf("%s\n", summary);
    printf("%" PRId64 " file%s: %" PRId64 " packed, %" PRId64 " quarantined, %" PRId64 " excluded; %" PRId64
           " done by earlier calls\n",
           counts->inputs, counts->inputs == 1 ? "" : "s", counts->packed, counts->quarantined, counts->excluded,
           staging->result.skipped);
    print_kinds(&staging->findings, FATE_QUARANTINED, "quarantined: ");
    print_kinds(&staging->findings, FATE_EXCLUDED, "excluded: ");
    const int warnings = findings_count(&staging->findings, FATE_WARNED);
    if (warnings)
        printf("%d warning%s: see %s/findings.tsv\n", warnings, warnings == 1 ? "" : "s", pack);
    char *split;
    TRY(output_path(&staging->output, "split.tsv", &split));
    if (files_exists(split))
        printf("%s overrides the split just staged; delete it to use the new one\n", split);
    free(split);
    printf("pack %s: card.md contains this summary\n", pack);
    return NULL;
}

static Status publish_pack(Staging *staging) {
    StageCounts counts;
    TRY(count_outcomes(staging, &counts));
    TRY(output_remove_leftovers(&staging->output, staging->result.shard_count));
    if (counts.refused)
        return status_error(EXIT_DATA,
                            "%" PRId64 " file%s the same bytes as one on another side of the split: nothing is "
                            "published; %s/findings.tsv lists the pairs (duplicate_split); correct the split, or leave "
                            "files out with --exclude, and run again",
                            counts.refused, counts.refused == 1 ? " has" : "s have", staging->output.path);
    if (!counts.packed)
        return status_error(EXIT_DATA,
                            "%s: none of %" PRId64 " files could be packed; %s/findings.tsv lists the reasons",
                            staging->options->root, counts.inputs, staging->output.path);
    char *summary, *card;
    TRY(summary_print(&staging->source, &staging->result, &staging->findings, &summary));
    Status status = output_path(&staging->output, "card.md", &card);
    if (!status)
        status = summary_write_card(card, &staging->source, &staging->result, summary);
    free(card);
    if (!status)
        status = reports_write_hashes(&staging->output, &staging->result);
    if (!status)
        status = write_manifest(staging);
    if (!status)
        status = print_summary(staging, &counts, summary);
    free(summary);
    return status;
}

static Status stage_pack(Staging *staging) {
    const StageOptions *options = staging->options;
    TRY(check_out_is_elsewhere(options));
    TRY(write_recipe(staging));
    Status status = open_source(staging);
    if (staging->source.warnings) /* the end of the call has them, too, perhaps hours later */
        fputs(staging->source.warnings, stderr);
    if (!status)
        status = check_unlabelled(staging);
    if (status)
        return refuse_source(staging, status);
    if (staging->source.info.licensed)
        fprintf(stderr,
                "%s is licensed data: everything derived from it is kept under %s; read the licence before anything "
                "leaves this machine\n",
                staging->source.info.dataset, options->out);
    TRY(output_open(options->out, staging->recipe, &staging->output));
    TRY(replace_check(options->out, &staging->source));
    TRY(output_begin(&staging->output, staging->recipe));
    int64_t wanted = 0, bad = 0;
    for (int64_t i = 0; i < staging->source.count; i++) {
        wanted += !staging->source.inputs[i].exclude_reason;
        bad += !staging->source.inputs[i].exclude_reason && staging->source.inputs[i].quarantine_reason;
    }
    const PipelineOptions pipeline = {.source = &staging->source,
                                      .output = &staging->output,
                                      .recipe = staging->recipe,
                                      .shard_inputs = inputs_per_shard(options),
                                      .threads = count_threads(options),
                                      .max_quarantined = (int64_t)floor(options->max_bad * (double)wanted + 1e-9),
                                      .quarantined_before = bad};
    status = pipeline_run(&pipeline, &staging->result);
    /* The reports are written after a failure, too: they explain it. */
    if (!status || status_code(status) == EXIT_DATA) {
        Status reported = reports_gather(&staging->output, &staging->source, &staging->result, &staging->findings);
        if (!reported)
            reported = reports_write(&staging->output, &staging->source, &staging->result, &staging->findings);
        if (status)
            status_free(reported);
        else
            status = reported;
    }
    return status ? status : publish_pack(staging);
}

/* Removes the spool, and reports when an earlier pack is unchanged after a refused call. */
static Status end_call(Staging *staging, Status status) {
    if (!staging->output.begun)
        return status;
    Status removed = output_remove_spool(&staging->output);
    if (!status)
        return removed;
    status_free(removed);
    if (status_code(status) != EXIT_DATA || !staging->output.published || !output_is_published(&staging->output))
        return status;
    return status_append(status,
                         "; the existing pack is unchanged, findings.tsv and quarantine.tsv are about this call");
}

Status stage_run(const StageOptions *options) {
    Staging staging = {.options = options, .output = {.lock = -1}};
    Status status = end_call(&staging, stage_pack(&staging));
    pipeline_result_close(&staging.result, staging.source.count);
    output_close(&staging.output);
    findings_close(&staging.findings);
    source_close(&staging.source);
    free(staging.recipe);
    return status;
}
