/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/pack/photograph.h"

#include "base/digest.h"
#include "base/files.h"
#include "image/dicom.h"
#include "stage/frame/phash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <xxhash.h>

enum { MAX_FILE_BYTES = 1 << 30 };

/* The message without the name it opens with: a finding has the path beside it. */
static const char *reason_of(Status why, const char *name) {
    const char *message = status_message(why);
    const size_t length = strlen(name);
    return strncmp(message, name, length) == 0 && strncmp(message + length, ": ", 2) == 0 ? message + length + 2
                                                                                          : message;
}

/* Turns a failure that is the file's into a finding; others stay failures. */
static Status find(Outcome *outcome, FindingKind kind, const char *name, Status why) {
    if (!why || (status_code(why) != EXIT_DATA && status_code(why) != EXIT_IO))
        return why;
    Status status = outcome_find(outcome, kind, "", reason_of(why, name));
    status_free(why);
    return status;
}

/* The whole file, or a finding: *data is NULL then. */
static Status read_file(const char *path, const StageInput *input, Outcome *outcome, char **data, size_t *size) {
    struct stat st;
    *data = NULL;
    if (stat(path, &st) != 0)
        return outcome_find(outcome, errno == ENOENT && lstat(path, &st) != 0 ? FINDING_MISSING : FINDING_UNREADABLE,
                            "", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return outcome_find(outcome, FINDING_UNREADABLE, "", "not a regular file");
    if (st.st_size == 0)
        return outcome_find(outcome, FINDING_EMPTY, "", "0 bytes");
    if (st.st_size > MAX_FILE_BYTES)
        return outcome_find(outcome, FINDING_UNREADABLE, "", "over 1 GiB, larger than any photograph");
    Status status = files_read(path, data, size);
    if (!status && !*size) {
        free(*data);
        *data = NULL;
        status = outcome_find(outcome, FINDING_EMPTY, "", "0 bytes");
    }
    return find(outcome, FINDING_UNREADABLE, input->path, status);
}

/* MD5 costs as much as decoding a small image: only where there is something to hold it against. */
static Status hash(const uint8_t *data, size_t size, bool with_md5, Digest *digest) {
    DigestStream stream;
    TRY(digest_start(&stream, with_md5));
    Status status = digest_add(&stream, data, size);
    if (!status)
        return digest_end(&stream, digest);
    digest_close(&stream);
    return status;
}

static Status check_hash(const StageInput *input, const uint8_t *data, size_t size, Outcome *outcome) {
    Digest digest;
    TRY(hash(data, size, input->md5[0] != '\0', &digest));
    memcpy(outcome->sha256, digest.sha256, sizeof outcome->sha256);
    outcome->hashed = true;
    outcome->bytes = size;
    char text[2 * DIGEST_MD5 + 1], detail[128];
    digest_to_hex(digest.md5, DIGEST_MD5, text);
    if (!input->md5[0] || strcmp(text, input->md5) == 0)
        return NULL;
    snprintf(detail, sizeof detail, "MD5 is %s, the download's list says %s: fetch the file again", text, input->md5);
    return outcome_find(outcome, FINDING_MD5, "", detail);
}

/* Where the digits that end `text` begin. */
static const char *number_in(const char *text) {
    const char *end = text + strlen(text);
    while (end > text && end[-1] >= '0' && end[-1] <= '9')
        end--;
    return end;
}

/* Cameras were told people's numbers by hand: "AIREADI-1001" is the tables' 1001. A text without a number of that many
 * digits names nobody. */
static bool names_another(const char *patient, const char *person) {
    const char *number = number_in(patient);
    return *person && number_in(person) == person && strlen(number) == strlen(person) && strcmp(number, person) != 0;
}

/* The tables are made from the headers: where they differ, either may be of another file. */
static Status check_header(const StageInput *input, const Dicom *dicom, Outcome *outcome) {
    const char eye = input->eye == PACK_EYE_RIGHT ? 'R' : input->eye == PACK_EYE_LEFT ? 'L' : '\0';
    char detail[200];
    if (names_another(dicom->patient, input->person))
        snprintf(detail, sizeof detail, "the header says patient %s, the manifest person %.64s", dicom->patient,
                 input->person);
    else if (eye && dicom->laterality && dicom->laterality != eye)
        snprintf(detail, sizeof detail, "the header says laterality %c, the manifest %c", dicom->laterality, eye);
    else
        return NULL;
    return outcome_find(outcome, FINDING_CONTRADICTION, "", detail);
}

static Status decode(const StageInput *input, const uint8_t *data, size_t size, int least, Image *image,
                     Outcome *outcome) {
    int height = 0, width = 0;
    Status status;
    FindingKind kind = FINDING_DECODE;
    if (input->is_dicom) {
        Dicom dicom;
        bool unsupported = false;
        status = dicom_decode(input->path, data, size, least, image, &dicom, &unsupported);
        height = dicom.rows;
        width = dicom.columns;
        kind = unsupported ? FINDING_SYNTAX : dicom.jpeg_damaged ? FINDING_DECODE : FINDING_DICOM;
        if (!status && input->headed)
            status = check_header(input, &dicom, outcome);
    } else {
        const ImageDecode how = {.least = least};
        status = image_decode(input->path, data, size, &how, image, &height, &width);
    }
    outcome->size[0] = height;
    outcome->size[1] = width;
    return find(outcome, kind, input->path, status);
}

/* Decodes at a size that is enough for the record, or at full size where the circle turns out to be small. */
static Status make_record(const StageInput *input, const uint8_t *data, size_t size, int side, uint8_t *record,
                          Outcome *outcome) {
    for (int least = fundus_least_side(side);; least = 0) {
        Image image = {0};
        Status status = decode(input, data, size, least, &image, outcome);
        if (status || outcome->settled) {
            image_free(&image);
            return status;
        }
        status =
            fundus_frame(&image, outcome->size[0], outcome->size[1], input->frame, side, record, &outcome->framing);
        const bool again =
            least && fundus_needs_full(&image, outcome->size[0], outcome->size[1], &outcome->framing, side);
        image_free(&image);
        if (status)
            return find(outcome, FINDING_DECODE, input->path, status);
        if (!again)
            return NULL;
    }
}

Status photograph_stage(const char *root, const StageInput *input, int size, uint8_t *record, Outcome *outcome) {
    *outcome = (Outcome){0};
    char *path, *data = NULL;
    TRY(files_path(&path, "%s/%s", root, input->path));
    size_t bytes = 0;
    Status status = read_file(path, input, outcome, &data, &bytes);
    free(path);
    if (!status && !outcome->settled)
        status = check_hash(input, (const uint8_t *)data, bytes, outcome);
    if (!status && !outcome->settled)
        status = make_record(input, (const uint8_t *)data, bytes, size, record, outcome);
    free(data);
    if (status || outcome->settled)
        return status;
    outcome->settled = outcome->packed = true;
    outcome->phash = phash(record, size);
    outcome->checksum = XXH3_64bits(record, (size_t)size * (size_t)size * 3);
    return NULL;
}
