/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir/throughput_compare.h"

#include "base/files.h"
#include "rundir/run_directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const double ENOUGH = 0.9; /* share of the best figure */

bool throughput_comparable(const RunSummary *summary, const ThroughputKey *key) {
    return summary->config_hash == key->config_hash && summary->threads == key->threads &&
           strcmp(summary->device, key->device) == 0;
}

/* Whether two paths are one directory. */
static bool is_same(const char *a, const char *b) {
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* `directory` is beside the run's own. */
static void consider_run(const char *run_dir, const char *directory, const char *name, const ThroughputKey *key,
                         Throughput *best) {
    char *path;
    RunSummary summary = {0};
    Status status = files_path(&path, "%s/run.json", directory);
    if (!status && !is_same(directory, run_dir) && files_exists(path))
        status = run_summary_read(path, &summary);
    if (!status && throughput_comparable(&summary, key) && summary.throughput.images_per_s > best->images_per_s) {
        *best = summary.throughput;
        snprintf(best->run, sizeof best->run, "%s", name);
    }
    status_free(status);
    run_summary_close(&summary);
    free(path);
}

void throughput_best_beside(const char *run_dir, const ThroughputKey *key, Throughput *best) {
    char **names = NULL, *parent;
    int count = 0;
    Status status = files_path(&parent, "%s/..", run_dir);
    if (!status)
        status = run_directory_list(parent, &names, &count);
    for (int i = 0; i < count && !status; i++) {
        char *directory;
        status = files_path(&directory, "%s/%s", parent, names[i]);
        if (!status)
            consider_run(run_dir, directory, names[i], key, best);
        free(directory);
    }
    status_free(status);
    run_directory_list_free(names, count);
    free(parent);
}

/* The versions, micro-batch and host that differ. */
static void print_differences(const Throughput *now, const Throughput *best, FILE *out) {
    char *versions = NULL;
    size_t size;
    FILE *text = open_memstream(&versions, &size);
    if (text) {
        versions_differences(&now->versions, &best->versions, text);
        fclose(text);
    }
    if (versions && *versions)
        fprintf(out, "versions differ: %s", versions);
    else
        fputs("no version differs: look for lower clocks, a power limit and other processes (nvidia-smi, top)", out);
    free(versions);
    if (now->micro_batch != best->micro_batch)
        fprintf(out, "; micro-batch %d there, %d here", best->micro_batch, now->micro_batch);
    if (strcmp(now->host, best->host) != 0)
        fprintf(out, "; host %s there, %s here", best->host, now->host);
    fprintf(out, "; waiting for data took %.0f%% there, %.0f%% here", 100 * best->data_wait, 100 * now->data_wait);
}

Status throughput_warning(const Throughput *now, const Throughput *best, char **warning) {
    *warning = NULL;
    if (!(now->images_per_s < ENOUGH * best->images_per_s))
        return NULL;
    size_t size;
    FILE *out = open_memstream(warning, &size);
    if (!out)
        return status_no_memory("a warning", 512);
    fprintf(out, "slow: %.4g images/s are %.0f%% of the %.4g that %s%s reached with this configuration and device; ",
            now->images_per_s, 100 * now->images_per_s / best->images_per_s, best->images_per_s,
            *best->run ? "the run " : "this run", *best->run ? best->run : " once");
    print_differences(now, best, out);
    if (fclose(out) == 0)
        return NULL;
    free(*warning);
    *warning = NULL;
    return status_no_memory("a warning", 512);
}
