/* SPDX-License-Identifier: Apache-2.0 */
/* Files that appear whole or not at all. Written with write(2), never stdio, so that every byte that reaches the disk
 * passes one place. */
#ifndef FOVEA_BASE_FILES_H
#define FOVEA_BASE_FILES_H

#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Creates `path` and its missing parents, mode 0777 less the umask, and fsyncs their names. An existing directory is
 * fine.
 */
Status files_make_directory(const char *path) MUST_USE;
bool files_exists(const char *path);

/* The whole file, with a NUL after its end; *data is malloc'ed and the caller's. EXIT_IO naming path and cause. */
Status files_read(const char *path, char **data, size_t *size) MUST_USE;

/* Writes beside, fsyncs, renames over `path`, fsyncs the directory. EXIT_IO naming path and cause, such as a full disk.
 */
Status files_write(const char *path, const void *data, size_t size) MUST_USE;

/* Removes the unfinished files that killed calls of files_write() and files_link() left in `directory`. Only for a
 * directory that no other process writes to. */
Status files_remove_unfinished(const char *directory) MUST_USE;

/* The name under which those calls write `path`, and which no other thread or process of this machine uses; the
 * caller's.
 */
Status files_name_unfinished(const char *path, char **unfinished) MUST_USE;
/* Ends such a call: without a failure renames the file to `path`, else removes it and returns the failure. Frees the
 * name. */
Status files_finish(char *unfinished, const char *path, Status status) MUST_USE;
/* Whether `name` from byte `at` on is what those calls append to a name while they write. */
bool files_is_unfinished(const char *name, size_t at);

/* Writes `size` bytes to a new file at `path` piece by piece, then fsyncs: for files in a directory that is itself
 * renamed into place. */
Status files_write_new(const char *path, const void *data, size_t size) MUST_USE;

/* write(2) until all is written. `path` is for the message. */
Status files_write_all(int descriptor, const char *path, const void *data, size_t size) MUST_USE;

/* The same by pwrite(2), at `offset` of the file. */
Status files_write_at(int descriptor, const char *path, const void *data, size_t size, uint64_t offset) MUST_USE;
/* pread(2) until all is read; a file that ends before is EXIT_IO. */
Status files_read_at(int descriptor, const char *path, void *data, size_t size, uint64_t offset) MUST_USE;
/* Bytes of a regular file; -1 when there is none. */
int64_t files_size(const char *path);

/* fsync of a directory, so that the names in it survive a crash. */
Status files_sync_directory(const char *path) MUST_USE;
/* rename(2), then fsync of the parent directory. */
Status files_rename(const char *from, const char *to) MUST_USE;
/* Points the symbolic link `path` at `target`, atomically. */
Status files_link(const char *target, const char *path) MUST_USE;
/* Removes a file, or a directory with its content; a missing one is fine. */
Status files_remove(const char *path) MUST_USE;

/* EXIT_IO "cannot ACTION PATH: ..." for an errno; for a full disk or a file too large also what to do. */
Status files_failure(const char *action, const char *path, int cause) __attribute__((returns_nonnull)) MUST_USE;

/* Prints a path into fresh memory, the caller's; *path is NULL on failure. */
Status files_path(char **path, const char *format, ...) __attribute__((format(printf, 2, 3))) MUST_USE;

/* Creates or empties `path` for writing: for content that files_write_new() cannot take in one buffer. */
Status files_new_open(const char *path, int *descriptor) MUST_USE;

/* Closes the file: after an fsync when `written`, the outcome of writing it, is NULL. Any failure removes the
 * unfinished file. Returns the first failure. */
Status files_new_close(int descriptor, const char *path, Status written) MUST_USE;

#endif
