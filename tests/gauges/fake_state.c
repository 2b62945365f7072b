/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/gauges/fake_state.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_PLACES = 2048 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
int fake_opened;
Handle fake_handles[MOST_GPUS];
static Place places[MOST_PLACES];

void fake_lock(void) {
    pthread_mutex_lock(&lock);
}

void fake_unlock(void) {
    pthread_mutex_unlock(&lock);
}

/* --- The state file --- */

/* Line `index` of the GPUs, or with -1 the line of the driver; false when there is none. */
bool fake_line(int index, char line[MOST_LINE]) {
    const char *path = getenv("FOVEA_FAKE_NVML");
    FILE *file = path ? fopen(path, "re") : NULL;
    bool found = false;
    for (int at = 0; file && !found && fgets(line, MOST_LINE, file);) {
        line[strcspn(line, "\r\n")] = '\0';
        const size_t blanks = strspn(line, " \t");
        if (line[blanks] == '#' || !line[blanks])
            continue;
        const bool gpu = strncmp(line + blanks, "driver=", 7) != 0;
        found = gpu ? at++ == index : index < 0;
    }
    if (file)
        fclose(file);
    return found;
}

/* The value of `key` in the line; false when it has none. */
bool fake_value(const char *line, const char *key, char *value, size_t size) {
    const size_t length = strlen(key);
    for (const char *at = line; *at;) {
        at += strspn(at, " \t");
        const size_t word = strcspn(at, " \t");
        if (word >= length && strncmp(at, key, length) == 0 && (word == length || at[length] == '=')) {
            snprintf(value, size, "%.*s", word == length ? 0 : (int)(word - length - 1), at + length + 1);
            return true;
        }
        at += word;
    }
    return false;
}

bool fake_has_word(const char *list, const char *word) {
    const size_t length = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, length) == 0 && (!at[length] || at[length] == ','))
            return true;
    }
    return false;
}

/* The line of a GPU, or why it does not answer. */
int fake_open_gpu(const Handle *handle, char line[MOST_LINE]) {
    char text[32];
    if (!fake_opened)
        return UNINITIALIZED;
    if (handle < fake_handles || handle >= fake_handles + MOST_GPUS)
        return BAD_ARGUMENT;
    if (!fake_line(handle->index, line))
        return LOST;
    if (fake_value(line, "lost", text, sizeof text))
        return LOST;
    return fake_value(line, "error", text, sizeof text) ? atoi(text) : OK;
}

/* The same, for a reading that may be not supported or fail. */
int fake_open_reading(const Handle *handle, const char *key, char line[MOST_LINE]) {
    char list[256];
    const int failure = fake_open_gpu(handle, line);
    if (failure)
        return failure;
    if (fake_value(line, "unsupported", list, sizeof list) && fake_has_word(list, key))
        return UNSUPPORTED;
    return fake_value(line, "failing", list, sizeof list) && fake_has_word(list, key) ? UNKNOWN : OK;
}

/* The place in the list `text` of `key`, at its start when it was changed. */
Place *fake_place(const char *line, const char *key, const char *text) {
    char gpu[96];
    if (!fake_value(line, "uuid", gpu, sizeof gpu))
        return NULL;
    for (int i = 0; i < MOST_PLACES; i++) {
        Place *place = &places[i];
        if (*place->gpu && (strcmp(place->gpu, gpu) != 0 || strcmp(place->key, key) != 0))
            continue;
        if (strcmp(place->text, text) != 0 || !*place->gpu) {
            *place = (Place){0};
            snprintf(place->gpu, sizeof place->gpu, "%s", gpu);
            snprintf(place->key, sizeof place->key, "%s", key);
            snprintf(place->text, sizeof place->text, "%s", text);
        }
        return place;
    }
    return NULL;
}

/* The next number of a list; false when the line has none. */
bool fake_number(const char *line, const char *key, double *number) {
    char text[256];
    if (!fake_value(line, key, text, sizeof text) || !*text)
        return false;
    const char *at = text;
    Place *place = fake_place(line, key, text);
    for (size_t i = 0; place && i < place->taken && strchr(at, ','); i++)
        at = strchr(at, ',') + 1;
    if (place)
        place->taken++;
    *number = strtod(at, NULL);
    return true;
}

