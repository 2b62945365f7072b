/* SPDX-License-Identifier: Apache-2.0 */
#include "base/files.h"
#include "pack/pack_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char REMEDY[] = "restore it from a copy, or stage again";

/* What the entry says fits in itself and is the file's length. */
static Status check_length(const PackShard *shard, const PackInfo *info, const PackShardEntry *entry) {
    uint64_t images, end;
    if (shard->bytes != entry->bytes)
        return status_error(EXIT_DATA, "%s: %llu bytes long, but %llu by pack.json: cut short, or another file; %s",
                            shard->path, (unsigned long long)shard->bytes, (unsigned long long)entry->bytes, REMEDY);
    if (__builtin_mul_overflow((uint64_t)entry->records, pack_record_bytes(info), &images) ||
        __builtin_add_overflow(images, entry->offset, &end) || end > entry->bytes)
        return status_error(EXIT_DATA, "%s: %lld records do not fit in its %llu bytes: pack.json is damaged; %s",
                            shard->path, (long long)entry->records, (unsigned long long)entry->bytes, REMEDY);
    return NULL;
}

Status pack_shard_open(const char *directory, const PackInfo *info, const PackShardEntry *entry, PackShard *shard) {
    *shard = (PackShard){.descriptor = -1, .records = entry->records, .offset = entry->offset};
    shard->path = files_path("%s/shards/%s", directory, entry->file);
    if (!shard->path)
        return status_no_memory("a path", strlen(directory));
    shard->descriptor = open(shard->path, O_RDONLY | O_CLOEXEC);
    if (shard->descriptor < 0 && errno == ENOENT)
        return status_error(EXIT_DATA, "%s: missing, though pack.json lists it; %s", shard->path, REMEDY);
    struct stat about_file;
    if (shard->descriptor < 0 || fstat(shard->descriptor, &about_file) != 0)
        return files_failure("read", shard->path, errno);
    if (!S_ISREG(about_file.st_mode))
        return status_error(EXIT_DATA, "%s: not a regular file; %s", shard->path, REMEDY);
    shard->device = about_file.st_dev;
    shard->inode = about_file.st_ino;
    shard->bytes = (uint64_t)about_file.st_size;
    shard->modified[0] = about_file.st_mtim.tv_sec;
    shard->modified[1] = about_file.st_mtim.tv_nsec;
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
    /* What is open keeps its inode, so the name alone tells of a file written to and of another one in its place. */
    if (stat(shard->path, &now) == 0 && shard->device == now.st_dev && shard->inode == now.st_ino &&
        shard->bytes == (uint64_t)now.st_size && shard->modified[0] == now.st_mtim.tv_sec &&
        shard->modified[1] == now.st_mtim.tv_nsec)
        return NULL;
    return status_error(EXIT_DATA, "%s: changed since the run began; a pack must stay as it is while it is used",
                        shard->path);
}
