/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir/run_directory.h"

#include "base/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Keys in which a resumed run may differ: they change its speed, its records or where things lie, and its weights by
 * the rounding of another device at most. Another data.train is let through here because the checkpoint knows what was
 * in it. guard.action and guard.max_events act only on a step that fails. */
static const char *const free_keys[] = {
    "train.device", "train.threads", "data.workers", "data.ring", "data.max_bad", "data.train",      "data.cache",
    "log.",         "checkpoint.",   "run.dir",      "val.every", "guard.action", "guard.max_events"};
/* These change the validation loss alone, and with it what `best` means. */
static const char *const validation_keys[] = {"data.val", "val.images"};

static bool is_among(const char *key, const char *const *keys, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(keys[i]);
        bool section = keys[i][length - 1] == '.';
        if (section ? strncmp(key, keys[i], length) == 0 : strcmp(key, keys[i]) == 0)
            return true;
    }
    return false;
}

/* The next line of `*text`, without its end, into `line`; false at the end of the text. */
static bool next_line(const char **text, char *line, size_t size) {
    if (**text == '\0')
        return false;
    size_t length = strcspn(*text, "\n"), copied = length < size ? length : size - 1;
    memcpy(line, *text, copied);
    line[copied] = '\0';
    *text += length + ((*text)[length] == '\n');
    return true;
}

enum { LINE = CONFIG_TEXT + 64 };

/* Where the value of "key = value" starts; the key goes to `name` after its section. */
static const char *split(const char *line, const char *section, char name[LINE]) {
    size_t length = strcspn(line, " =");
    snprintf(name, LINE, "%s.%.*s", section, (int)length, line);
    const char *value = line + length;
    return value + strspn(value, " =");
}

Status directory_compare(const char *stored, const char *wanted, const char *stored_path, bool *validation_changed) {
    char old[LINE], new[LINE], section[LINE] = "", name[LINE];
    *validation_changed = false;
    while (next_line(&stored, old, sizeof old) && next_line(&wanted, new, sizeof new)) {
        if (new[0] == '[')
            snprintf(section, sizeof section, "%.*s", (int)strcspn(new + 1, "]"), new + 1);
        if (strcmp(old, new) == 0)
            continue;
        const char *value = split(new, section, name);
        if (is_among(name, validation_keys, sizeof validation_keys / sizeof *validation_keys))
            *validation_changed = true;
        else if (!is_among(name, free_keys, sizeof free_keys / sizeof *free_keys))
            return status_error(
                EXIT_USAGE,
                "cannot resume: %s has %s, this run wants %s = %s; give the stored value, or start anew "
                "in another run.dir",
                stored_path, old, name, value);
    }
    return NULL;
}

static Status compare_stored(const Directory *directory, const Config *config, bool *validation_changed) {
    Config stored;
    TRY(config_load(&stored, directory->config, NULL, 0));
    char *old = NULL, *new = NULL;
    Status status = config_text(&stored, &old);
    if (!status)
        status = config_text(config, &new);
    if (!status)
        status = directory_compare(old, new, directory->config, validation_changed);
    free(old);
    free(new);
    return status;
}

/* Whether `path` is a directory with anything in it. */
static Status is_filled(const char *path, bool *filled) {
    *filled = false;
    DIR *listing = opendir(path);
    if (!listing)
        return errno == ENOENT ? NULL : status_error(EXIT_IO, "cannot use run directory %s: %s", path, strerror(errno));
    for (const struct dirent *entry; (entry = readdir(listing)) && !*filled;)
        *filled = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(listing);
    return NULL;
}

/* run.dir, or runs/NAME where the config file is called NAME.ini. */
static char *run_path(const Config *config, const char *config_path) {
    if (config->run.dir[0])
        return files_path("%s", config->run.dir);
    const char *slash = strrchr(config_path, '/');
    const char *name = slash ? slash + 1 : config_path;
    const char *dot = strrchr(name, '.');
    return files_path("runs/%.*s", dot && dot != name ? (int)(dot - name) : (int)strlen(name), name);
}

static Status name_all(Directory *directory, const Config *config, const char *config_path) {
    *directory = (Directory){.lock = -1};
    directory->path = run_path(config, config_path);
    const char *root = directory->path ? directory->path : "";
    directory->config = files_path("%s/config.ini", root);
    directory->record = files_path("%s/run.json", root);
    directory->metrics = files_path("%s/metrics.jsonl", root);
    directory->checkpoints = files_path("%s/ckpt", root);
    directory->recon = files_path("%s/recon", root);
    directory->curve = files_path("%s/curve.svg", root);
    if (!directory->path || !directory->config || !directory->record || !directory->metrics ||
        !directory->checkpoints || !directory->recon || !directory->curve)
        return status_no_memory("the run directory's paths", 7 * (strlen(root) + 16));
    return NULL;
}

Status directory_open(Directory *directory, const Config *config, const TrainOptions *options,
                      bool *validation_changed) {
    *validation_changed = false;
    TRY(name_all(directory, config, options->config_path));
    if (options->resume && options->force)
        return status_error(EXIT_USAGE,
                            "--resume and --force exclude each other: go on with the run in %s, or remove "
                            "it and start anew",
                            directory->path);
    bool filled;
    TRY(is_filled(directory->path, &filled));
    bool known = files_exists(directory->config);
    if (filled && options->force && !known)
        return status_error(EXIT_USAGE, "--force would remove %s, which is not a run directory (no config.ini in it)",
                            directory->path);
    if (filled && !options->resume && !options->force)
        return status_error(EXIT_USAGE,
                            "run directory %s exists: --resume goes on with it, --force removes it and starts anew, "
                            "--set run.dir=PATH takes another",
                            directory->path);
    return options->resume && known ? compare_stored(directory, config, validation_changed) : NULL;
}

/* Two runs in one directory would destroy each other's checkpoints. A file system without locks is taken as it is. */
static Status take_lock(Directory *directory) {
    directory->lock = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->lock < 0)
        return status_error(EXIT_IO, "cannot open run directory %s: %s", directory->path, strerror(errno));
    if (flock(directory->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return status_error(EXIT_USAGE, "another run is writing to %s: wait for it, or take another run.dir",
                            directory->path);
    return NULL;
}

static void drop_lock(Directory *directory) {
    if (directory->lock >= 0)
        close(directory->lock);
    directory->lock = -1;
}

Status directory_create(Directory *directory, const Config *config, bool force) {
    TRY(files_make_directory(directory->path));
    TRY(take_lock(directory));
    if (force) {
        TRY(files_remove(directory->path));
        drop_lock(directory);
        TRY(files_make_directory(directory->path));
        TRY(take_lock(directory));
    }
    TRY(files_remove_unfinished(directory->path));
    Config own = *config;
    if ((size_t)snprintf(own.run.dir, sizeof own.run.dir, "%s", directory->path) >= sizeof own.run.dir)
        return status_error(EXIT_USAGE, "run directory %s: the path is too long", directory->path);
    char *text;
    TRY(config_text(&own, &text));
    Status status = files_write(directory->config, text, strlen(text));
    free(text);
    if (!status)
        status = files_make_directory(directory->checkpoints);
    if (!status)
        status = files_make_directory(directory->recon);
    return status;
}

void directory_close(Directory *directory) {
    drop_lock(directory);
    free(directory->path);
    free(directory->config);
    free(directory->record);
    free(directory->metrics);
    free(directory->checkpoints);
    free(directory->recon);
    free(directory->curve);
    *directory = (Directory){.lock = -1};
}
