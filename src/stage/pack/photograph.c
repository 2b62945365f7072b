/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/pack/photograph.h"

#include "base/digest.h"
#include "base/files.h"
#include "image/decode.h"
#include "image/dicom.h"
#include "image/dicom_decode.h"
#include "pack/phash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <xxhash.h>

enum { MAX_FILE_BYTES = 1 << 30 };

/* The message without the path it starts with: a finding contains the path already. */
static const char *reason_without_path(Status why, const char *name) {
    const char *message = status_message(why);
    const size_t length = strlen(name);
    return strncmp(message, name, length) == 0 && strncmp(message + length, ": ", 2) == 0 ? message + length + 2
                                                                                          : message;
}

/* Turns a failure of the file into a finding; others stay failures. */
static Status reject_file(Outcome *outcome, FindingKind kind, const char *name, Status why) {
    if (!why || (status_code(why) != EXIT_DATA && status_code(why) != EXIT_IO))
        return why;
    Status status = outcome_reject(outcome, kind, "", reason_without_path(why, name));
    status_free(why);
    return status;
}

/* Reads the whole file; *data is NULL when it is rejected. */
static Status read_file(const char *path, const StageInput *input, Outcome *outcome, char **data, size_t *size) {
    struct stat st;
    *data = NULL;
    if (stat(path, &st) != 0)
        return outcome_reject(outcome, errno == ENOENT && lstat(path, &st) != 0 ? FINDING_MISSING : FINDING_UNREADABLE,
                              "", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return outcome_reject(outcome, FINDING_UNREADABLE, "", "not a regular file");
    if (st.st_size == 0)
        return outcome_reject(outcome, FINDING_EMPTY, "", "0 bytes");
    if (st.st_size > MAX_FILE_BYTES)
        return outcome_reject(outcome, FINDING_UNREADABLE, "", "over 1 GiB, larger than any photograph");
    Status status = files_read(path, data, size);
    if (!status && !*size) {
        free(*data);
        *data = NULL;
        status = outcome_reject(outcome, FINDING_EMPTY, "", "0 bytes");
    }
    return reject_file(outcome, FINDING_UNREADABLE, input->path, status);
}

static Status check_hash(const StageInput *input, const uint8_t *data, size_t size, Outcome *outcome) {
    Digest digest;
    /* MD5 takes as long as decoding a small image, so it is computed only when there is a sum to compare. */
    TRY(digest_memory(data, size, input->md5[0] != '\0', &digest));
    memcpy(outcome->sha256, digest.sha256, sizeof outcome->sha256);
    outcome->hashed = true;
    outcome->bytes = size;
    char text[2 * DIGEST_MD5 + 1], detail[128];
    digest_to_hex(digest.md5, DIGEST_MD5, text);
    if (!input->md5[0] || strcmp(text, input->md5) == 0)
        return NULL;
    snprintf(detail, sizeof detail, "MD5 is %s, the download's list says %s: fetch the file again", text, input->md5);
    return outcome_reject(outcome, FINDING_MD5, "", detail);
}

/* The digits at the end of `text`. */
static const char *trailing_number(const char *text) {
    const char *end = text + strlen(text);
    while (end > text && end[-1] >= '0' && end[-1] <= '9')
        end--;
    return end;
}

/* Patient IDs were typed in at the camera: "AIREADI-1001" is 1001 in the tables. A text that does not end in a number
 * of as many digits identifies no patient. */
static bool names_another_person(const char *patient, const char *person) {
    const char *number = trailing_number(patient);
    return *person && trailing_number(person) == person && strlen(number) == strlen(person) &&
           strcmp(number, person) != 0;
}

/* The tables are derived from the headers: where they differ, one of them may belong to another file. */
static Status check_header(const StageInput *input, const Dicom *dicom, Outcome *outcome) {
    const char eye = input->eye == PACK_EYE_RIGHT ? 'R' : input->eye == PACK_EYE_LEFT ? 'L' : '\0';
    char detail[200];
    if (names_another_person(dicom->patient, input->person))
        snprintf(detail, sizeof detail, "the header says patient %s, the manifest person %.64s", dicom->patient,
                 input->person);
    else if (eye && dicom->laterality && dicom->laterality != eye)
        snprintf(detail, sizeof detail, "the header says laterality %c, the manifest %c", dicom->laterality, eye);
    else
        return NULL;
    return outcome_reject(outcome, FINDING_CONTRADICTION, "", detail);
}

static Status decode_dicom(const StageInput *input, const uint8_t *data, size_t size, int min_side, Image *image,
                           ImageFacts *facts, Outcome *outcome) {
    Dicom dicom;
    bool unsupported = false;
    Status status = dicom_decode(input->path, data, size, min_side, image, &dicom, &unsupported);
    *facts = (ImageFacts){.height = dicom.rows, .width = dicom.columns, .orientation = 1};
    memcpy(facts->warning, dicom.warning, sizeof facts->warning);
    if (!status && input->verify_header)
        status = check_header(input, &dicom, outcome);
    return reject_file(outcome,
                       unsupported            ? FINDING_SYNTAX
                       : dicom.coding_damaged ? FINDING_DECODE
                                              : FINDING_DICOM,
                       input->path, status);
}

static Status decode_photograph(const StageInput *input, const uint8_t *data, size_t size, int min_side, Image *image,
                                ImageFacts *facts, Outcome *outcome) {
    Status status;
    if (input->is_dicom)
        status = decode_dicom(input, data, size, min_side, image, facts, outcome);
    else
        status = reject_file(outcome, FINDING_DECODE, input->path,
                             image_decode(input->path, data, size, &(ImageDecode){.min_side = min_side}, image, facts));
    outcome->size[0] = facts->height;
    outcome->size[1] = facts->width;
    return status;
}

/* One level throughout: a lens cap, or a file of zeros. A few levels apart are noise and compression. */
static bool is_blank(const Image *image) {
    enum { NOISE = 8 };
    const size_t count = (size_t)image->width * (size_t)image->height * 3;
    uint8_t least[3] = {255, 255, 255}, most[3] = {0, 0, 0};
    for (size_t i = 0; i < count; i += 3)
        for (size_t channel = 0; channel < 3; channel++) {
            const uint8_t value = image->pixels[i + channel];
            least[channel] = value < least[channel] ? value : least[channel];
            most[channel] = value > most[channel] ? value : most[channel];
        }
    return most[0] - least[0] <= NOISE && most[1] - least[1] <= NOISE && most[2] - least[2] <= NOISE;
}

/* What is packed all the same, but worth a look. */
static Status warn_of_photograph(const Image *image, const ImageFacts *facts, Outcome *outcome) {
    enum { SMALLEST = 16, NARROWEST = 8 }; /* pixels of a side; sides to one */
    const int height = facts->height, width = facts->width, side = height < width ? height : width;
    char detail[96];
    if (*facts->warning)
        TRY(outcome_warn(outcome, FINDING_DECODER, facts->warning));
    if (facts->orientation != 1) {
        snprintf(detail, sizeof detail, "stored with orientation %d, turned upright", facts->orientation);
        TRY(outcome_warn(outcome, FINDING_ORIENTATION, detail));
    }
    if (side < SMALLEST || (height > width ? height : width) / side >= NARROWEST) {
        snprintf(detail, sizeof detail, "%d x %d pixels, too %s for a photograph", width, height,
                 side < SMALLEST ? "small" : "narrow");
        TRY(outcome_warn(outcome, FINDING_SHAPE, detail));
    }
    if (!is_blank(image))
        return NULL;
    snprintf(detail, sizeof detail, "one level throughout: %d, %d, %d", image->pixels[0], image->pixels[1],
             image->pixels[2]);
    return outcome_warn(outcome, FINDING_BLANK, detail);
}

/* Decodes at a size that suffices for the record, and again at full size when the circle turns out to be small. */
static Status make_record(const StageInput *input, const uint8_t *data, size_t size, int side, uint8_t *record,
                          Outcome *outcome) {
    for (int min_side = fundus_min_side(side);; min_side = 0) {
        Image image = {0};
        ImageFacts facts;
        Status status = decode_photograph(input, data, size, min_side, &image, &facts, outcome);
        if (status || outcome->settled) {
            image_free(&image);
            return status;
        }
        status =
            fundus_frame(&image, outcome->size[0], outcome->size[1], input->frame, side, record, &outcome->framing);
        const bool again =
            min_side && fundus_needs_full(&image, outcome->size[0], outcome->size[1], &outcome->framing, side);
        if (!status && !again)
            status = warn_of_photograph(&image, &facts, outcome);
        image_free(&image);
        if (status)
            return reject_file(outcome, FINDING_DECODE, input->path, status);
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
