/* A new file while it is being written: what files_write(), files_write_new(), safetensors_write() and
 * pack_shard_write() share. */
#ifndef FOVEA_FILES_NEW_H
#define FOVEA_FILES_NEW_H

#include "status.h"

/* Creates or empties `path` for writing. */
Status files_new_open(const char *path, int *descriptor) MUST_USE;

/* When `written` (how the writing went) is NULL: fsync, then close. On any failure the unfinished file is removed.
 * Returns the first failure. */
Status files_new_close(int descriptor, const char *path, Status written) MUST_USE;

#endif
