/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/pack/shard_records.h"

#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static Status read_record(const char *path, uint8_t *record, size_t size, uint64_t offset) {
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return files_failure("read", path, errno);
    Status status = files_read_at(descriptor, path, record, size, offset);
    close(descriptor);
    return status;
}

void shard_records_places(const PipelineResult *result, int64_t *places) {
    for (int number = 0; number < result->shard_count; number++) {
        const ShardState *shard = &result->shards[number];
        int64_t place = 0;
        for (int64_t i = shard->first; i < shard->first + shard->count; i++) {
            places[i] = place;
            place += result->outcomes[i].packed;
        }
    }
}

Status shard_records_read(const Output *output, const StageSource *source, const PipelineResult *result, int64_t input,
                          int64_t place, uint8_t *record, bool *found) {
    int number = 0;
    while (input >= result->shards[number].first + result->shards[number].count)
        number++;
    const ShardState *shard = &result->shards[number];
    *found = shard->entry.records > 0;
    if (!*found)
        return NULL;
    const size_t side = (size_t)source->info.image_size, size = side * side * 3;
    char *path;
    TRY(output_shard(output, number, &path));
    Status status = read_record(path, record, size, shard->entry.offset + (uint64_t)place * size);
    free(path);
    return status;
}
