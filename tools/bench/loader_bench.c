/* SPDX-License-Identifier: Apache-2.0 */
/* Records a second from a pack by the loader, whole and verified, in training order, on 1 to all cores; and against it
 * pread(2) alone for the same records in the same order on as many threads. Everything is in the page cache, and the
 * loader has read one epoch before. One JSON object on standard output; "cores" is the number of processors kept busy,
 * by the process's own time. */
#include "base/clock.h"
#include "base/digest.h"
#include "base/files.h"
#include "base/json.h"
#include "base/program.h"
#include "base/threads.h"
#include "data/loader.h"
#include "pack/shard_write.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

enum { MOST_BATCH = 4096, DEPTH = 4, SEED = 1, SHARD = 4096 };

/* What was measured: records a second, and processors busy meanwhile. */
typedef struct {
    double rate, cores;
} Speed;

static Speed speed_of(double count, double start, double start_busy) {
    const double taken = clock_now() - start;
    return (Speed){count / taken, (clock_processor() - start_busy) / taken};
}

static LoaderOptions options_of(const Records *records, int batch, int workers, LoaderCache cache, bool raw) {
    return (LoaderOptions){
        .records = records,
        .cache = cache,
        .seed = SEED,
        .image_size = 224,
        .raw = raw,
        .crop = {.scale_min = 0.2, .scale_max = 1, .ratio_min = 3.0 / 4, .ratio_max = 4.0 / 3, .flip = 0.5},
        .batch_size = batch,
        .workers = workers,
        .device = device_cpu(),
        .depth = DEPTH};
}

static Status measure_loader(const LoaderOptions *options, double seconds, Speed *speed) {
    Loader *loader;
    PrefetchBatch batch;
    Status status = NULL;
    TRY(loader_open(options, &loader));
    double start = 0, busy = 0;
    /* Until all records were shown once, and the ring runs as it will go on. */
    int64_t taken = -(options->records->samples_per_epoch / options->batch_size + DEPTH + 1);
    for (; !status && (taken <= 0 || clock_now() - start < seconds); taken++) {
        if (taken == 0) {
            start = clock_now();
            busy = clock_processor();
        }
        status = loader_next(loader, &batch);
        loader_done(loader);
    }
    *speed = speed_of((double)taken * options->batch_size, start, busy);
    loader_close(loader);
    return status;
}

/* One thread of the bare reads: every `step`-th place of the order, into a ring of as much memory as the loader's. */
typedef struct {
    const Records *records;
    uint8_t *ring;
    size_t size;
    int first, step, slots;
    double end;
    int64_t read;
    bool failed;
} Reads;

enum { MOST_READERS = 256 };

typedef struct {
    Reads reads[MOST_READERS];
    atomic_int claimed;
} Readers;

static void *read_on(void *argument) {
    Readers *readers = argument;
    Reads *reads = &readers->reads[readers->claimed++];
    const Records *records = reads->records;
    for (uint64_t at = (uint64_t)reads->first;; at += (uint64_t)reads->step) {
        if (reads->read % 64 == 0 && clock_now() > reads->end)
            return NULL;
        int64_t number;
        uint64_t offset;
        const uint64_t places = (uint64_t)records->samples_per_epoch;
        const int64_t key = records_at(records, SEED, (uint32_t)(at / places), at % places);
        const RecordsPart *part = records_part(records, key % records->count, &number);
        const PackShard *shard = pack_find(&part->pack, number, &offset);
        uint8_t *to = reads->ring + (size_t)(at % (uint64_t)reads->slots) * reads->size;
        if (pread(shard->descriptor, to, reads->size, (off_t)offset) != (ssize_t)reads->size) {
            reads->failed = true;
            return NULL;
        }
        reads->read++;
    }
}

static Status measure_reads(const Records *records, int batch, int threads, double seconds, Speed *speed) {
    const size_t size = (size_t)records->side * (size_t)records->side * 3, room = (size_t)batch * DEPTH * size;
    Readers readers = {.claimed = 0};
    Threads handles;
    uint8_t *ring = malloc(room);
    if (!ring)
        return status_no_memory("a ring", room);
    memset(ring, 0, room);
    const double start = clock_now(), busy = clock_processor();
    int64_t read = 0;
    bool failed = false;
    threads = threads < MOST_READERS ? threads : MOST_READERS;
    for (int i = 0; i < threads; i++)
        readers.reads[i] = (Reads){.records = records,
                                   .ring = ring,
                                   .size = size,
                                   .first = i,
                                   .step = threads,
                                   .slots = batch * DEPTH,
                                   .end = start + seconds};
    Status status = threads_start(&handles, threads, "reading", read_on, &readers);
    threads_join(&handles);
    for (int i = 0; i < threads; i++) {
        read += readers.reads[i].read;
        failed |= readers.reads[i].failed;
    }
    *speed = speed_of((double)read, start, busy);
    free(ring);
    return failed && !status ? status_error(EXIT_IO, "a record could not be read") : status;
}

