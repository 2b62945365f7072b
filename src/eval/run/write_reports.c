/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/run/write_reports.h"

#include "base/files.h"
#include "base/text.h"
#include "eval/features/cache.h"
#include "eval/report/card.h"
#include "eval/report/html.h"
#include "eval/report/json.h"
#include "eval/report/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static Status find_folder(const Evaluation *evaluation, const EvalOptions *options, char **folder) {
    char *features;
    if (options->out)
        return text_format(folder, "%s", options->out);
    TRY(features_folder(&evaluation->list[0].encoder, &features));
    Status status = files_path(folder, "%s/%s", features, evaluation->task_name);
    free(features);
    return status;
}

typedef Status (*ReportWriter)(const Evaluation *evaluation, const char *path);

static Status write_report(const Evaluation *evaluation, ReportWriter write, const char *path) {
    TRY(write(evaluation, path));
    printf("%s\n", path);
    return NULL;
}

static Status write_into(const Evaluation *evaluation, ReportWriter write, const char *folder, const char *name) {
    char *path;
    TRY(files_path(&path, "%s/%s", folder, name));
    Status status = write_report(evaluation, write, path);
    free(path);
    return status;
}

static Status write_folder(const Evaluation *evaluation, const char *folder) {
    TRY(files_make_directory(folder));
    putchar('\n');
    TRY(write_into(evaluation, report_write_json, folder, "report.json"));
    return write_into(evaluation, report_write_html, folder, "report.html");
}

static Status check_folder(const char *folder) {
    TRY(files_make_directory(folder));
    return access(folder, W_OK | X_OK) == 0 ? NULL : files_failure("write into", folder, errno);
}

static Status check_card(const char *card) {
    const char *slash = strrchr(card, '/'), *name = slash ? slash + 1 : card;
    char *folder;
    if (!*name || (files_exists(card) && files_size(card) < 0))
        return status_error(EXIT_USAGE, "--card takes a file to write, not '%s'; name one, such as card.md", card);
    TRY(files_path(&folder, "%.*s", slash ? (int)(slash - card + 1) : 1, slash ? card : "."));
    Status status = check_folder(folder);
    free(folder);
    return status_append(status, " (--card)");
}

Status evaluation_report_check(const Evaluation *evaluation, const EvalOptions *options) {
    char *folder;
    TRY(find_folder(evaluation, options, &folder));
    Status status = status_append(check_folder(folder), "; name another folder (--out)");
    free(folder);
    TRY(status);
    return options->card ? check_card(options->card) : NULL;
}

Status evaluation_report(const Evaluation *evaluation, const EvalOptions *options) {
    char *folder;
    TRY(report_print(evaluation, stdout));
    TRY(find_folder(evaluation, options, &folder));
    Status status = write_folder(evaluation, folder);
    free(folder);
    if (!status && options->card)
        status = write_report(evaluation, report_write_card, options->card);
    return status;
}
