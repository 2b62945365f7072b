/* SPDX-License-Identifier: Apache-2.0 */
/* The system's library is built for the oldest processors; inlined, XXH3 uses what this program may use. */
#define XXH_INLINE_ALL

#include "data/pack_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <xxhash.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

enum { DIRECT_UNIT = 4096 };

typedef enum { READ_PLAIN, READ_MAPPED, READ_DIRECT } ReadMethod;

typedef struct {
    ReadMethod method;
    const uint8_t *map; /* record 0 */
    void *mapping;
    size_t mapped;            /* bytes of the mapping */
    int direct;               /* descriptor; -1: none */
    _Atomic uint64_t checked; /* the last batch before which it was found unchanged, plus 1 */
} Shard;

struct PackReader {
    const Records *records;
    Shard **shards; /* [part][shard] */
    size_t page;
    _Atomic uint64_t bytes;
};

/* Where a record is. */
typedef struct {
    const Pack *pack;
    const PackShard *file;
    Shard *shard;
    int64_t number; /* in the pack */
    uint64_t offset;
    size_t size;
} RecordPlace;

static RecordPlace find_record(const PackReader *reader, int64_t record) {
    RecordPlace place;
    const RecordsPart *part = records_part(reader->records, record, &place.number);
    place.pack = &part->pack;
    place.file = pack_find(place.pack, place.number, &place.offset);
    place.shard = &reader->shards[part - reader->records->parts][place.file - part->pack.shards];
    place.size = (size_t)part->pack.info.image_size * (size_t)part->pack.info.image_size * 3;
    return place;
}

/* Files on a network can become shorter, or the server can vanish, and a mapping of one then kills the process. */
static bool is_network(int descriptor) {
    enum { NFS = 0x6969, SMB = 0x517B };
    static const unsigned CIFS = 0xFF534D42, SMB2 = 0xFE534D42;
    struct statfs st;
    if (fstatfs(descriptor, &st) != 0)
        return true;
    const unsigned type = (unsigned)st.f_type;
    return type == NFS || type == SMB || type == CIFS || type == SMB2;
}

/* A shard that cannot be mapped is read. */
static void map_shard(Shard *shard, const PackShard *file, size_t size, size_t page) {
    if (is_network(file->descriptor))
        return;
    const size_t before = (size_t)(file->offset % page), bytes = before + (size_t)file->records * size;
    void *mapping = mmap(NULL, bytes, PROT_READ, MAP_SHARED, file->descriptor, (off_t)(file->offset - before));
    if (mapping == MAP_FAILED)
        return;
    /* The order is random: reading ahead would be useless. */
    madvise(mapping, bytes, MADV_RANDOM);
    shard->mapping = mapping;
    shard->mapped = bytes;
    shard->map = (const uint8_t *)mapping + before;
    shard->method = READ_MAPPED;
}

static Status open_shard(Shard *shard, const PackShard *file, size_t size, size_t page, LoaderCache cache) {
    *shard = (Shard){.direct = -1};
    if (cache == LOADER_PAGE || cache == LOADER_PLAIN) {
        if (file->records && cache == LOADER_PAGE)
            map_shard(shard, file, size, page);
        return NULL;
    }
    shard->direct = open(file->path, O_RDONLY | O_CLOEXEC | O_DIRECT);
    if (shard->direct < 0)
        return status_error(EXIT_IO, "%s: cannot be opened for direct reads: %s; read through the page cache",
                            file->path, strerror(errno));
    shard->method = READ_DIRECT;
    return NULL;
}

/* Page, unless the packs would fill more than half of the memory. */
static LoaderCache choose_cache(const Records *records) {
    const double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    double bytes = 0;
    for (int i = 0; i < records->part_count; i++) {
        const Pack *pack = &records->parts[i].pack;
        bytes += 3.0 * (double)records->parts[i].count * pack->info.image_size * pack->info.image_size;
    }
    return bytes > memory / 2 ? LOADER_DIRECT : LOADER_PAGE;
}

