/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/aireadi.h"
#include "base/digest.h"
#include "base/files.h"
#include "tools/synth/aireadi_names.h"
#include "tools/synth/damage.h"
#include "tools/synth/dicom_write.h"
#include "tools/synth/grey.h"
#include "tools/synth/mosaic.h"
#include "tools/synth/twin.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Status aireadi_prepare(const Arguments *arguments) {
    TRY(files_make_directory(arguments->out));
    DIR *directory = opendir(arguments->out);
    if (!directory)
        return status_error(EXIT_IO, "cannot open %s: %s", arguments->out, strerror(errno));
    Status status = NULL;
    for (struct dirent *entry; !status && (entry = readdir(directory));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            status = status_error(EXIT_USAGE, "%s is not empty; name a new folder", arguments->out);
    closedir(directory);
    return status;
}

static Status make_folder(const Arguments *arguments, const char *file) {
    char *folder;
    Status status = files_path(&folder, "%s/%.*s", arguments->out, (int)(strrchr(file, '/') - file), file);
    if (!status)
        status = files_make_directory(folder);
    free(folder);
    return status;
}

static Status write_bytes(const Arguments *arguments, const char *file, const uint8_t *bytes, size_t size) {
    TRY(make_folder(arguments, file));
    char *path;
    Status status = files_path(&path, "%s/%s", arguments->out, file);
    if (!status)
        status = files_write(path, bytes, size);
    free(path);
    return status;
}

static Status md5_of(const uint8_t *bytes, size_t size, char md5[33]) {
    Digest digest;
    TRY(digest_memory(bytes, size, true, &digest));
    digest_to_hex(digest.md5, DIGEST_MD5, md5);
    return NULL;
}

/* Makes what stands in place of the file itself: nothing, or a link. */
static Status write_link(const Arguments *arguments, const Photograph *photograph) {
    /* Out of OUT, to a file that is there for sure. */
    const char *target = photograph->mistake == MISTAKE_LINK_OUT ? "/etc/passwd" : "nowhere.dcm";
    TRY(make_folder(arguments, photograph->file));
    char *path;
    Status status = files_path(&path, "%s/%s", arguments->out, photograph->file);
    if (!status && symlink(target, path) != 0)
        status = status_error(EXIT_IO, "cannot make the link %s: %s", path, strerror(errno));
    free(path);
    return status;
}

static Status write_file(const Arguments *arguments, Photograph *photograph, uint8_t *bytes, size_t size) {
    const Mistake mistake = photograph->mistake;
    damage_file(arguments, photograph, bytes, &size);
    TRY(md5_of(bytes, size, photograph->md5));
    if (mistake == MISTAKE_MISSING)
        return NULL;
    if (mistake == MISTAKE_DANGLING || mistake == MISTAKE_LINK_OUT)
        return write_link(arguments, photograph);
    if (mistake == MISTAKE_MD5)
        bytes[size / 2] ^= 4; /* within the pixels, where nothing else tells */
    return write_bytes(arguments, photograph->file, bytes, size);
}

static Status write_twin(const Arguments *arguments, Photograph *photograph, const DicomImage *image,
                         const char *partner, const uint8_t *sound, size_t sound_size) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    Status status = twin_make(photograph, image, partner, sound, sound_size, &bytes, &size);
    if (!status)
        status = md5_of(bytes, size, photograph->twin_md5);
    if (!status)
        status = write_bytes(arguments, photograph->twin, bytes, size);
    free(bytes);
    return status;
}

/* Infrared and autofluorescence frames are grey; a mosaic is wide, its images overlap. *other is what the image
 * then shows, the caller's. */
static Status change_image(const Photograph *photograph, DicomImage *image, uint8_t **other) {
    const int size = image->width;
    if (photograph->visit == 1 && !aireadi_is_mosaic(photograph))
        return NULL;
    if (photograph->visit == 1)
        image->width = size + size / 2;
    const size_t bytes = 3 * (size_t)image->width * (size_t)image->height;
    *other = malloc(bytes);
    if (!*other)
        return status_no_memory("an image", bytes);
    const uint8_t *drawn = image->pixels;
    image->pixels = *other;
    if (photograph->visit > 1)
        return grey_draw(drawn, size, photograph->visit == 3, *other);
    mosaic_draw(drawn, size, image->width, *other);
    return NULL;
}

Status aireadi_write(const Arguments *arguments, Photograph *photograph, const uint8_t *pixels) {
    char person[16], partner[16], uid[64];
    aireadi_person(photograph->person, person);
    aireadi_person(photograph->partner ? photograph->partner : photograph->person, partner);
    aireadi_uid(arguments, photograph, uid);
    aireadi_path(arguments, photograph, photograph->person, "", photograph->file);
    twin_name(arguments, photograph);
    uint8_t *other = NULL, *bytes = NULL; /* what is photographed in place of the drawn image */
    size_t size = 0;
    DicomImage image = {.uid = uid,
                        .encoding = aireadi_encoding(photograph),
                        .width = arguments->size,
                        .height = arguments->size,
                        .pixels = pixels,
                        .quality = arguments->quality};
    damage_image(arguments, photograph, person, partner, &image);
    Status status = change_image(photograph, &image, &other);
    if (!status)
        status = dicom_write(&image, &bytes, &size);
    if (!status && *photograph->twin)
        status = write_twin(arguments, photograph, &image, partner, bytes, size);
    if (!status)
        status = write_file(arguments, photograph, bytes, size);
    free(bytes);
    free(other);
    return status;
}