/* The rows of the table: bare reads, the loader, the loader by reads, the loader that crops. */
enum { READS, WHOLE, PLAIN, CROPPED, KINDS };
static const char *const kind_names[KINDS] = {"pread", "loader", "loader_pread", "cropped_224"};

static Status measure(const Records *records, int kind, int batch, int threads, double seconds, Speed *speed) {
    const LoaderOptions options =
        options_of(records, batch, threads, kind == PLAIN ? LOADER_PLAIN : LOADER_PAGE, kind != CROPPED);
    return kind == READS ? measure_reads(records, batch, threads, seconds, speed)
                         : measure_loader(&options, seconds, speed);
}

static Status run(const Records *records, double seconds, int batch) {
    const int cores = threads_available();
    if (batch < 1 || batch > MOST_BATCH || records->samples_per_epoch < batch)
        return status_error(EXIT_USAGE, "a batch of %d: 1 to %d, and no more than the records", batch, MOST_BATCH);
    Speed speed[KINDS];
    /* Brings everything into the page cache. */
    TRY(measure(records, WHOLE, batch, cores, 0.0, &speed[WHOLE]));
    TRY(measure(records, READS, batch, cores, seconds, &speed[READS]));
    Json json;
    json_open(&json, stdout);
    json_object(&json, NULL, JSON_LINE);
    json_integer(&json, "images", records->count);
    json_integer(&json, "side", records->side);
    json_integer(&json, "batch", batch);
    json_array(&json, "runs", JSON_LINE);
    for (int threads = 1; threads <= cores; threads++) {
        for (int kind = 0; kind < KINDS; kind++)
            TRY(measure(records, kind, batch, threads, seconds, &speed[kind]));
        json_object(&json, NULL, JSON_LINE);
        json_integer(&json, "threads", threads);
        for (int kind = 0; kind < KINDS; kind++)
            json_real(&json, kind_names[kind], speed[kind].rate);
        json_real(&json, "cores", speed[WHOLE].cores);
        json_end(&json);
    }
    json_end(&json);
    json_end(&json);
    json_newline(&json);
    return NULL;
}

static Status digest_records(const Records *records, Loader *loader, uint8_t (*digests)[DIGEST_SHA256]) {
    const size_t size = (size_t)records->side * (size_t)records->side * 3;
    PrefetchBatch batch;
    for (int64_t i = 0; i < records->count; i++) {
        Digest digest;
        TRY(loader_next(loader, &batch));
        TRY(digest_memory(batch.samples, size, false, &digest));
        memcpy(digests[batch.records[0]], digest.sha256, DIGEST_SHA256);
        loader_done(loader);
    }
    return NULL;
}

/* An epoch in batches of one: none is left out. */
static Status run_digest(const Records *records) {
    const LoaderOptions options = options_of(records, 1, 1, LOADER_PAGE, true);
    const size_t bytes = (size_t)records->count * DIGEST_SHA256;
    uint8_t(*digests)[DIGEST_SHA256] = calloc(1, bytes);
    if (!digests)
        return status_no_memory("digests", bytes);
    Loader *loader;
    Digest all;
    Status status = loader_open(&options, &loader);
    if (!status) {
        status = digest_records(records, loader, digests);
        loader_close(loader);
    }
    if (!status)
        status = digest_memory(digests, bytes, false, &all);
    free(digests);
    TRY(status);
    char text[2 * DIGEST_SHA256 + 1];
    digest_to_hex(all.sha256, DIGEST_SHA256, text);
    Json json;
    json_open(&json, stdout);
    json_object(&json, NULL, JSON_LINE);
    json_integer(&json, "records", records->count);
    json_string(&json, "digest", text);
    json_end(&json);
    json_newline(&json);
    return NULL;
}

static Status open_and_run(const char *path, bool digest, double seconds, int batch) {
    Records records;
    TRY(records_open(path, "", RECORDS_ALL, &records));
    Status status = records.side ? NULL : status_error(EXIT_USAGE, "%s: one pack, or packs of one size", path);
    if (!status)
        status = digest ? run_digest(&records) : run(&records, seconds, batch);
    records_close(&records);
    return status;
}

