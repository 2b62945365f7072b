/* SPDX-License-Identifier: Apache-2.0 */
#include "gauges/xid_table.h"

#include "base/data_file.h"
#include "base/list.h"
#include "base/table.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE "data/xid.tsv"

/* By action. */
static const char *const actions[XID_ACTIONS] = {"restart_app", "reset_gpu", "contact", "ignore"};
static const char *const advice[XID_ACTIONS] = {
    "run the program again, and look into it if that repeats", "reset the GPU, or reboot the machine",
    "ask who maintains the machine; the GPU may be broken", "nothing needs to be done"};

const char *xid_advice(XidAction action) {
    return advice[action];
}

const Xid *xid_table_find(const XidTable *table, int code) {
    for (int64_t i = 0; i < table->count; i++)
        if (table->list[i].code == code)
            return &table->list[i];
    return NULL;
}

static Status add_row(XidTable *xids, const Table *table, const int columns[3]) {
    const char *const code = table->fields[columns[0]], *const name = table->fields[columns[1]];
    const char *const action = table->fields[columns[2]];
    double number;
    if (!table_number(code, &number) || number < 0 || number > INT_MAX || number != (int)number)
        return table_error(table, "the code \"%s\" is not a whole number from 0 on", code);
    if (xid_table_find(xids, (int)number))
        return table_error(table, "the code %s is there twice", code);
    Xid xid = {.code = (int)number};
    if (!*name || strlen(name) >= sizeof xid.name)
        return table_error(table, "the name has %zu bytes; 1 to %zu are allowed", strlen(name), sizeof xid.name - 1);
    snprintf(xid.name, sizeof xid.name, "%s", name);
    while ((int)xid.action < XID_ACTIONS && strcmp(action, actions[xid.action]) != 0)
        xid.action++;
    if ((int)xid.action == XID_ACTIONS)
        return table_error(table, "the action \"%s\" is none of restart_app, reset_gpu, contact, ignore", action);
    TRY(list_grow(&xids->list, xids->count, &xids->capacity, sizeof xid, "the table of error codes"));
    xids->list[xids->count++] = xid;
    return NULL;
}

static Status read_rows(Table *table, XidTable *xids) {
    static const char *const names[3][2] = {{"code"}, {"name"}, {"action"}};
    int columns[3];
    for (int i = 0; i < 3; i++)
        TRY(table_column(table, names[i], &columns[i]));
    for (bool more = true;;) {
        TRY(table_next(table, &more));
        if (!more)
            return NULL;
        TRY(add_row(xids, table, columns));
    }
}

static Status read_table(const char *path, XidTable *xids) {
    Table table;
    TRY(table_open(path, &table));
    Status status = read_rows(&table, xids);
    table_close(&table);
    return status;
}

Status xid_table_open(const char *path, XidTable *table) {
    char *found;
    *table = (XidTable){0};
    if (path)
        return read_table(path, table);
    TRY(data_file_find(TABLE, &found));
    Status status = found ? read_table(found, table)
                          : status_error(EXIT_DATA, "there is no " TABLE " beside the program; install it again");
    free(found);
    return status;
}

void xid_table_close(XidTable *table) {
    free(table->list);
    *table = (XidTable){0};
}
