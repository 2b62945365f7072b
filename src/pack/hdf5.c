/* SPDX-License-Identifier: Apache-2.0 */
#include "base/files.h"
#include "pack/pack_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 4096 };

Status pack_hdf5_memory(int *descriptor) {
    *descriptor = memfd_create("pack", MFD_CLOEXEC);
    return *descriptor < 0 ? files_failure("create", "a file in memory", errno) : NULL;
}

/* HDF5 opens files by name. This one looks like a link to nowhere, which only its driver over stdio does not mind. */
static void name_of(int descriptor, char name[32]) {
    snprintf(name, 32, "/proc/self/fd/%d", descriptor);
}

/* The same on every machine, whatever its settings: version 1.8 of the format, which all read. */
static hid_t access_properties(void) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access >= 0 && H5Pset_fapl_stdio(access) >= 0 &&
        H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18) >= 0 &&
        H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0)
        return access;
    pack_hdf5_release(access);
    return H5I_INVALID_HID;
}

hid_t pack_hdf5_create(int descriptor, uint64_t align_from) {
    char name[32];
    name_of(descriptor, name);
    hid_t access = access_properties(), creation = H5Pcreate(H5P_FILE_CREATE), file = H5I_INVALID_HID;
    if (access >= 0 && creation >= 0 && H5Pset_alignment(access, align_from, ALIGNMENT) >= 0 &&
        H5Pset_obj_track_times(creation, false) >= 0)
        file = H5Fcreate(name, H5F_ACC_TRUNC, creation, access);
    pack_hdf5_release(access);
    pack_hdf5_release(creation);
    return file;
}

hid_t pack_hdf5_open(int descriptor) {
    char name[32];
    name_of(descriptor, name);
    hid_t access = access_properties();
    hid_t file = access >= 0 ? H5Fopen(name, H5F_ACC_RDONLY, access) : H5I_INVALID_HID;
    pack_hdf5_release(access);
    return file;
}

void pack_hdf5_release(hid_t id) {
    if (id >= 0)
        H5Idec_ref(id);
}

/* The first entry from below is the cause. */
static herr_t take_first(unsigned number, const H5E_error2_t *error, void *text) {
    if (number == 0)
        snprintf(text, sizeof((PackWords *)0)->reason, "%s", error->desc ? error->desc : "");
    return 0;
}

/* HDF5 calls it as the failing call returns: the next call, though it be one that cleans up, clears the record. */
static herr_t keep(hid_t stack, void *words) {
    H5Ewalk2(stack, H5E_WALK_UPWARD, take_first, ((PackWords *)words)->reason);
    return 0;
}

void pack_hdf5_listen(PackWords *words) {
    *words = (PackWords){0};
    H5Eget_auto2(H5E_DEFAULT, &words->function, &words->data);
    H5Eset_auto2(H5E_DEFAULT, keep, words);
}

void pack_hdf5_end(const PackWords *words) {
    H5Eset_auto2(H5E_DEFAULT, words->function, words->data);
}

Status pack_hdf5_failure(ExitCode code, const char *path, const char *action, const PackWords *words) {
    return status_error(code, "%s: %s failed: %s", path, action,
                        *words->reason ? words->reason : "HDF5 does not say why");
}

hid_t pack_hdf5_text(size_t size, H5T_str_t padding) {
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 && H5Tset_size(type, size) >= 0 && H5Tset_strpad(type, padding) >= 0 &&
        H5Tset_cset(type, H5T_CSET_UTF8) >= 0)
        return type;
    pack_hdf5_release(type);
    return H5I_INVALID_HID;
}
