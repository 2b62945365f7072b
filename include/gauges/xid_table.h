/* SPDX-License-Identifier: Apache-2.0 */
/* What the error codes (XIDs) of NVIDIA's driver mean and what to do about them, from a table: data/xid.tsv. */
#ifndef FOVEA_GAUGES_XID_TABLE_H
#define FOVEA_GAUGES_XID_TABLE_H

#include "base/status.h"

#include <stdint.h>

typedef enum {
    XID_RESTART_APP, /* the program is at fault or hit; the GPU goes on */
    XID_RESET_GPU,   /* the GPU needs a reset, or the machine a reboot, before it is used again */
    XID_CONTACT,     /* unexpected: ask who maintains the machine */
    XID_IGNORE
} XidAction;

enum { XID_ACTIONS = XID_IGNORE + 1, XID_NAME = 64 };

typedef struct {
    int code;
    char name[XID_NAME];
    XidAction action;
} Xid;

typedef struct {
    Xid *list; /* [count], owned */
    int64_t count, capacity;
} XidTable;

/* Reads the table at `path`; NULL: data/xid.tsv, as data_file_find() finds it. EXIT_DATA naming file and line, also
 * when there is none. xid_table_close() follows either way. */
Status xid_table_open(const char *path, XidTable *table) MUST_USE;
void xid_table_close(XidTable *table);
/* NULL: the table does not have it. */
const Xid *xid_table_find(const XidTable *table, int code);
/* What to do, for people: "reset the GPU, or reboot the machine". */
const char *xid_advice(XidAction action);

#endif
