/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/aireadi_names.h"
#include <stdio.h>
#include <string.h>

static const char *const cameras[CAMERAS] = {"topcon_maestro2", "icare_eidon", "optomed_aurora", "topcon_triton"};
/* What the files' names say of device and protocol. */
static const char *const protocols[CAMERAS] = {"maestro2_3d_wide_cfp", "eidon_uwf_central_cfp",
                                               "optomed_mac_or_disk_centered_cfp", "triton_macula_6x6_cfp"};

int camera_of(const Photograph *photograph) {
    return (int)((photograph->person - 1) % CAMERAS);
}

const char *aireadi_device(const Photograph *photograph) {
    return photograph->visit == 1   ? cameras[camera_of(photograph)]
           : photograph->visit == 2 ? "heidelberg_spectralis"
                                    : "icare_eidon";
}

const char *aireadi_modality(const Photograph *photograph) {
    return photograph->visit == 1 ? "cfp" : photograph->visit == 2 ? "ir" : "faf";
}

bool aireadi_is_mosaic(const Photograph *photograph) {
    return photograph->visit == 1 && camera_of(photograph) == 1 && photograph->left;
}

static const struct {
    int digit;
    const char *name;
} sites[SITES] = {{1, "UW"}, {4, "UCSD"}, {7, "UAB"}};

const char *aireadi_site(int64_t person) {
    return sites[(person - 1) % SITES].name;
}

void aireadi_person(int64_t person, char text[16]) {
    snprintf(text, 16, "%d%03d", sites[(person - 1) % SITES].digit, (int)(person % 1000));
}

void aireadi_uid(const Arguments *arguments, const Photograph *photograph, char text[64]) {
    snprintf(text, 64, "2.25.%llu.%lld.%d.%d", (unsigned long long)arguments->seed, (long long)photograph->person,
             photograph->left + 1, photograph->visit);
}

static const char *protocol_of(const Photograph *photograph) {
    if (photograph->visit == 2)
        return "spectralis_onh_rc_hr_ir";
    if (photograph->visit == 3)
        return "eidon_uwf_central_faf";
    if (aireadi_is_mosaic(photograph))
        return "eidon_mosaic_cfp";
    return protocols[camera_of(photograph)];
}

Encoding aireadi_encoding(const Photograph *photograph) {
    static const Encoding colour[CAMERAS] = {ENCODING_JPEG, ENCODING_JPEG_PIECES, ENCODING_EXPLICIT_RGB,
                                             ENCODING_IMPLICIT_RGB};
    const int camera = camera_of(photograph);
    if (photograph->visit == 2)
        return photograph->left ? ENCODING_MONOCHROME1 : ENCODING_MONOCHROME2;
    if (photograph->visit == 3)
        return photograph->left ? ENCODING_JPEG : ENCODING_MONOCHROME2;
    return camera == CAMERAS - 1 && photograph->left ? ENCODING_PLANAR_RGB : colour[camera];
}

void aireadi_path(const Arguments *arguments, const Photograph *photograph, int64_t person, const char *suffix,
                  char path[200]) {
    char number[16], uid[64], folder[20];
    aireadi_person(person, number);
    aireadi_uid(arguments, photograph, uid);
    snprintf(folder, sizeof folder, "%s/", number);
    snprintf(path, 200, "retinal_photography/%s/%s/%s%s_%s_%c_%s%s.dcm", aireadi_modality(photograph),
             aireadi_device(photograph), photograph->mistake == MISTAKE_LAYOUT ? "" : folder, number,
             protocol_of(photograph), photograph->left ? 'l' : 'r', uid, suffix);
}
