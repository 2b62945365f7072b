#include "aireadi.h"
#include "aireadi_names.h"
#include "dicom_write.h"
#include "digest.h"
#include "files.h"
#include "grey.h"
#include "mosaic.h"
#include "plant.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double CUT_FILE = 0.7, CUT_JPEG = 0.6, BRIGHTER = 1.08;

Status aireadi_prepare(const Arguments *arguments) {
    TRY(files_make_directory(arguments->out));
    DIR *directory = opendir(arguments->out);
    if (!directory)
        return status_error(EXIT_IO, "synth: cannot open %s: %s", arguments->out, strerror(errno));
    Status status = NULL;
    for (struct dirent *entry; !status && (entry = readdir(directory));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            status = status_error(EXIT_USAGE, "synth: %s is not empty; name a new folder", arguments->out);
    closedir(directory);
    return status;
}

static Encoding encoding_of(const Photograph *photograph) {
    static const Encoding colour[CAMERAS] = {ENCODING_JPEG, ENCODING_JPEG_PIECES, ENCODING_EXPLICIT_RGB,
                                             ENCODING_IMPLICIT_RGB};
    const int camera = camera_of(photograph);
    if (photograph->visit == 2)
        return photograph->left ? ENCODING_MONOCHROME1 : ENCODING_MONOCHROME2;
    if (photograph->visit == 3)
        return photograph->left ? ENCODING_JPEG : ENCODING_MONOCHROME2;
    return camera == CAMERAS - 1 && photograph->left ? ENCODING_PLANAR_RGB : colour[camera];
}

static Status write_bytes(const Arguments *arguments, const char *file, const uint8_t *bytes, size_t size) {
    char *path = files_path("%s/%s", arguments->out, file), *folder = path ? strdup(path) : NULL;
    Status status = folder ? NULL : status_no_memory("a path", 0);
    if (!status) {
        *strrchr(folder, '/') = '\0';
        status = files_make_directory(folder);
    }
    if (!status)
        status = files_write(path, bytes, size);
    free(folder);
    free(path);
    return status;
}

static Status md5_of(const uint8_t *bytes, size_t size, char md5[33]) {
    Digest digest;
    TRY(digest_memory(bytes, size, &digest));
    digest_to_hex(digest.md5, DIGEST_MD5, md5);
    return NULL;
}

/* A second file beside: the same bytes, or those of a somewhat brighter picture. */
static Status write_twin(const Arguments *arguments, Photograph *photograph, DicomPicture *picture,
                         const uint8_t *sound, size_t sound_size, bool brighter) {
    uint8_t *pixels = NULL, *bytes = NULL;
    size_t count = 3 * (size_t)picture->width * (size_t)picture->height, size = sound_size;
    aireadi_twin(photograph);
    if (brighter) {
        pixels = malloc(count);
        if (!pixels)
            return status_no_memory("a picture", count);
        for (size_t i = 0; i < count; i++) {
            const double level = picture->pixels[i] * BRIGHTER;
            pixels[i] = level > 255 ? 255 : (uint8_t)level;
        }
        picture->pixels = pixels;
        Status status = dicom_write(picture, &bytes, &size);
        free(pixels);
        TRY(status);
    }
    Status status = md5_of(bytes ? bytes : sound, size, photograph->twin_md5);
    if (!status)
        status = write_bytes(arguments, photograph->twin, bytes ? bytes : sound, size);
    free(bytes);
    return status;
}

static Status write_file(const Arguments *arguments, Photograph *photograph, Mistake mistake, uint8_t *bytes,
                         size_t size) {
    if (mistake == MISTAKE_DICOM)
        size = (size_t)((double)size * CUT_FILE);
    if (mistake == MISTAKE_EMPTY)
        size = 0;
    TRY(md5_of(bytes, size, photograph->md5));
    if (mistake == MISTAKE_MD5)
        bytes[size / 2] ^= 4; /* within the pixels, where nothing else tells */
    return mistake == MISTAKE_MISSING ? NULL : write_bytes(arguments, photograph->file, bytes, size);
}

/* Infrared and autofluorescence frames are grey; a mosaic is wide, its pictures overlap. *other is what the picture
 * then shows, the caller's. */
static Status change_picture(const Photograph *photograph, DicomPicture *picture, uint8_t **other) {
    const int size = picture->width;
    if (photograph->visit == 1 && !aireadi_is_mosaic(photograph))
        return NULL;
    if (photograph->visit == 1)
        picture->width = size + size / 2;
    const size_t bytes = 3 * (size_t)picture->width * (size_t)picture->height;
    *other = malloc(bytes);
    if (!*other)
        return status_no_memory("a picture", bytes);
    const uint8_t *drawn = picture->pixels;
    picture->pixels = *other;
    if (photograph->visit > 1)
        return grey_draw(drawn, size, photograph->visit == 3, *other);
    mosaic_draw(drawn, size, picture->width, *other);
    return NULL;
}

Status aireadi_write(const Arguments *arguments, Photograph *photograph, const uint8_t *pixels) {
    const Mistake mistake = plant_of(arguments, photograph);
    char person[16], uid[64];
    aireadi_person(photograph->person, person);
    aireadi_uid(arguments, photograph, uid);
    aireadi_file(arguments, photograph);
    uint8_t *other = NULL, *bytes = NULL; /* what is photographed in place of the drawn picture */
    size_t size = 0;
    /* A copy under another person whose header told would be found out by that. */
    DicomPicture picture = {.person = mistake == MISTAKE_COPY ? "" : person,
                            .uid = uid,
                            .left = photograph->left,
                            .encoding = mistake == MISTAKE_SYNTAX ? ENCODING_RLE : encoding_of(photograph),
                            .width = arguments->size,
                            .height = arguments->size,
                            .pixels = pixels,
                            .quality = arguments->quality,
                            .keep = mistake == MISTAKE_DECODE ? CUT_JPEG : 1};
    Status status = change_picture(photograph, &picture, &other);
    if (!status)
        status = dicom_write(&picture, &bytes, &size);
    if (!status)
        status = write_file(arguments, photograph, mistake, bytes, size);
    if (!status && (mistake == MISTAKE_DUPLICATE || mistake == MISTAKE_NEAR))
        status = write_twin(arguments, photograph, &picture, bytes, size, mistake == MISTAKE_NEAR);
    free(bytes);
    free(other);
    return status;
}
