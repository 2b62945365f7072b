/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 and MD5, by libcrypto: SHA-256 identifies the bytes, MD5 is the checksum in the lists of downloads. */
#ifndef FOVEA_BASE_DIGEST_H
#define FOVEA_BASE_DIGEST_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { DIGEST_SHA256 = 32, DIGEST_MD5 = 16 }; /* bytes */

typedef struct {
    uint8_t sha256[DIGEST_SHA256];
    uint8_t md5[DIGEST_MD5]; /* zeros when it was not requested */
} Digest;

/* Both digests of a whole file. EXIT_IO naming path and cause when it cannot be read. Thread-safe, as are all of these.
 */
Status digest_file(const char *path, Digest *digest) MUST_USE;
/* The same from an open file's position to its end; `path` is for the message. */
Status digest_descriptor(int descriptor, const char *path, bool with_md5, Digest *digest) MUST_USE;
Status digest_memory(const void *data, size_t size, bool with_md5, Digest *digest) MUST_USE;

/* Piece by piece. A stream that was started must be ended, or closed when its result is not needed. */
typedef struct {
    void *sha256, *md5; /* NULL: not computed */
} DigestStream;

Status digest_start(DigestStream *stream, bool with_md5) MUST_USE;
Status digest_add(DigestStream *stream, const void *data, size_t size) MUST_USE;
/* The bytes of a whole file. EXIT_IO naming path and cause. */
Status digest_add_file(DigestStream *stream, const char *path) MUST_USE;
/* Also closes the stream. */
Status digest_end(DigestStream *stream, Digest *digest) MUST_USE;
void digest_close(DigestStream *stream);

/* `count` bytes as 2 * count lower-case hexadecimal digits and a NUL. */
void digest_to_hex(const uint8_t *bytes, int count, char *text);
/* The reverse, in either case; false unless `text` is exactly 2 * count hexadecimal digits. */
bool digest_from_hex(const char *text, int count, uint8_t *bytes);
/* Reads an MD5 sum from the 24 characters of base64 that `text` begins with; false for other texts, and when more
 * base64 follows. */
bool digest_from_base64_md5(const char *text, uint8_t bytes[DIGEST_MD5]);
/* Prints any bytes as base64 (RFC 4648), padded, on one line without an end. */
void digest_print_base64(FILE *out, const uint8_t *bytes, size_t size);

#endif
