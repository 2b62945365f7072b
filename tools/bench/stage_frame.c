/* SPDX-License-Identifier: Apache-2.0 */
/* What staging does to each photograph, without its tables and shards: read, SHA-256, decode, find the circle, cut and
 * resize, hash, write the record. Prints photographs a second and where the time went, as JSON. pillow_stage.py does
 * the same in Python. */
#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/program.h"
#include "base/threads.h"
#include "image/decode.h"
#include "pack/phash.h"
#include "stage/frame/circle.h"
#include "stage/frame/fundus.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ, DIGEST, DECODE, CIRCLE, RESIZE, HASH, WRITE, PARTS };
static const char *const part_names[PARTS] = {"read", "sha256", "decode", "circle", "resize", "phash", "write"};

typedef struct {
    char **files;
    int count, size, out;
    bool full;
    atomic_int next, framed;
    pthread_mutex_t lock; /* of seconds */
    double seconds[PARTS];
} Work;

/* Adds the time since the last call to a part. */
static void lap(double *last, double *part) {
    const double time = clock_now();
    *part += time - *last;
    *last = time;
}

static Status frame(Work *work, int number, const char *data, size_t bytes, uint8_t *record, double *seconds,
                    double *last) {
    const char *path = work->files[number];
    ImageDecode how = {.min_side = work->full ? 0 : fundus_min_side(work->size)};
    Image image;
    Framing framing;
    ImageFacts facts;
    for (bool again = true; again; how.min_side = 0) {
        TRY(image_decode(path, (const uint8_t *)data, bytes, &how, &image, &facts));
        lap(last, &seconds[DECODE]);
        /* Once more within fundus_frame(), of whose time it is taken off. */
        float circle[4];
        const double start = clock_now();
        Status status = circle_find(&image, facts.height, facts.width, circle);
        const double finding = clock_now() - start;
        *last = clock_now();
        if (!status)
            status = fundus_frame(&image, facts.height, facts.width, FRAME_FUNDUS, work->size, record, &framing);
        lap(last, &seconds[RESIZE]);
        seconds[RESIZE] -= finding;
        seconds[CIRCLE] += finding;
        again = !status && fundus_needs_full(&image, facts.height, facts.width, &framing, work->size);
        image_free(&image);
        TRY(status);
    }
    atomic_fetch_add(&work->framed, !framing.flags);
    return NULL;
}

static Status stage(Work *work, int number, uint8_t *record, double *seconds, double *last) {
    char *data;
    size_t bytes;
    unsigned char digest[32];
    const size_t size = (size_t)work->size * work->size * 3;
    TRY(files_read(work->files[number], &data, &bytes));
    lap(last, &seconds[READ]);
    Status status = NULL;
    if (!EVP_Digest(data, bytes, digest, NULL, EVP_sha256(), NULL))
        status = status_error(EXIT_INTERNAL, "no SHA-256");
    lap(last, &seconds[DIGEST]);
    if (!status)
        status = frame(work, number, data, bytes, record, seconds, last);
    free(data);
    TRY(status);
    const volatile uint64_t hash = phash(record, work->size);
    (void)hash;
    lap(last, &seconds[HASH]);
    if (pwrite(work->out, record, size, (off_t)(number * size)) != (ssize_t)size)
        return status_error(EXIT_IO, "the records cannot be written");
    lap(last, &seconds[WRITE]);
    return NULL;
}

static void *frame_files(void *context) {
    Work *work = context;
    double seconds[PARTS] = {0}, last = clock_now();
    uint8_t *record = malloc((size_t)work->size * work->size * 3);
    for (int number; record && (number = atomic_fetch_add(&work->next, 1)) < work->count;) {
        Status status = stage(work, number, record, seconds, &last);
        if (status) {
            fprintf(stderr, "%s\n", status_message(status));
            exit(status_code(status));
        }
    }
    free(record);
    pthread_mutex_lock(&work->lock);
    for (int i = 0; i < PARTS; i++)
        work->seconds[i] += seconds[i];
    pthread_mutex_unlock(&work->lock);
    return NULL;
}

enum { MAX_THREADS = 64, MAX_SIDE = 8192 };

typedef struct {
    int size, threads;
    const char *out;
    OptionTexts files;
} Arguments;

#define AT(field) offsetof(Arguments, field)
static const Option options[] = {
    {.name = "SIZE",
     .type = OPTION_INT,
     .offset = AT(size),
     .min = -MAX_SIDE,
     .max = MAX_SIDE,
     .help = "Side of a record in pixels; below 0: of -SIZE, from photographs decoded at full size."},
    {.name = "THREADS",
     .type = OPTION_INT,
     .offset = AT(threads),
     .min = 1,
     .max = OPTION_NO_LIMIT,
     .help = "Threads; of more than 64, 64 are started."},
    {.name = "OUT", .type = OPTION_PATH, .offset = AT(out), .help = "Gets the records."},
    {.name = "FILE", .type = OPTION_PATHS, .offset = AT(files), .help = "Photographs."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_DATA, EXIT_IO, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {
    .name = "stage_frame",
    .about = "Does what staging does to each photograph and prints photographs a second and the time of each part.",
    .options = options,
    .exits = exits,
};

static Status run(void *context) {
    const Arguments *a = context;
    Work work = {.files = a->files.list,
                 .count = a->files.count,
                 .size = abs(a->size),
                 .full = a->size < 0,
                 .out = open(a->out, O_CREAT | O_TRUNC | O_WRONLY, 0666),
                 .lock = PTHREAD_MUTEX_INITIALIZER};
    Threads others;
    const int threads = a->threads < MAX_THREADS ? a->threads : MAX_THREADS;
    if (work.out < 0 || work.size < 1)
        return status_error(EXIT_USAGE, "%s cannot be written, or SIZE is 0", a->out);
    const double start = clock_now();
    status_free(threads_start(&others, threads - 1, "framing", frame_files, &work));
    const int started = others.count;
    frame_files(&work);
    threads_join(&others);
    /* The second search for the circle, only there to be timed, is taken off. */
    const double second = work.seconds[CIRCLE] / (started + 1), taken = clock_now() - start - second;
    Json json;
    json_open(&json, stdout);
    json_object(&json, NULL, JSON_LINE);
    json_integer(&json, "photographs", work.count);
    json_integer(&json, "with_circle", atomic_load(&work.framed));
    json_integer(&json, "threads", started + 1);
    json_real(&json, "per_second", work.count / taken);
    json_object(&json, "milliseconds", JSON_LINE);
    for (int i = 0; i < PARTS; i++)
        json_real(&json, part_names[i], 1e3 * work.seconds[i] / work.count);
    json_end(&json);
    json_end(&json);
    json_newline(&json);
    return close(work.out) ? status_error(EXIT_IO, "%s cannot be written", a->out) : NULL;
}

int main(int count, char **arguments) {
    Arguments a = {0};
    return program_main(&program, count, arguments, &a, run);
}
