/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of processes in /proc: which there are, whose children they are, and which of two with one
 * number is meant. */
#ifndef FOVEA_POOL_PROCESS_TABLE_H
#define FOVEA_POOL_PROCESS_TABLE_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* A number is used again after a while: number, start and the machine's boot together name a process. */
typedef struct {
    int64_t pid, parent, group, session;
    uint64_t start; /* clock ticks since boot */
    bool dead;      /* a zombie, whose threads have all ended */
    bool kernels;   /* a thread of the kernel's */
} Process;

enum { PROCESS_BOOT = 40 }; /* bytes of a boot's id */

/* False: there is no such process. */
bool process_read(int64_t pid, Process *process);
/* "" where it is not known. */
void process_boot(char boot[PROCESS_BOOT]);
/* Sends a signal to exactly this process; it may have ended. */
void process_signal(const Process *process, int signal);
/* A descriptor that becomes readable when the process ends; -1 with errno. */
int process_open(int64_t pid);
/* Whether the environment that it was started with has the entry "NAME=VALUE". False where it may not be read. */
bool process_has_variable(int64_t pid, const char *entry);
/* The value of a variable of that environment, the caller's; NULL: it has none, or may not be read. */
char *process_variable(int64_t pid, const char *name);
/* Bytes of the host's memory that come free with its end, so not those of files, which the kernel drops when it needs
 * memory: its share of what it shares with others, where the kernel reports that quickly, else all of it. */
int64_t process_memory(int64_t pid);

typedef struct {
    Process *list; /* [count] by number, without the kernel's threads */
    int64_t count, capacity;
} ProcessTable;

/* EXIT_IO, EXIT_NO_MEMORY. Free with process_table_free() either way. */
Status process_table_read(ProcessTable *table) MUST_USE;
void process_table_free(ProcessTable *table);
/* Index of that process; -1: it is not there. */
int64_t process_table_find(const ProcessTable *table, int64_t pid);

#endif
