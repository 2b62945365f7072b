/* SPDX-License-Identifier: Apache-2.0 */
#include "data/folder.h"
#include "base/file_tree.h"
#include "image/image.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

/* Over each path with its NUL and each size, little endian on any machine. */
static Status hash_list(const TreeFile *files, int64_t count, uint64_t *hash) {
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return status_no_memory("a hash", 0);
    XXH3_64bits_reset(state);
    for (int64_t i = 0; i < count; i++) {
        uint8_t bytes[8];
        for (int b = 0; b < 8; b++)
            bytes[b] = (uint8_t)(files[i].bytes >> 8 * b);
        XXH3_64bits_update(state, files[i].path, strlen(files[i].path) + 1);
        XXH3_64bits_update(state, bytes, sizeof bytes);
    }
    *hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return NULL;
}

/* Moves the paths of the sorted list into `folder`. */
static Status take_paths(Folder *folder, const char *root, TreeFile *files, int64_t count) {
    if (!count && folder->dicoms)
        return status_error(EXIT_DATA,
                            "%s: the folder contains no image but %" PRId64 " DICOM file%s; stage them first", root,
                            folder->dicoms, folder->dicoms == 1 ? "" : "s");
    if (!count)
        return status_error(EXIT_DATA, "%s: the folder contains no image (.jpg, .jpeg, .png, .tif or .tiff)", root);
    TRY(hash_list(files, count, &folder->hash));
    folder->root = strdup(root);
    folder->paths = malloc((size_t)count * sizeof *folder->paths);
    folder->identities = malloc((size_t)count * sizeof *folder->identities);
    if (!folder->root || !folder->paths || !folder->identities)
        return status_no_memory("a list of files", (size_t)count * sizeof *folder->paths);
    for (int64_t i = 0; i < count; i++) {
        folder->identities[i] = (FileIdentity){files[i].device, files[i].inode};
        folder->paths[i] = files[i].path;
        files[i].path = NULL;
    }
    folder->count = count;
    return NULL;
}

Status folder_open(const char *root, Folder *folder) {
    *folder = (Folder){0};
    FileTree listing;
    TRY(file_tree_read(root, image_is_file_name, &listing));
    for (int64_t i = 0; i < listing.other_count; i++)
        folder->dicoms += image_is_dicom_name(listing.others[i].path);
    Status status = take_paths(folder, root, listing.files, listing.count);
    folder->links = listing.link_count;
    if (listing.link_count) {
        folder->first_link = listing.links[0].path;
        listing.links[0].path = NULL;
    }
    file_tree_close(&listing);
    if (status)
        folder_close(folder);
    return status;
}

void folder_close(Folder *folder) {
    for (int64_t i = 0; i < folder->count; i++)
        free(folder->paths[i]);
    free(folder->paths);
    free(folder->identities);
    free(folder->root);
    free(folder->first_link);
    *folder = (Folder){0};
}
