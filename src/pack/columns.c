/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/columns.h"

#include <string.h>

#define COLUMN(field, kind, width)                                                                                     \
    { #field, kind, width, offsetof(PackRow, field) }
const PackColumn pack_columns[] = {
    COLUMN(checksum, CELL_U64, 1), COLUMN(source, CELL_TEXT, 1),   COLUMN(person, CELL_TEXT, 1),
    COLUMN(device, CELL_TEXT, 1),  COLUMN(modality, CELL_TEXT, 1), COLUMN(eye, CELL_EYE, 1),
    COLUMN(split, CELL_SPLIT, 1),  COLUMN(sha256, CELL_U8, 32),    COLUMN(circle, CELL_F32, 4),
    COLUMN(crop, CELL_I32, 4),     COLUMN(size, CELL_I32, 2),      COLUMN(flags, CELL_U32, 1),
    COLUMN(phash, CELL_U64, 1),
};
const int pack_column_count = sizeof pack_columns / sizeof *pack_columns;

bool pack_column_is_text(const PackColumn *column) {
    return column->kind == CELL_TEXT || column->kind == CELL_EYE || column->kind == CELL_SPLIT;
}

const char *pack_column_text(const PackColumn *column, const PackRow *row) {
    if (column->kind == CELL_EYE)
        return pack_eye_name(row->eye);
    if (column->kind == CELL_SPLIT)
        return pack_split_name(row->split);
    const char *text;
    memcpy(&text, (const char *)row + column->offset, sizeof text);
    return text;
}

size_t pack_cell_size(PackCellKind kind) {
    static const size_t sizes[] = {[CELL_U8] = 1, [CELL_U32] = 4, [CELL_U64] = 8, [CELL_I32] = 4, [CELL_F32] = 4};
    return sizes[kind];
}

/* HDF5's types are no constants: the library creates them when it starts. */
hid_t pack_cell_stored(PackCellKind kind) {
    switch (kind) {
    case CELL_U8:
        return H5T_STD_U8LE;
    case CELL_U32:
        return H5T_STD_U32LE;
    case CELL_U64:
        return H5T_STD_U64LE;
    case CELL_I32:
        return H5T_STD_I32LE;
    case CELL_F32:
        return H5T_IEEE_F32LE;
    default:
        return H5I_INVALID_HID;
    }
}

hid_t pack_cell_native(PackCellKind kind) {
    switch (kind) {
    case CELL_U8:
        return H5T_NATIVE_UINT8;
    case CELL_U32:
        return H5T_NATIVE_UINT32;
    case CELL_U64:
        return H5T_NATIVE_UINT64;
    case CELL_I32:
        return H5T_NATIVE_INT32;
    case CELL_F32:
        return H5T_NATIVE_FLOAT;
    default:
        return H5I_INVALID_HID;
    }
}
