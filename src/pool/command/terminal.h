/* SPDX-License-Identifier: Apache-2.0 */
/* The user's terminal, relayed to a job: the job gets a terminal of its own, and what the user types goes there as it
 * is, Ctrl-C included. */
#ifndef FOVEA_POOL_COMMAND_TERMINAL_H
#define FOVEA_POOL_COMMAND_TERMINAL_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

typedef struct {
    bool on;           /* standard input is a terminal, and this process is in its foreground */
    bool raw;          /* its settings are changed */
    int master, slave; /* of the job's; -1 */
    char typed[4096];  /* [typed_size] that the job's terminal has no room for yet */
    size_t typed_size;
    struct termios settings;
} Terminal;

/* Makes the job's terminal with the settings and the size of the user's. `stdio` gets what the job's descriptors are:
 * its terminal where ours are the user's, else ours. */
Status terminal_open(Terminal *terminal, int stdio[3]) MUST_USE;
/* The job has started: hands over what is typed from now on. */
void terminal_begin(Terminal *terminal);
/* Gives the job the size of the user's window. */
void terminal_resize(const Terminal *terminal);
/* What poll(2) is to watch of the job's terminal; 0: nothing. */
short terminal_events(const Terminal *terminal);
/* Whether what the user types is to be read. */
bool terminal_listens(const Terminal *terminal);
/* Copies what the user typed, or what the job printed; false at the end. Neither waits: a job that does not read what
 * is typed is heard nevertheless. */
bool terminal_copy_in(Terminal *terminal);
bool terminal_copy_out(Terminal *terminal);
/* Hands over what there was no room for. */
void terminal_type(Terminal *terminal);
/* Prints what the job left, and restores the user's terminal. To be called on every way out. */
void terminal_close(Terminal *terminal);

#endif
