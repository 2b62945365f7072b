/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/folder.h"
#include "base/files.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Status check_empty(const char *out) {
    DIR *directory = opendir(out);
    if (!directory)
        return errno == ENOENT ? NULL : status_error(EXIT_IO, "cannot open %s: %s", out, strerror(errno));
    Status status = NULL;
    for (struct dirent *entry; !status && (entry = readdir(directory));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            status =
                status_error(EXIT_USAGE, "%s is not empty; name a new folder, or add --force to draw over it", out);
    closedir(directory);
    return status;
}

/* A path as this program writes it: SPLIT/NAME, without a step upwards. */
static bool is_own_path(const char *path) {
    for (int split = SPLIT_TRAIN; split <= SPLIT_TEST; split++) {
        const char *name = split_name((Split)split);
        size_t length = strlen(name);
        if (!strncmp(path, name, length) && path[length] == '/' && path[length + 1] == 'P' &&
            !strchr(path + length + 1, '/'))
            return true;
    }
    return false;
}

static const char HEADER[] = "file,split,person,eye,visit,device,lesions,grade,tortuosity,cup_to_disc,age\n";

/* Removes what an earlier call drew, which its labels.csv lists. */
static Status remove_earlier(const char *out) {
    char *labels, *text = NULL;
    size_t size;
    TRY(files_path(&labels, "%s/labels.csv", out));
    Status status = files_exists(labels) ? files_read(labels, &text, &size) : NULL;
    if (!status && text && strncmp(text, HEADER, strlen(HEADER)))
        status = status_error(EXIT_USAGE, "%s was not written by this program; name another folder", labels);
    char *rest = NULL;
    for (char *line = text ? strtok_r(text, "\r\n", &rest) : NULL; line && !status;
         line = strtok_r(NULL, "\r\n", &rest)) {
        line[strcspn(line, ",")] = '\0';
        if (!is_own_path(line))
            continue;
        char *path;
        status = files_path(&path, "%s/%s", out, line);
        if (!status && remove(path) && errno != ENOENT)
            status = status_error(EXIT_IO, "cannot remove %s: %s", path, strerror(errno));
        free(path);
    }
    if (!status && text)
        status = files_remove(labels);
    free(text);
    free(labels);
    return status;
}

Status folder_prepare(const Arguments *arguments) {
    TRY(arguments->force ? remove_earlier(arguments->out) : check_empty(arguments->out));
    for (int split = SPLIT_TRAIN; split <= SPLIT_TEST; split++) {
        char *path;
        TRY(files_path(&path, "%s/%s", arguments->out, split_name((Split)split)));
        Status status = files_make_directory(path);
        free(path);
        TRY(status);
    }
    return NULL;
}

Status folder_label(const Arguments *arguments, const Photograph *photographs, int64_t count) {
    char *text = NULL, *path;
    size_t size = 0;
    TRY(files_path(&path, "%s/labels.csv", arguments->out));
    FILE *stream = open_memstream(&text, &size);
    if (!stream) {
        free(path);
        return status_no_memory("labels.csv", (unsigned long long)count * 80);
    }
    fputs(HEADER, stream);
    for (int64_t i = 0; i < count; i++) {
        const Photograph *p = &photographs[i];
        fprintf(stream, "%s,%s,P%06lld,%c,%d,%s,%d,%d,%.4f,%.4f,%d\n", p->file, split_name(p->split),
                (long long)p->person, p->left ? 'L' : 'R', p->visit, anatomy_device_name(p->device), p->lesions,
                p->grade, p->tortuosity, p->cup_to_disc, p->age);
    }
    Status status =
        fclose(stream) ? status_no_memory("labels.csv", (unsigned long long)count * 80) : files_write(path, text, size);
    free(text);
    free(path);
    return status;
}