static Status make_shard(const char *directory, int number, int64_t count, const PackInfo *info,
                         PackShardEntry *entry) {
    const size_t size = (size_t)info->image_size * (size_t)info->image_size * 3;
    PackRow *rows = calloc((size_t)count, sizeof *rows);
    uint8_t *pixels = malloc(size);
    char *path, *scratch = NULL;
    Status status = files_path(&path, "%s/shards/%s", directory, entry->file);
    if (!status)
        status = files_path(&scratch, "%s/pixels", directory);
    const int descriptor = status ? -1 : open(scratch, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (!status && (!rows || !pixels || descriptor < 0))
        status = status_error(EXIT_IO, "cannot write a shard");
    for (int64_t i = 0; i < count && !status; i++) {
        Random random;
        random_start(&random, SEED, RANDOM_TEST, (uint32_t)number, (uint64_t)i);
        for (size_t b = 0; b < size; b++)
            pixels[b] = b < 512 || b % 7 == 0 ? (uint8_t)random_u32(&random) : pixels[b - 3];
        rows[i] = (PackRow){.source = "noise", .person = "", .device = "", .modality = ""};
        rows[i].checksum = XXH3_64bits(pixels, size);
        status = files_write_all(descriptor, scratch, pixels, size);
    }
    if (!status)
        status = pack_shard_write(path, info, rows, count, descriptor, entry);
    if (descriptor >= 0) {
        close(descriptor);
        unlink(scratch);
    }
    free(path);
    free(scratch);
    free(pixels);
    free(rows);
    return status;
}

static Status make(const char *directory, int64_t count, int side) {
    enum { MOST = 64 };
    PackShardEntry entries[MOST] = {0};
    char names[MOST][16];
    const PackInfo info = {.dataset = "noise", .dataset_version = "1", .image_size = side};
    int shards = 0;
    char *path;
    TRY(files_path(&path, "%s/shards", directory));
    Status status = side > 0 && count > 0 && count <= (int64_t)MOST * SHARD ? files_make_directory(path)
                                                                            : status_error(EXIT_USAGE, "too many");
    free(path);
    for (int64_t first = 0; first < count && !status; first += SHARD, shards++) {
        snprintf(names[shards], sizeof names[shards], "%05d.h5", shards);
        entries[shards].file = names[shards];
        status = make_shard(directory, shards, count - first < SHARD ? count - first : SHARD, &info, &entries[shards]);
    }
    return status ? status : pack_manifest_write(directory, &info, entries, shards);
}

enum { COMMAND_TIME, COMMAND_DIGEST, COMMAND_MAKE };

typedef struct {
    int command, batch, side;
    const char *pack;
    double seconds;
    int64_t count;
} Arguments;

#define AT(field) offsetof(Arguments, field)
static const Option options[] = {
    {.name = "PACK", .type = OPTION_PATH, .offset = AT(pack), .help = "The pack."},
    {.name = "SECONDS",
     .type = OPTION_REAL,
     .offset = AT(seconds),
     .min = 0,
     .above = true,
     .max = OPTION_NO_LIMIT,
     .optional = true,
     .fallback = "2",
     .commands = "time",
     .help = "Time of a measurement."},
    {.name = "BATCH",
     .type = OPTION_INT,
     .offset = AT(batch),
     .min = 1,
     .max = MOST_BATCH,
     .optional = true,
     .fallback = "256",
     .commands = "time",
     .help = "Records in a batch."},
    {.name = "COUNT",
     .type = OPTION_INTEGER,
     .offset = AT(count),
     .min = 1,
     .max = OPTION_NO_LIMIT,
     .commands = "make",
     .help = "Number of records."},
    {.name = "SIDE",
     .type = OPTION_INT,
     .offset = AT(side),
     .min = 1,
     .max = OPTION_NO_LIMIT,
     .commands = "make",
     .help = "Side of a record in pixels."},
    {0},
};
static const ProgramCommand commands[] = {
    {.name = "time", .help = "Measures the records a second that the loader makes of a pack, on 1 to all cores."},
    {.name = "digest",
     .help = "Prints the SHA-256 of the SHA-256 of each record that the loader gives, in pack order."},
    {.name = "make", .help = "Makes a pack of noise to measure with."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_DATA, EXIT_IO, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {
    .name = "loader_bench",
    .about = "Measures the loader; prints one JSON object.",
    .commands = commands,
    .command_offset = AT(command),
    .options = options,
    .exits = exits,
};

static Status run_command(void *context) {
    const Arguments *a = context;
    if (a->command == COMMAND_MAKE)
        return make(a->pack, a->count, a->side);
    return open_and_run(a->pack, a->command == COMMAND_DIGEST, a->seconds, a->batch);
}

int main(int count, char **arguments) {
    Arguments a = {0};
    return program_main(&program, count, arguments, &a, run_command);
}
