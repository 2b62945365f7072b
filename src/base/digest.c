/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

enum { PIECE = 1 << 20 }; /* bytes read at a time */

static Status no_digest(void) {
    return status_error(EXIT_MISSING, "libcrypto computes no SHA-256 or MD5 here: its configuration may forbid them "
                                      "(see openssl.cnf)");
}

Status digest_start(DigestStream *stream, bool with_md5) {
    *stream = (DigestStream){.sha256 = EVP_MD_CTX_new(), .md5 = with_md5 ? EVP_MD_CTX_new() : NULL};
    Status status = NULL;
    if (!stream->sha256 || (with_md5 && !stream->md5))
        status = status_no_memory("a digest", 0);
    else if (EVP_DigestInit_ex(stream->sha256, EVP_sha256(), NULL) != 1 ||
             (with_md5 && EVP_DigestInit_ex(stream->md5, EVP_md5(), NULL) != 1))
        status = no_digest();
    if (status)
        digest_close(stream);
    return status;
}

Status digest_add(DigestStream *stream, const void *data, size_t size) {
    if (EVP_DigestUpdate(stream->sha256, data, size) != 1 ||
        (stream->md5 && EVP_DigestUpdate(stream->md5, data, size) != 1))
        return no_digest();
    return NULL;
}

Status digest_end(DigestStream *stream, Digest *digest) {
    *digest = (Digest){0};
    bool ended = EVP_DigestFinal_ex(stream->sha256, digest->sha256, NULL) == 1 &&
                 (!stream->md5 || EVP_DigestFinal_ex(stream->md5, digest->md5, NULL) == 1);
    digest_close(stream);
    return ended ? NULL : no_digest();
}

void digest_close(DigestStream *stream) {
    EVP_MD_CTX_free(stream->sha256);
    EVP_MD_CTX_free(stream->md5);
    *stream = (DigestStream){0};
}

/* Ends a stream unless something failed before. */
static Status end_or_close(DigestStream *stream, Status status, Digest *digest) {
    if (!status)
        return digest_end(stream, digest);
    *digest = (Digest){0};
    digest_close(stream);
    return status;
}

Status digest_memory(const void *data, size_t size, bool with_md5, Digest *digest) {
    DigestStream stream;
    TRY(digest_start(&stream, with_md5));
    return end_or_close(&stream, digest_add(&stream, data, size), digest);
}

static Status add_descriptor(DigestStream *stream, int descriptor, const char *path) {
    uint8_t *buffer = malloc(PIECE);
    Status status = buffer ? NULL : status_no_memory("reading a file", PIECE);
    while (!status) {
        const ssize_t got = read(descriptor, buffer, PIECE);
        if (got == 0)
            break;
        if (got > 0)
            status = digest_add(stream, buffer, (size_t)got);
        else if (errno != EINTR)
            status = files_failure("read", path, errno);
    }
    free(buffer);
    return status;
}

Status digest_descriptor(int descriptor, const char *path, bool with_md5, Digest *digest) {
    DigestStream stream;
    *digest = (Digest){0};
    TRY(digest_start(&stream, with_md5));
    return end_or_close(&stream, add_descriptor(&stream, descriptor, path), digest);
}

Status digest_add_file(DigestStream *stream, const char *path) {
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return files_failure("read", path, errno);
    Status status = add_descriptor(stream, descriptor, path);
    close(descriptor);
    return status;
}

Status digest_file(const char *path, Digest *digest) {
    DigestStream stream;
    *digest = (Digest){0};
    TRY(digest_start(&stream, true));
    return end_or_close(&stream, digest_add_file(&stream, path), digest);
}

void digest_to_hex(const uint8_t *bytes, int count, char *text) {
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < count; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * count] = '\0';
}

/* 0 .. 15, or -1. */
static int digit_value(char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool digest_from_hex(const char *text, int count, uint8_t *bytes) {
    for (int i = 0; i < count; i++) {
        int high = digit_value(text[2 * i]), low = high < 0 ? -1 : digit_value(text[2 * i + 1]);
        if (low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return text[2 * count] == '\0';
}

bool digest_from_base64_md5(const char *text, uint8_t bytes[DIGEST_MD5]) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    enum { LETTERS = 22, ALL = LETTERS + 2 };
    uint8_t decoded[ALL / 4 * 3];
    /* EVP_DecodeBlock() would pass over white space and take any padding. */
    if (strspn(text, letters) != LETTERS || strncmp(text + LETTERS, "==", 2) != 0 || text[ALL] == '=' ||
        (text[ALL] && strchr(letters, text[ALL])))
        return false;
    /* 22 letters hold 132 bits: the last four have to be zero. */
    if (EVP_DecodeBlock(decoded, (const uint8_t *)text, ALL) != (int)sizeof decoded || decoded[DIGEST_MD5])
        return false;
    memcpy(bytes, decoded, DIGEST_MD5);
    return true;
}

void digest_print_base64(FILE *out, const uint8_t *bytes, size_t size) {
    enum { PART = 48 }; /* of which every three are four letters */
    char text[PART / 3 * 4 + 1];
    for (size_t at = 0; at < size; at += PART) {
        const size_t left = size - at;
        EVP_EncodeBlock((uint8_t *)text, bytes + at, left < PART ? (int)left : PART);
        fputs(text, out);
    }
}
