/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/checksums.h"
#include "base/files.h"
#include "checkpoint/directory.h"
#include "checkpoint/fp8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum { PIECE = 1 << 20, HEX = 2 * sizeof(XXH128_canonical_t) };

static void print_hash(XXH128_hash_t hash, char hex[HEX + 1]) {
    XXH128_canonical_t bytes;
    XXH128_canonicalFromHash(&bytes, hash);
    for (size_t i = 0; i < sizeof bytes.digest; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes.digest[i]);
}

static Status hash_descriptor(int descriptor, const char *path, XXH3_state_t *state, unsigned char *piece) {
    XXH3_128bits_reset(state);
    for (;;) {
        ssize_t got = read(descriptor, piece, PIECE);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return status_error(EXIT_IO, "%s: cannot be read: %s", path, strerror(errno));
        if (got == 0)
            return NULL;
        XXH3_128bits_update(state, piece, (size_t)got);
    }
}

/* In pieces: the memory plan has no second copy of a large file. */
static Status hash_file(const char *path, char hex[HEX + 1]) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return status_error(EXIT_IO, "%s: %s", path, errno == ENOENT ? "missing" : strerror(errno));
    unsigned char *piece = malloc(PIECE);
    XXH3_state_t *state = XXH3_createState();
    Status status =
        piece && state ? hash_descriptor(descriptor, path, state, piece) : status_no_memory("a checksum", PIECE);
    if (!status)
        print_hash(XXH3_128bits_digest(state), hex);
    free(piece);
    XXH3_freeState(state);
    close(descriptor);
    return status;
}

Status checkpoint_checksums(const char *path, const char *listed, char text[CHECKPOINT_CHECKSUMS_TEXT]) {
    static const char *const names[] = {CHECKPOINT_WEIGHTS, CHECKPOINT_OPTIMIZER, CHECKPOINT_FP8, CHECKPOINT_STATE};
    char hex[HEX + 1];
    int used = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *file;
        TRY(files_path(&file, "%s/%s", path, names[i]));
        const bool optional = strcmp(names[i], CHECKPOINT_FP8) == 0;
        const bool left_out = optional && !files_exists(file) && !(listed && strstr(listed, names[i]));
        Status status = left_out ? NULL : hash_file(file, hex);
        free(file);
        TRY(status);
        if (left_out)
            continue;
        used += snprintf(text + used, (size_t)(CHECKPOINT_CHECKSUMS_TEXT - used), "%s  %s\n", hex, names[i]);
    }
    print_hash(XXH3_128bits(text, (size_t)used), hex);
    snprintf(text + used, (size_t)(CHECKPOINT_CHECKSUMS_TEXT - used), "%s  %s\n", hex, CHECKPOINT_CHECKSUMS);
    return NULL;
}

/* Whether the last line of `text` is the checksum of the lines before it. */
static bool own_checksum_matches(const char *text, size_t size) {
    if (!size || text[size - 1] != '\n')
        return false;
    size_t last = size - 1;
    while (last > 0 && text[last - 1] != '\n')
        last--;
    char hex[HEX + 1];
    print_hash(XXH3_128bits(text, last), hex);
    return size - last > HEX && memcmp(text + last, hex, HEX) == 0;
}

/* Names the first line in which the two texts differ; `found` is undamaged itself. */
static Status report_difference(const char *path, const char *found, const char *computed) {
    const char *line = computed;
    for (size_t i = 0; found[i] && found[i] == computed[i]; i++)
        if (computed[i] == '\n')
            line = computed + i + 1;
    const char *name = *line ? line + HEX + 2 : CHECKPOINT_CHECKSUMS;
    return status_error(EXIT_DATA, "%s/%.*s: damaged, its checksum differs", path, (int)strcspn(name, "\n"), name);
}

Status checkpoint_verify(const char *path) {
    char computed[CHECKPOINT_CHECKSUMS_TEXT], *found = NULL, *file;
    size_t size = 0;
    TRY(files_path(&file, "%s/%s", path, CHECKPOINT_CHECKSUMS));
    Status status = files_read(file, &found, &size);
    if (!status && !own_checksum_matches(found, size))
        status = status_error(EXIT_DATA, "%s: damaged, its own checksum differs", file);
    if (!status)
        status = checkpoint_checksums(path, found, computed);
    if (!status && (size != strlen(computed) || memcmp(found, computed, size) != 0))
        status = report_difference(path, found, computed);
    free(found);
    free(file);
    return status;
}