static Status open_part(PackReader *reader, int index, LoaderCache cache) {
    const Pack *pack = &reader->records->parts[index].pack;
    const size_t size = (size_t)pack->info.image_size * (size_t)pack->info.image_size * 3;
    Shard *shards = calloc((size_t)pack->shard_count, sizeof *shards);
    if (!shards)
        return status_no_memory("a list of shards", (size_t)pack->shard_count * sizeof *shards);
    reader->shards[index] = shards;
    for (int i = 0; i < pack->shard_count; i++)
        shards[i].direct = -1;
    for (int i = 0; i < pack->shard_count; i++) {
        const LoaderCache wanted = cache == LOADER_AUTO ? choose_cache(reader->records) : cache;
        Status status = open_shard(&shards[i], &pack->shards[i], size, reader->page, wanted);
        if (status && cache == LOADER_AUTO) { /* a file system without direct reads */
            status_free(status);
            status = open_shard(&shards[i], &pack->shards[i], size, reader->page, LOADER_PAGE);
        }
        TRY(status);
    }
    return NULL;
}

Status pack_reader_open(const Records *records, LoaderCache cache, PackReader **out) {
    *out = NULL;
    PackReader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return status_no_memory("the packs' reader", sizeof *reader);
    reader->records = records;
    reader->page = (size_t)sysconf(_SC_PAGESIZE);
    reader->shards = calloc((size_t)records->part_count, sizeof *reader->shards);
    Status status = reader->shards ? NULL : status_no_memory("the packs' reader", sizeof *reader);
    for (int i = 0; i < records->part_count && !status; i++)
        status = open_part(reader, i, cache);
    if (status)
        pack_reader_close(reader);
    else
        *out = reader;
    return status;
}

void pack_reader_close(PackReader *reader) {
    if (!reader)
        return;
    for (int i = 0; reader->shards && i < reader->records->part_count; i++) {
        Shard *shards = reader->shards[i];
        for (int s = 0; shards && s < reader->records->parts[i].pack.shard_count; s++) {
            if (shards[s].mapping)
                munmap(shards[s].mapping, shards[s].mapped);
            if (shards[s].direct >= 0)
                close(shards[s].direct);
        }
        free(shards);
    }
    free(reader->shards);
    free(reader);
}

Status pack_reader_unchanged(PackReader *reader, int64_t record, uint64_t batch) {
    const RecordPlace place = find_record(reader, record);
    if (atomic_load_explicit(&place.shard->checked, memory_order_relaxed) == batch + 1)
        return NULL;
    TRY(pack_shard_unchanged(place.file));
    atomic_store_explicit(&place.shard->checked, batch + 1, memory_order_relaxed);
    return NULL;
}

static Status damaged_record(const RecordPlace *place, const char *reason) {
    return status_error(EXIT_DATA, "%s: record %lld of %s: %s", place->pack->rows[place->number].source,
                        (long long)(place->number - place->file->first), place->file->path, reason);
}

/* pread(2) of `size` bytes, or as many as the file has, but at least `least`. */
static Status read_fully(const RecordPlace *place, int descriptor, uint8_t *to, size_t size, size_t least,
                         uint64_t offset) {
    size_t got = 0;
    while (got < least) {
        const ssize_t bytes = pread(descriptor, to + got, size - got, (off_t)(offset + got));
        if (bytes < 0 && errno == EINTR)
            continue;
        if (bytes < 0)
            return damaged_record(place, strerror(errno));
        if (bytes == 0)
            return damaged_record(place, "the shard ends before it");
        got += (size_t)bytes;
    }
    return NULL;
}

static Status read_direct(const RecordPlace *place, PackView *view) {
    const uint64_t before = place->offset % DIRECT_UNIT;
    const size_t least = (size_t)before + place->size;
    const size_t size = (least + DIRECT_UNIT - 1) / DIRECT_UNIT * DIRECT_UNIT;
    uint8_t *buffer = aligned_alloc(DIRECT_UNIT, size);
    if (!buffer)
        return status_no_memory("a record", size);
    view->buffer = buffer;
    view->pixels = buffer + before;
    return read_fully(place, place->shard->direct, buffer, size, least, place->offset - before);
}

