/* SPDX-License-Identifier: Apache-2.0 */
/* The side tables of a shard: one for each field of PackRow, labels excepted. */
#ifndef FOVEA_PACK_COLUMNS_H
#define FOVEA_PACK_COLUMNS_H

#include "pack/row.h"

#include <stdbool.h>
#include <stddef.h>

#include <hdf5.h>

typedef enum { CELL_U8, CELL_U32, CELL_U64, CELL_I32, CELL_F32, CELL_TEXT, CELL_EYE, CELL_SPLIT } PackCellKind;

typedef struct {
    const char *name;
    PackCellKind kind;
    int width;     /* numbers in a cell; 1: the table has one dimension */
    size_t offset; /* in PackRow */
} PackColumn;

extern const PackColumn pack_columns[];
extern const int pack_column_count;

bool pack_column_is_text(const PackColumn *column);
/* The text of a row in a text column. */
const char *pack_column_text(const PackColumn *column, const PackRow *row);
size_t pack_cell_size(PackCellKind kind); /* bytes of a number in memory */
/* HDF5's types of a number: in the file, and in memory. */
hid_t pack_cell_stored(PackCellKind kind);
hid_t pack_cell_native(PackCellKind kind);

#endif
