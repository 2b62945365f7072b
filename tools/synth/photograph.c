/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/photograph.h"
#include "base/files.h"
#include "image/encode.h"
#include "image/image.h"
#include "tools/synth/aireadi.h"
#include "tools/synth/camera.h"
#include "tools/synth/lesions.h"
#include <stdio.h>
#include <stdlib.h>

/* Canvas pixels for one of a small image: fine vessels are drawn where they can be told from one another, and light
 * is averaged down as a sensor does. Large images need none. */
static int oversample_for(int size) {
    int times = (500 + size - 1) / size;
    return times < 1 ? 1 : times;
}

/* Whether any lesion of the grade lies within the image. */
static bool shows_lesions(const Canvas *canvas, const Lesions *lesions, Device device) {
    double column, row;
    for (int i = 0; i < lesions->count; i++) {
        const Lesion *lesion = &lesions->list[i];
        canvas_to_pixel(canvas, lesion->spot.x, lesion->spot.y, &column, &row);
        if (lesion->kind != DRUSE &&
            camera_sees(device, (column - canvas->centre) / canvas->radius, (row - canvas->centre) / canvas->radius))
            return true;
    }
    for (int i = 0; i < lesions->tufts.point_count; i++) {
        const VesselPoint *point = &lesions->tufts.points[i];
        canvas_to_pixel(canvas, point->x, point->y, &column, &row);
        if (camera_sees(device, (column - canvas->centre) / canvas->radius, (row - canvas->centre) / canvas->radius))
            return true;
    }
    return false;
}

static void paint(Canvas *canvas, const Noise *noise, const Eye *eye, const VesselTree *tree, const Lesions *lesions,
                  double age, int block) {
    /* The wall of the arteries hardens with age and throws back more light. */
    double reflex = 0.30 + 0.25 * (age - 20.0) / 65.0;
    paint_ground(canvas, noise, eye, block);
    lesions_paint_behind(canvas, noise, lesions);
    paint_vessels(canvas, tree, VEIN, 1.0, 0.12);
    paint_vessels(canvas, tree, ARTERY, 1.0, reflex);
    lesions_paint_before(canvas, noise, lesions);
}

static bool is_png(const Arguments *arguments, const Exposure *exposure) {
    if (arguments->format != FORMAT_MIXED)
        return arguments->format == FORMAT_PNG;
    Random random;
    anatomy_stream(&random, arguments->seed, STREAM_FORMAT, exposure->key);
    return random_below(&random, 2) == 1;
}

static Status write_image(const Arguments *arguments, const char *file, bool png, const uint8_t *pixels) {
    char *path;
    TRY(files_path(&path, "%s/%s", arguments->out, file));
    Status status = png ? image_write_png(path, pixels, arguments->size, arguments->size)
                        : image_write_jpeg(path, pixels, arguments->size, arguments->size, arguments->quality);
    free(path);
    return status;
}

static Status write_named(const Arguments *arguments, const Exposure *exposure, Photograph *photograph,
                          const uint8_t *pixels) {
    bool png = is_png(arguments, exposure);
    snprintf(photograph->file, sizeof photograph->file, "%s/P%06lld_%c_%02d.%s", split_name(photograph->split),
             (long long)photograph->person, photograph->left ? 'L' : 'R', photograph->visit, png ? "png" : "jpg");
    return write_image(arguments, photograph->file, png, pixels);
}

static Status photograph_visit(const Arguments *arguments, const Noise *noise, const Eye *eye, const VesselTree *tree,
                               const Lesions *lesions, const Exposure *exposure, Photograph *photograph) {
    Canvas canvas;
    int oversample = oversample_for(arguments->size);
    TRY(canvas_open(&canvas, arguments->size * oversample, camera_margin(exposure->device)));
    size_t bytes = 3 * (size_t)arguments->size * (size_t)arguments->size;
    uint8_t *pixels = malloc(bytes);
    if (!pixels) {
        canvas_close(&canvas);
        return status_no_memory("an image", bytes);
    }
    canvas_view(&canvas, exposure, eye->left);
    paint(&canvas, noise, eye, tree, lesions, exposure->age, oversample > 1 ? 2 : 1);
    photograph->device = exposure->device;
    photograph->lesions = shows_lesions(&canvas, lesions, exposure->device);
    photograph->grade = eye->grade;
    photograph->age = (int)exposure->age;
    photograph->tortuosity = tree->tortuosity;
    photograph->cup_to_disc = eye->disc.cup;
    camera_expose(&canvas, exposure, paint_ground_level(eye), oversample, arguments->seed, pixels);
    canvas_close(&canvas);
    Status status = arguments->layout == LAYOUT_AIREADI ? aireadi_write(arguments, photograph, pixels)
                                                        : write_named(arguments, exposure, photograph, pixels);
    free(pixels);
    return status;
}

Status photograph_eye(const Arguments *arguments, int64_t number, int eye_number, Split split, int visits,
                      Photograph *photographs) {
    Person person;
    Eye eye;
    VesselTree tree;
    Lesions lesions = {0};
    anatomy_person(&person, arguments->seed, (uint64_t)number);
    anatomy_eye(&eye, &person, arguments->seed, (uint64_t)number, eye_number == 1);
    Noise *noise = malloc(sizeof *noise);
    if (!noise)
        return status_no_memory("the retina's texture", sizeof *noise);
    Random random;
    anatomy_stream(&random, arguments->seed, STREAM_TEXTURE, eye.key);
    noise_fill(noise, &random);
    Status status = vessels_grow(&tree, &eye, arguments->seed);
    if (!status)
        status = lesions_draw(&lesions, &eye, arguments->seed);
    for (int visit = 0; visit < visits && !status; visit++) {
        Exposure exposure;
        anatomy_exposure(&exposure, &eye, arguments->seed, (uint64_t)number, visit);
        photographs[visit] = (Photograph){.split = split,
                                          .person = number + 1,
                                          .left = eye.left,
                                          .visit = visit + 1,
                                          .mistake = photographs[visit].mistake,
                                          .partner = photographs[visit].partner};
        status = photograph_visit(arguments, noise, &eye, &tree, &lesions, &exposure, &photographs[visit]);
    }
    vessels_free(&tree);
    lesions_free(&lesions);
    free(noise);
    return status;
}