static Status read_plain(const RecordPlace *place, uint8_t *out) {
    return read_fully(place, place->file->descriptor, out, place->size, place->size, place->offset);
}

/* The mapped record, its pages in memory; NULL where that is impossible. */
static const uint8_t *map_record(const PackReader *reader, const RecordPlace *place) {
    if (place->shard->method != READ_MAPPED)
        return NULL;
    const uint8_t *pixels = place->shard->map + (place->offset - place->file->offset);
    const size_t before = (uintptr_t)pixels % reader->page;
    const size_t bytes = (before + place->size + reader->page - 1) / reader->page * reader->page;
    void *start = (void *)(uintptr_t)(pixels - before);
    madvise(start, bytes, MADV_WILLNEED); /* missing pages are read at once, not one by one */
    return madvise(start, bytes, MADV_POPULATE_READ) == 0 ? pixels : NULL;
}

static Status check_record(PackReader *reader, const RecordPlace *place, uint64_t checksum) {
    atomic_fetch_add_explicit(&reader->bytes, place->size, memory_order_relaxed);
    if (checksum != place->pack->rows[place->number].checksum)
        return damaged_record(place, "its checksum does not match");
    return NULL;
}

static Status verify_record(PackReader *reader, const RecordPlace *place, const uint8_t *pixels) {
    return check_record(reader, place, XXH3_64bits(pixels, place->size));
}

/* The checksum is computed of the copy, which the caller uses, piece by piece while it is in the nearest cache. */
static uint64_t copy_and_hash(uint8_t *to, const uint8_t *from, size_t size) {
    enum { PIECE = 8192 };
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    XXH3_64bits_reset(&state);
    for (size_t done = 0; done < size; done += PIECE) {
        const size_t piece = size - done < PIECE ? size - done : PIECE;
        memcpy(to + done, from + done, piece);
        XXH3_64bits_update(&state, to + done, piece);
    }
    return XXH3_64bits_digest(&state);
}

static Status read_record(PackReader *reader, const RecordPlace *place, PackView *view) {
    view->pixels = map_record(reader, place);
    if (view->pixels)
        return verify_record(reader, place, view->pixels);
    if (place->shard->method == READ_DIRECT) {
        TRY(read_direct(place, view));
    } else {
        uint8_t *buffer = malloc(place->size);
        if (!buffer)
            return status_no_memory("a record", place->size);
        view->pixels = view->buffer = buffer;
        TRY(read_plain(place, buffer));
    }
    return verify_record(reader, place, view->pixels);
}

Status pack_reader_view(PackReader *reader, int64_t record, PackView *view) {
    const RecordPlace place = find_record(reader, record);
    *view = (PackView){.side = place.pack->info.image_size};
    Status status = read_record(reader, &place, view);
    if (status)
        pack_view_close(view);
    return status;
}

void pack_view_close(PackView *view) {
    free(view->buffer);
    *view = (PackView){0};
}

Status pack_reader_copy(PackReader *reader, int64_t record, uint8_t *out) {
    const RecordPlace place = find_record(reader, record);
    PackView view = {.pixels = map_record(reader, &place)};
    Status status = NULL;
    if (!view.pixels && place.shard->method == READ_DIRECT)
        status = read_direct(&place, &view);
    const bool there = view.pixels;
    if (!status && there)
        status = check_record(reader, &place, copy_and_hash(out, view.pixels, place.size));
    pack_view_close(&view);
    if (status || there)
        return status;
    TRY(read_plain(&place, out));
    return verify_record(reader, &place, out);
}

uint64_t pack_reader_bytes(PackReader *reader) {
    return atomic_load_explicit(&reader->bytes, memory_order_relaxed);
}