int fake_reading(const Handle *handle, const char *key, double *number) {
    char line[MOST_LINE];
    fake_lock();
    int result = fake_open_reading(handle, key, line);
    if (!result && !fake_number(line, key, number))
        result = UNSUPPORTED;
    fake_unlock();
    return result;
}

/* Part `index` between colons of a value. */
bool fake_part(const char *line, const char *key, int index, unsigned long long *part) {
    char text[256];
    if (!fake_value(line, key, text, sizeof text))
        return false;
    const char *at = text;
    for (int i = 0; i < index && at; i++)
        at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL;
    *part = at ? strtoull(at, NULL, 0) : 0;
    return at;
}

/* --- Processes --- */

static void add_process(Found *found, unsigned pid, unsigned long long memory) {
    for (int i = 0; i < found->count; i++)
        if (found->list[i].pid == pid)
            return;
    if (found->count < MOST_FOUND)
        found->list[found->count++] = (Entry){pid, memory, {~0u, ~0u}};
}

void fake_add_listed(Found *found, const char *line, const char *key) {
    char text[MOST_LINE];
    if (!fake_value(line, key, text, sizeof text))
        return;
    for (char *at = text; *at;) {
        char *end;
        const unsigned long pid = strtoul(at, &end, 10);
        const unsigned long long memory = *end == ':' ? (unsigned long long)strtod(end + 1, &end) : ~0ull;
        add_process(found, pid ? (unsigned)pid : (unsigned)getpid(), memory);
        at = end + strcspn(end, ",");
        at += *at == ',';
    }
}

static size_t read_proc(long pid, const char *name, char *data, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/%s", pid, name);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    for (ssize_t got; file >= 0 && length < size && (got = read(file, data + length, size - length)) > 0;)
        length += (size_t)got;
    if (file >= 0)
        close(file);
    return length;
}

/* The parent of a process that is alive; -1 of one that is not. */
static long live_parent(long pid) {
    char stat[1024] = "", state;
    long parent;
    stat[read_proc(pid, "stat", stat, sizeof stat - 1)] = '\0';
    const char *end = strrchr(stat, ')');
    if (!end || sscanf(end + 1, " %c %ld", &state, &parent) != 2 || state == 'Z' || state == 'X')
        return -1;
    return parent;
}

static bool descends_from(long pid, long root) {
    for (int depth = 0; pid > 0 && depth < 1000; depth++) {
        if (pid == root)
            return true;
        pid = live_parent(pid);
    }
    return false;
}

static bool has_token(long pid, const char *token) {
    static char environment[1 << 20];
    const size_t length = read_proc(pid, "environ", environment, sizeof environment);
    return memmem(environment, length, token, strlen(token));
}

/* Adds the live processes of tree and token, and returns how many these are. */
int fake_add_live(Found *found, const char *line) {
    char tree[32] = "", token[512] = "", each[32] = "1e9";
    const bool trees = fake_value(line, "tree", tree, sizeof tree);
    const bool tokens = fake_value(line, "token", token, sizeof token) && *token;
    fake_value(line, "each", each, sizeof each);
    DIR *proc = trees || tokens ? opendir("/proc") : NULL;
    int live = 0;
    for (struct dirent *entry; proc && (entry = readdir(proc));) {
        const long pid = atol(entry->d_name);
        if (pid <= 0 || live_parent(pid) < 0)
            continue;
        if (!(trees && descends_from(pid, atol(tree))) && !(tokens && has_token(pid, token)))
            continue;
        add_process(found, (unsigned)pid, (unsigned long long)strtod(each, NULL));
        live++;
    }
    if (proc)
        closedir(proc);
    return live;
}

int fake_count_live(const char *line) {
    static Found found;
    found.count = 0;
    return fake_add_live(&found, line);
}
