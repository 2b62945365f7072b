/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the stand-in for NVML share: the state file that fake_nvml.c describes, and the processes that are
 * alive. */
#ifndef FOVEA_TESTS_FAKE_STATE_H
#define FOVEA_TESTS_FAKE_STATE_H

#include <stdbool.h>
#include <stddef.h>

enum { OK, UNINITIALIZED, BAD_ARGUMENT, UNSUPPORTED, NOT_FOUND = 6, TOO_SMALL, NO_DRIVER = 9, TIMEOUT, LOST = 15 };
enum { BAD_VERSION = 25, UNKNOWN = 999 };
enum { MOST_GPUS = 64, MOST_LINE = 4096, MOST_FOUND = 4096 };

typedef unsigned long long Bytes;

typedef struct {
    int index;
} Handle;

typedef struct {
    char gpu[96], key[32], text[256]; /* the list as it was */
    size_t taken;                     /* values of it */
} Place;

typedef struct {
    unsigned pid;
    unsigned long long memory;
    unsigned instances[2];
} Entry;

typedef struct {
    Entry list[MOST_FOUND];
    int count;
} Found;

extern int fake_opened; /* calls of nvmlInit_v2() without their nvmlShutdown() */
extern Handle fake_handles[MOST_GPUS];

/* Around what uses places and Found. */
void fake_lock(void);
void fake_unlock(void);
/* Line `index` of the GPUs, or with -1 the line of the driver; false when there is none. */
bool fake_line(int index, char line[MOST_LINE]);
/* The value of `key` in the line; false when it has none. */
bool fake_value(const char *line, const char *key, char *value, size_t size);
bool fake_has_word(const char *list, const char *word);
/* The line of a GPU, or why it does not answer. */
int fake_open_gpu(const Handle *handle, char line[MOST_LINE]);
/* The same, for a reading that may be not supported or fail. */
int fake_open_reading(const Handle *handle, const char *key, char line[MOST_LINE]);
/* The place in the list `text` of `key`, at its start when it was changed. */
Place *fake_place(const char *line, const char *key, const char *text);
/* The next number of a list; false when the line has none. */
bool fake_number(const char *line, const char *key, double *number);
/* The same, locked, as NVML's code. */
int fake_reading(const Handle *handle, const char *key, double *number);
/* Part `index` between colons of a value. */
bool fake_part(const char *line, const char *key, int index, unsigned long long *part);
/* Adds the processes that the line lists. */
void fake_add_listed(Found *found, const char *line, const char *key);
/* Adds the live processes of tree and token, and returns how many these are. */
int fake_add_live(Found *found, const char *line);
int fake_count_live(const char *line);

#endif
