/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/hdf5.h"

#include "base/files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 4096 };

Status pack_hdf5_memory(int *descriptor) {
    *descriptor = memfd_create("pack", MFD_CLOEXEC);
    return *descriptor < 0 ? files_failure("create", "a file in memory", errno) : NULL;
}

/* HDF5 opens files by name. This name looks like a dangling link, which only its stdio driver accepts. */
static void name_descriptor(int descriptor, char name[32]) {
    snprintf(name, 32, "/proc/self/fd/%d", descriptor);
}

/* Equal bytes on every machine, whatever its settings: version 1.8 of the format, which every tool reads. Files in
 * memory have no other reader, so they are not locked. */
static hid_t create_access_list(void) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access >= 0 && H5Pset_fapl_stdio(access) >= 0 &&
        H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18) >= 0 &&
        H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0 && H5Pset_file_locking(access, false, true) >= 0)
        return access;
    pack_hdf5_release(access);
    return H5I_INVALID_HID;
}

hid_t pack_hdf5_create(int descriptor, uint64_t align_from) {
    char name[32];
    name_descriptor(descriptor, name);
    hid_t access = create_access_list(), creation = H5Pcreate(H5P_FILE_CREATE), file = H5I_INVALID_HID;
    if (access >= 0 && creation >= 0 && H5Pset_alignment(access, align_from, ALIGNMENT) >= 0 &&
        H5Pset_obj_track_times(creation, false) >= 0)
        file = H5Fcreate(name, H5F_ACC_TRUNC, creation, access);
    pack_hdf5_release(access);
    pack_hdf5_release(creation);
    return file;
}

hid_t pack_hdf5_open(int descriptor) {
    char name[32];
    name_descriptor(descriptor, name);
    hid_t access = create_access_list();
    hid_t file = access >= 0 ? H5Fopen(name, H5F_ACC_RDONLY, access) : H5I_INVALID_HID;
    pack_hdf5_release(access);
    return file;
}

void pack_hdf5_release(hid_t id) {
    if (id >= 0)
        H5Idec_ref(id);
}

/* The innermost entry is the cause. */
static herr_t copy_first_reason(unsigned number, const H5E_error2_t *error, void *text) {
    if (number == 0)
        snprintf(text, sizeof((PackHdf5Errors *)0)->reason, "%s", error->desc ? error->desc : "");
    return 0;
}

/* HDF5 calls it as the failing call returns; the next call, even one that cleans up, clears the stack. */
static herr_t capture_reason(hid_t stack, void *errors) {
    H5Ewalk2(stack, H5E_WALK_UPWARD, copy_first_reason, ((PackHdf5Errors *)errors)->reason);
    return 0;
}

void pack_hdf5_errors_begin(PackHdf5Errors *errors) {
    *errors = (PackHdf5Errors){0};
    H5Eget_auto2(H5E_DEFAULT, &errors->function, &errors->data);
    H5Eset_auto2(H5E_DEFAULT, capture_reason, errors);
}

void pack_hdf5_errors_end(const PackHdf5Errors *errors) {
    H5Eset_auto2(H5E_DEFAULT, errors->function, errors->data);
}

Status pack_hdf5_failure(ExitCode code, const char *path, const char *action, const PackHdf5Errors *errors) {
    return status_error(code, "%s: %s failed: %s", path, action,
                        *errors->reason ? errors->reason : "HDF5 gives no reason");
}

hid_t pack_hdf5_text(size_t size, H5T_str_t padding) {
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 && H5Tset_size(type, size) >= 0 && H5Tset_strpad(type, padding) >= 0 &&
        H5Tset_cset(type, H5T_CSET_UTF8) >= 0)
        return type;
    pack_hdf5_release(type);
    return H5I_INVALID_HID;
}
