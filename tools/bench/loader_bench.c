/* Records a second that the loader makes of a pack, whole and verified, in the order of training, on 1 to all cores;
 * and beside each what pread(2) alone makes of the same records in the same order on as many threads. Everything is in
 * the page cache. One JSON object on standard output.
 *
 *   loader_bench PACK [SECONDS]     a measurement takes SECONDS, 2 by default
 *   loader_bench --make PACK COUNT SIDE     a pack of noise to measure with */
#include "files.h"
#include "loader.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <xxhash.h>

enum { BATCH = 256, DEPTH = 4, SEED = 1, ROUNDS = 3, SHARD = 4096 };

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static Status measure_loader(const Records *records, int workers, LoaderCache cache, bool raw, double seconds,
                             double *rate) {
    const LoaderOptions options = {
        .records = records,
        .cache = cache,
        .seed = SEED,
        .image_size = 224,
        .raw = raw,
        .crop = {.scale_min = 0.2, .scale_max = 1, .ratio_min = 3.0 / 4, .ratio_max = 4.0 / 3, .flip = 0.5},
        .batch_size = BATCH,
        .workers = workers,
        .device = device_cpu(),
        .depth = DEPTH};
    Loader *loader;
    PrefetchBatch batch;
    Status status = NULL;
    TRY(loader_open(&options, &loader));
    double start = 0;
    int64_t taken = -(DEPTH + 1); /* until the ring runs as it will go on */
    for (; !status && (taken <= 0 || now() - start < seconds); taken++) {
        if (taken == 0)
            start = now();
        status = loader_next(loader, &batch);
        loader_done(loader);
    }
    *rate = (double)taken * BATCH / (now() - start);
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

static void *read_on(void *argument) {
    Reads *reads = argument;
    const Records *records = reads->records;
    for (uint64_t at = (uint64_t)reads->first;; at += (uint64_t)reads->step) {
        if (reads->read % 64 == 0 && now() > reads->end)
            return NULL;
        int64_t number;
        uint64_t offset;
        const uint64_t places = (uint64_t)records->places;
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

static Status measure_reads(const Records *records, int threads, double seconds, double *rate) {
    const size_t size = (size_t)records->side * (size_t)records->side * 3;
    enum { MOST = 256 };
    pthread_t handles[MOST];
    Reads reads[MOST];
    uint8_t *ring = malloc((size_t)BATCH * DEPTH * size);
    if (!ring)
        return status_no_memory("a ring", (size_t)BATCH * DEPTH * size);
    memset(ring, 0, (size_t)BATCH * DEPTH * size);
    const double start = now();
    int64_t read = 0;
    bool failed = false;
    int started = 0;
    for (; started < threads && started < MOST; started++) {
        reads[started] = (Reads){.records = records,
                                 .ring = ring,
                                 .size = size,
                                 .first = started,
                                 .step = threads,
                                 .slots = BATCH * DEPTH,
                                 .end = start + seconds};
        if (pthread_create(&handles[started], NULL, read_on, &reads[started]) != 0)
            break;
    }
    for (int i = 0; i < started; i++) {
        pthread_join(handles[i], NULL);
        read += reads[i].read;
        failed |= reads[i].failed;
    }
    *rate = (double)read / (now() - start);
    free(ring);
    return failed || started < threads ? status_error(EXIT_IO, "a record could not be read") : NULL;
}

static Status run(const char *path, double seconds) {
    Records records;
    TRY(records_open(path, "", RECORDS_ALL, &records));
    cpu_set_t set;
    const int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    Status status = records.side ? NULL : status_error(EXIT_USAGE, "%s: one pack, or packs of one size", path);
    double rate;
    if (!status) /* brings everything into the page cache */
        status = measure_loader(&records, cores, LOADER_PAGE, true, 0.0, &rate);
    if (!status)
        status = measure_reads(&records, cores, seconds, &rate);
    printf("{\"pictures\": %lld, \"side\": %d, \"runs\": [", (long long)records.count, records.side);
    for (int threads = 1; threads <= cores && !status; threads++) {
        /* In turn, the best of each: what else the machine does hits either. */
        double best[4] = {0};
        for (int round = 0; round < ROUNDS && !status; round++)
            for (int kind = 0; kind < 4 && !status; kind++) {
                status = kind == 0 ? measure_reads(&records, threads, seconds, &rate)
                                   : measure_loader(&records, threads, kind == 2 ? LOADER_PLAIN : LOADER_PAGE, kind < 3,
                                                    seconds, &rate);
                best[kind] = rate > best[kind] ? rate : best[kind];
            }
        printf(
            "%s\n {\"threads\": %d, \"pread\": %.0f, \"loader\": %.0f, \"loader_pread\": %.0f, \"cropped_224\": %.0f, "
            "\"ratio\": %.3f}",
            threads > 1 ? "," : "", threads, best[0], best[1], best[2], best[3], best[1] / best[0]);
    }
    printf("]}\n");
    records_close(&records);
    return status;
}

static Status make_shard(const char *directory, int number, int64_t count, const PackAbout *about,
                         PackShardEntry *entry) {
    const size_t size = (size_t)about->image_size * (size_t)about->image_size * 3;
    PackRow *rows = calloc((size_t)count, sizeof *rows);
    uint8_t *pixels = malloc(size);
    char *path = files_path("%s/shards/%s", directory, entry->file), *scratch = files_path("%s/pixels", directory);
    const int descriptor = scratch ? open(scratch, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;
    Status status = rows && pixels && path && descriptor >= 0 ? NULL : status_error(EXIT_IO, "cannot write a shard");
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
        status = pack_shard_write(path, about, rows, count, descriptor, entry);
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
    const PackAbout about = {.dataset = "noise", .dataset_version = "1", .image_size = side};
    int shards = 0;
    char *path = files_path("%s/shards", directory);
    if (!path)
        return status_no_memory("a path", strlen(directory));
    Status status = side > 0 && count > 0 && count <= (int64_t)MOST * SHARD ? files_make_directory(path)
                                                                            : status_error(EXIT_USAGE, "too many");
    free(path);
    for (int64_t first = 0; first < count && !status; first += SHARD, shards++) {
        snprintf(names[shards], sizeof names[shards], "%05d.h5", shards);
        entries[shards].file = names[shards];
        status = make_shard(directory, shards, count - first < SHARD ? count - first : SHARD, &about, &entries[shards]);
    }
    return status ? status : pack_manifest_write(directory, &about, entries, shards);
}

int main(int count, char **arguments) {
    Status status;
    if (count == 5 && strcmp(arguments[1], "--make") == 0)
        status = make(arguments[2], atoll(arguments[3]), atoi(arguments[4]));
    else if (count == 2 || count == 3)
        status = run(arguments[1], count == 3 ? atof(arguments[2]) : 2);
    else
        status = status_error(EXIT_USAGE, "loader_bench PACK [SECONDS] | --make PACK COUNT SIDE");
    if (status)
        fprintf(stderr, "loader_bench: %s\n", status_message(status));
    const ExitCode code = status_code(status);
    status_free(status);
    return (int)code;
}
