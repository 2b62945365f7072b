/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/shard.h"

#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char REMEDY[] = "restore it from a copy, or stage again";

/* The entry agrees with itself and with the file's length. */
static Status check_length(const PackShard *shard, const PackInfo *info, const PackShardEntry *entry) {
    uint64_t images, end;
    if (shard->bytes != entry->bytes)
        return status_error(EXIT_DATA, "%s: %llu bytes long, but pack.json says %llu: truncated, or another file; %s",
                            shard->path, (unsigned long long)shard->bytes, (unsigned long long)entry->bytes, REMEDY);
    if (__builtin_mul_overflow((uint64_t)entry->records, pack_record_bytes(info), &images) ||
        __builtin_add_overflow(images, entry->offset, &end) || end > entry->bytes)
        return status_error(EXIT_DATA, "%s: %lld records do not fit in its %llu bytes: pack.json is damaged; %s",
                            shard->path, (long long)entry->records, (unsigned long long)entry->bytes, REMEDY);
    return NULL;
}

Status pack_shard_open(const char *directory, const PackInfo *info, const PackShardEntry *entry, PackShard *shard) {
    *shard = (PackShard){.descriptor = -1, .records = entry->records, .offset = entry->offset};
    TRY(files_path(&shard->path, "%s/shards/%s", directory, entry->file));
    shard->descriptor = open(shard->path, O_RDONLY | O_CLOEXEC);
    if (shard->descriptor < 0 && errno == ENOENT)
        return status_error(EXIT_DATA, "%s: missing, though pack.json lists it; %s", shard->path, REMEDY);
    struct stat st;
    if (shard->descriptor < 0 || fstat(shard->descriptor, &st) != 0)
        return files_failure("read", shard->path, errno);
    if (!S_ISREG(st.st_mode))
        return status_error(EXIT_DATA, "%s: not a regular file; %s", shard->path, REMEDY);
    shard->device = st.st_dev;
    shard->inode = st.st_ino;
    shard->bytes = (uint64_t)st.st_size;
    shard->modified[0] = st.st_mtim.tv_sec;
    shard->modified[1] = st.st_mtim.tv_nsec;
    return check_length(shard, info, entry);
}

void pack_shard_close(PackShard *shard) {
    if (shard->path && shard->descriptor >= 0)
        close(shard->descriptor);
    free(shard->path);
    *shard = (PackShard){.descriptor = -1};
}

Status pack_shard_unchanged(const PackShard *shard) {
    struct stat now;
    /* By path: the open descriptor would not show that another file has taken its place. */
    if (stat(shard->path, &now) == 0 && shard->device == now.st_dev && shard->inode == now.st_ino &&
        shard->bytes == (uint64_t)now.st_size && shard->modified[0] == now.st_mtim.tv_sec &&
        shard->modified[1] == now.st_mtim.tv_nsec)
        return NULL;
    return status_error(EXIT_DATA, "%s: changed since the run began; do not change a pack while it is in use",
                        shard->path);
}
