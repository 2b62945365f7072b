/* SPDX-License-Identifier: Apache-2.0 */
/* HDF5, confined to files in memory. It does not recover from a full disk and can crash on damaged bytes, so the bytes
 * are written to the disk, read from it and verified outside of HDF5. */
#ifndef FOVEA_PACK_HDF5_H
#define FOVEA_PACK_HDF5_H

#include "base/status.h"

#include <hdf5.h>

/* An empty file in memory. */
Status pack_hdf5_memory(int *descriptor) MUST_USE;
/* Create or open an HDF5 file in such a file; closed with H5Fclose(). Negative on failure. Datasets of `align_from`
 * bytes or more start at a multiple of 4096. */
hid_t pack_hdf5_create(int descriptor, uint64_t align_from);
hid_t pack_hdf5_open(int descriptor);
/* Releases any identifier; a negative one is allowed. */
void pack_hdf5_release(hid_t id);

/* Captures the reason of HDF5's last failure, and keeps HDF5 from printing it, between begin and end. */
typedef struct {
    char reason[256];
    H5E_auto2_t function; /* the handler to restore */
    void *data;
} PackHdf5Errors;
void pack_hdf5_errors_begin(PackHdf5Errors *errors);
void pack_hdf5_errors_end(const PackHdf5Errors *errors);
/* "PATH: ACTION failed: HDF5's reason". */
Status pack_hdf5_failure(ExitCode code, const char *path, const char *action, const PackHdf5Errors *errors) MUST_USE;

/* A UTF-8 string type of `size` bytes, padded with or terminated by NUL. */
hid_t pack_hdf5_text(size_t size, H5T_str_t padding);

#endif
