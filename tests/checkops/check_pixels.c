/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checkops/checkops.h"
#include "tests/checkops/reference.h"

#include <math.h>
#include <string.h>

/* Keys' cubic with a = -1/2, from his paper's general form. */
static double cubic_weight(double x) {
    const double a = -0.5;
    x = fabs(x);
    if (x < 1)
        return (a + 2) * x * x * x - (a + 3) * x * x + 1;
    if (x < 2)
        return a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a;
    return 0;
}

/* One value of one pass: the weighted mean of `count` values `stride` apart around position `centre`, in 22-bit fixed
 * point, rounded and clamped to 0 .. 255. */
static uint8_t resample_pixel(const uint8_t *values, size_t stride, int count, double centre, double widened) {
    int first = (int)(centre - 2 * widened + 0.5), end = (int)(centre + 2 * widened + 0.5);
    first = first < 0 ? 0 : first;
    end = end > count ? count : end;
    double total = 0;
    for (int k = first; k < end; k++)
        total += cubic_weight((k - centre + 0.5) / widened);
    long sum = 1L << 21;
    for (int k = first; k < end; k++)
        sum += lround(cubic_weight((k - centre + 0.5) / widened) / total * (1 << 22)) * values[k * stride];
    sum = sum < 0 ? 0 : sum >> 22;
    return (uint8_t)(sum > 255 ? 255 : sum);
}

static void resize_reference(const uint8_t *pixels, int width, Crop crop, int out_height, int out_width, uint8_t *out) {
    static uint8_t between[400 * 400 * 3];
    const double across = (double)crop.width / out_width, down = (double)crop.height / out_height;
    for (int y = 0; y < crop.height; y++)
        for (int x = 0; x < out_width; x++)
            for (int c = 0; c < 3; c++) {
                const uint8_t *row = pixels + ((size_t)(crop.top + y) * width + crop.left) * 3 + c;
                between[(y * out_width + x) * 3 + c] =
                    crop.width == out_width ? row[x * 3]
                                            : resample_pixel(row, 3, crop.width, (x + 0.5) * across, fmax(1, across));
            }
    for (int y = 0; y < out_height; y++)
        for (int x = 0; x < out_width; x++)
            for (int c = 0; c < 3; c++) {
                const uint8_t *column = between + x * 3 + c;
                const int to = crop.flip ? out_width - 1 - x : x;
                out[(y * out_width + to) * 3 + c] =
                    crop.height == out_height
                        ? column[y * out_width * 3]
                        : resample_pixel(column, (size_t)out_width * 3, crop.height, (y + 0.5) * down, fmax(1, down));
            }
}

/* Noise between runs of black and white: overshoot both ways. */
static uint8_t *draw_pixels(Check *check, size_t count) {
    uint8_t *pixels = check_bytes(check, "pixels", BUFFER_INPUT, count, 1);
    for (size_t i = 0; i < count; i++)
        pixels[i] = i / 50 % 3 ? (uint8_t)random_below(&check->random, 256) : i / 150 % 2 ? 255 : 0;
    return pixels;
}

static Crop draw_crop(Check *check, int height, int width) {
    Crop crop = {.height = check_between(check, 1, height), .width = check_between(check, 1, width)};
    crop.top = check_between(check, 0, height - crop.height);
    crop.left = check_between(check, 0, width - crop.width);
    crop.flip = check_coin(check);
    return crop;
}

static void check_levels(Check *check, const uint8_t *got, const uint8_t *want, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (got[i] != want[i]) {
            check_fail(check, "value %zu is %d, not %d", i, got[i], want[i]);
            return;
        }
}

void check_resize_pixels(Check *check) {
    static uint8_t want[400 * 400 * 3];
    int height = check->round ? check_between(check, 1, 300) : 1,
        width = check->round ? check_between(check, 1, 300) : 1;
    if (check->round == 9) /* so many weights to a sum that it must be taken in parts to stay exact */
        height = 3, width = 2000;
    Crop crop = draw_crop(check, height, width);
    int out_height = check_between(check, 1, 150), out_width = check_between(check, 1, 150);
    if (check->round % 5 == 1)
        out_width = crop.width;
    if (check->round % 5 == 2 || check->round % 5 == 1)
        out_height = crop.height;
    if (check->round == 9)
        crop.left = 0, crop.width = 2000, out_width = 2;
    check_shape(check, "%d x %d, crop %d x %d at %d, %d, flip %d, to %d x %d", height, width, crop.height, crop.width,
                crop.top, crop.left, crop.flip, out_height, out_width);
    uint8_t *pixels = draw_pixels(check, (size_t)height * width * 3);
    uint8_t *out = check_bytes(check, "out", BUFFER_OUTPUT, (size_t)out_height * out_width * 3, 1);
    check->host_only = true;
    RUN(check)
    check->ops.error = resize_pixels(AT(pixels), height, width, crop, out_height, out_width, AT(out));
    resize_reference(pixels, width, crop, out_height, out_width, want);
    check_levels(check, out, want, (size_t)out_height * out_width * 3); /* integer arithmetic: equal */
}

/* What follows from the definition by hand: doubling puts output centres 1/4 pixel from inputs, where the cubic's
 * weights are 0.8671875 (3/4 off... the nearest), 0.2265625, -0.0703125, -0.0234375. */
void check_resize_facts(Check *check) {
    check_once(check);
    uint8_t row[8 * 3] = {0}, out[16 * 3];
    row[4 * 3] = 100;
    row[4 * 3 + 1] = 255;
    Status status = resize_pixels(row, 1, 8, (Crop){.height = 1, .width = 8}, 1, 16, out);
    static const double weights[16] = {[5] = -0.0234375, [6] = -0.0703125, [7] = 0.2265625,   [8] = 0.8671875,
                                       [9] = 0.8671875,  [10] = 0.2265625, [11] = -0.0703125, [12] = -0.0234375};
    for (int x = 0; x < 16 && !status; x++) {
        const double red = fmax(0, floor(100 * weights[x] + 0.5)), green = fmax(0, floor(255 * weights[x] + 0.5));
        check_scalar(check, "red of an impulse doubled", out[x * 3], red, 0);
        check_scalar(check, "green of an impulse doubled", out[x * 3 + 1], green, 0);
        check_scalar(check, "blue of an impulse doubled", out[x * 3 + 2], 0, 0);
    }
    uint8_t flat[9 * 7 * 3], halved[4 * 3 * 3];
    memset(flat, 77, sizeof flat);
    if (!status)
        status = resize_pixels(flat, 9, 7, (Crop){.height = 9, .width = 7}, 4, 3, halved);
    for (size_t i = 0; i < sizeof halved && !status; i++)
        check_scalar(check, "a flat image", halved[i], 77, 0);
    if (status)
        check_fail(check, "%s", status_message(status));
    status_free(status);
}

/* A box on whole pixels that reaches beyond the image gives what an image padded with black gives. */
void check_resize_box(Check *check) {
    enum { SIDE = 200, MARGIN = 100 };
    static uint8_t padded[(SIDE + 2 * MARGIN) * (SIDE + 2 * MARGIN) * 3], want[150 * 150 * 3];
    const int height = check_between(check, 1, SIDE), width = check_between(check, 1, SIDE);
    const int padded_width = width + 2 * MARGIN;
    Crop crop = draw_crop(check, height + 2 * MARGIN, padded_width);
    crop.flip = false;
    const int out_height = check->round % 5 == 1 && crop.height <= 150 ? crop.height : check_between(check, 1, 150);
    const int out_width = check_between(check, 1, 150);
    const Box box = {crop.top - MARGIN, crop.left - MARGIN, crop.height, crop.width};
    check_shape(check, "%d x %d, box %d x %d at %g, %g, to %d x %d", height, width, crop.height, crop.width, box.top,
                box.left, out_height, out_width);
    uint8_t *pixels = draw_pixels(check, (size_t)height * width * 3);
    uint8_t *out = check_bytes(check, "out", BUFFER_OUTPUT, (size_t)out_height * out_width * 3, 1);
    check->host_only = true;
    RUN(check)
    check->ops.error = resize_box(AT(pixels), height, width, box, out_height, out_width, AT(out));
    memset(padded, 0, sizeof padded);
    for (int y = 0; y < height; y++)
        memcpy(padded + ((size_t)(y + MARGIN) * padded_width + MARGIN) * 3, pixels + (size_t)y * width * 3,
               (size_t)width * 3);
    resize_reference(padded, padded_width, crop, out_height, out_width, want);
    check_levels(check, out, want, (size_t)out_height * out_width * 3); /* integer arithmetic: equal */
}

/* Keys' cubic keeps a straight ramp where all its four inputs are there: a box between pixels reads it at its own
 * places. Level 8 x + 4 at x pixels from the left; box 6 x 6 at 5.3, 3.75 to 6 x 12. */
void check_resize_box_facts(Check *check) {
    check_once(check);
    enum { SIDE = 24 };
    uint8_t ramp[SIDE * SIDE * 3], out[6 * 12 * 3];
    for (int i = 0; i < SIDE * SIDE; i++) {
        ramp[i * 3] = (uint8_t)(8 * (i % SIDE) + 8);
        ramp[i * 3 + 1] = (uint8_t)(8 * (i / SIDE) + 8);
        ramp[i * 3 + 2] = 90;
    }
    Status status = resize_box(ramp, SIDE, SIDE, (Box){5.3, 3.75, 6, 6}, 6, 12, out);
    for (int i = 0; i < 6 * 12 && !status; i++) {
        const int x = i % 12, y = i / 12;
        const double at_x = 3.75 + (x + 0.5) * 0.5, at_y = 5.3 + y + 0.5;
        /* The box's first and last two pixels lack neighbours. */
        if (x >= 4 && x < 8)
            check_scalar(check, "a ramp to the right", out[i * 3], 8 * at_x + 4, 0.5001);
        if (y >= 2 && y < 4)
            check_scalar(check, "a ramp downwards", out[i * 3 + 1], 8 * at_y + 4, 0.5001);
        check_scalar(check, "a flat channel", out[i * 3 + 2], 90, 0);
    }
    if (!status)
        status = resize_box(ramp, SIDE, SIDE, (Box){-9, 30, 5, 5}, 6, 12, out);
    for (int i = 0; i < 6 * 12 * 3 && !status; i++)
        check_scalar(check, "beside the image", out[i], 0, 0);
    if (status)
        check_fail(check, "%s", status_message(status));
    status_free(status);
    static const Box wrong[] = {{0, 0, 0, 4}, {0, 0, 4, -1}, {1e9, 0, 4, 4}, {NAN, 0, 4, 4}, {0, 0, 4, INFINITY}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        status = resize_box(ramp, SIDE, SIDE, wrong[i], 6, 12, out);
        if (status_code(status) != EXIT_INTERNAL || !strstr(status_message(status), "resize_box"))
            check_fail(check, "resize_box took a bad box: %s", status_message(status));
        status_free(status);
    }
}

/* One value of the image a sample sees. */
typedef struct {
    int size, patch, patches, keep;
    const int32_t *ids;
    const float *visible, *target;
    int batch;
} Patches;

/* How images are seen: whole, at the output's size; resized; at its size or resized, mirrored and not, from crops. */
enum { SEEN_WHOLE, SEEN_RESIZED, SEEN_EXACT, SEEN_CROPPED, SEEN_WAYS };
/* CHOSEN: an image may be for several samples, another for none. PATCH: a model's or a larger one. LOOK: samples are
 * altered. */
enum { PIXELS_SEEN, PIXELS_CHOSEN, PIXELS_TARGET, PIXELS_PATCH, PIXELS_LOOK, PIXELS_OPTIONS };
static const Options pixels_options = {
    .count = PIXELS_OPTIONS,
    .levels = {
        [PIXELS_SEEN] = SEEN_WAYS, [PIXELS_CHOSEN] = 2, [PIXELS_TARGET] = 2, [PIXELS_PATCH] = 2, [PIXELS_LOOK] = 2}};

static Patches draw_patches(Check *check, int options[PIXELS_OPTIONS]) {
    check_options(check, &pixels_options, options);
    const bool exact = options[PIXELS_SEEN] == SEEN_EXACT;
    Patches p = {.patch = check_between(check, 1, 9), .batch = exact ? 4 : check_between(check, 1, 5)};
    int across = check->round ? check_between(check, 1, 8) : 1;
    if (options[PIXELS_PATCH]) {
        static const int sides[] = {16, 14, 32, 8, 19};
        p.patch = sides[check->round / 2 % 5];
        across = exact ? 3 : check_between(check, 1, 3);
        p.batch = exact ? 4 : 2;
    }
    if (check->round == 0)
        p.batch = 0;
    if (check->round == ROUNDS - 1) { /* rows of the image and of a patch are multiples of 16 bytes */
        options[PIXELS_SEEN] = SEEN_EXACT;
        p.batch = 4, p.patch = 16, across = 3;
    }
    p.size = p.patch * across;
    p.patches = across * across;
    p.keep = check_between(check, 0, p.patches);
    p.ids = check_ids(check, p.batch, p.patches);
    const size_t values = 3 * (size_t)p.patch * p.patch;
    p.visible = check_real_output(check, "visible", p.batch * p.keep * values);
    if (options[PIXELS_TARGET])
        p.target = check_float_output(check, "target", (size_t)p.batch * (p.patches - p.keep) * values);
    return p;
}

/* Compares every patch with `image`, [batch][3][size][size]; the visible ones may have been rounded. */
static void check_cut(Check *check, const Patches *p, const double *image, double bound, bool bf16) {
    const size_t values = 3 * (size_t)p->patch * p->patch;
    const int across = p->size / p->patch;
    for (int b = 0; b < p->batch; b++)
        for (int j = 0; j < p->patches; j++)
            for (int c = 0; c < 3; c++)
                for (int y = 0; y < p->patch; y++)
                    for (int x = 0; x < p->patch; x++) {
                        const int id = p->ids[(size_t)b * p->patches + j];
                        const int row = id / across * p->patch + y, column = id % across * p->patch + x;
                        double want = image[(((size_t)b * 3 + c) * p->size + row) * p->size + column];
                        size_t v = ((size_t)b * p->keep + j) * values + (c * p->patch + y) * p->patch + x;
                        size_t t =
                            ((size_t)b * (p->patches - p->keep) + j - p->keep) * values + (y * p->patch + x) * 3 + c;
                        if (j < p->keep)
                            check_scalar(check, "visible", p->visible[v], bf16 ? reference_rounded((float)want) : want,
                                         bound);
                        else if (p->target)
                            check_scalar(check, "target", p->target[t], want, bound);
                    }
}

/* What images have beyond the size that is cut out: itself a place where rows start on 16 bytes. */
enum { SPARE = 16 };

static Crop exact_crop(Check *check, int size, int sample) {
    return (Crop){.top = check_between(check, 0, SPARE),
                  .left = sample ? check_between(check, 0, SPARE) : SPARE,
                  .height = size,
                  .width = size,
                  .flip = sample == 1};
}

/* The first sample keeps its colours, of the second nothing is erased. */
static Look draw_look(Check *check, int size, int sample) {
    Look look = {.colour = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}};
    for (int i = 0; i < 12 && sample; i++)
        look.colour[i / 4][i % 4] = (float)check_between(check, -1000, 1000) / (i % 4 == 3 ? 20 : 1000);
    look.top = check_between(check, -1, size - 1);
    look.left = check_between(check, -1, size - 1);
    look.height = sample == 1 ? 0 : check_between(check, 0, size);
    look.width = check_between(check, 0, size);
    return look;
}

/* One channel of a pixel, normalised. */
static double altered(const Look *look, const uint8_t *pixel, int c, int row, int column, double mean, double std) {
    double level = pixel[c];
    if (look) {
        const float *m = look->colour[c];
        level = (double)m[0] * pixel[0] + (double)m[1] * pixel[1] + (double)m[2] * pixel[2] + m[3];
        if (row >= look->top && row < look->top + look->height && column >= look->left &&
            column < look->left + look->width)
            return 0;
    }
    return (level / 255 - mean) / std;
}

void check_pixels_to_patches(Check *check) {
    int options[PIXELS_OPTIONS];
    Patches p = draw_patches(check, options);
    const int seen_as = options[PIXELS_SEEN];
    const bool exact = seen_as == SEEN_EXACT, cropped = exact || seen_as == SEEN_CROPPED;
    const bool chosen = options[PIXELS_CHOSEN], other = seen_as == SEEN_CROPPED || seen_as == SEEN_RESIZED;
    const int height = exact ? p.size + SPARE : other ? check_between(check, 1, 90) : p.size;
    const int width = exact ? p.size + SPARE : other ? check_between(check, 1, 90) : p.size;
    check_shape(check, "batch=%d %d x %d cropped=%d exact=%d chosen=%d size=%d patch=%d keep=%d target=%d look=%d",
                p.batch, height, width, cropped, exact, chosen, p.size, p.patch, p.keep, p.target != NULL,
                options[PIXELS_LOOK]);
    const size_t image_bytes = (size_t)height * width * 3, area = (size_t)p.size * p.size;
    const int count = chosen ? check_between(check, 1, 7) : p.batch;
    uint8_t *pixels = draw_pixels(check, count * image_bytes);
    int32_t *which = check_bytes(check, "which", BUFFER_INPUT, p.batch, sizeof *which);
    for (int b = 0; b < p.batch; b++)
        which[b] = chosen ? check_between(check, 0, count - 1) : b;
    Crop *crops = check_bytes(check, "crops", BUFFER_INPUT, p.batch, sizeof *crops);
    memset(crops, 0, p.batch * sizeof *crops);
    for (int b = 0; b < p.batch; b++)
        crops[b] = exact && b < 3 ? exact_crop(check, p.size, b) : draw_crop(check, height, width);
    if (seen_as == SEEN_CROPPED && p.batch && height >= p.size) { /* one is resized across alone */
        crops[0].height = p.size;
        crops[0].top = check_between(check, 0, height - p.size);
    }
    const bool looks_too = options[PIXELS_LOOK];
    Look *looks = check_bytes(check, "looks", BUFFER_INPUT, p.batch, sizeof *looks);
    for (int b = 0; b < p.batch; b++)
        looks[b] = draw_look(check, p.size, b);
    static const float mean[3] = {0.485f, 0.456f, 0.406f}, std[3] = {0.229f, 0.224f, 0.225f};
    RUN(check) {
        const ImageSet images = {.pixels = AT(pixels),
                                 .count = count,
                                 .height = height,
                                 .width = width,
                                 .which = AT(chosen ? which : NULL),
                                 .crops = AT(cropped ? crops : NULL)};
        check->ops.pixels_to_patches(&check->ops, &(PixelsToPatches){.images = &images,
                                                                     .ids = AT(p.ids),
                                                                     .keep = p.keep,
                                                                     .mean = mean,
                                                                     .std = std,
                                                                     .looks = AT(looks_too ? looks : NULL),
                                                                     .size = p.size,
                                                                     .patch = p.patch,
                                                                     .visible = AT(p.visible),
                                                                     .target = AT(p.target),
                                                                     .batch = p.batch});
    }
    double *image = check_numbers(check, p.batch * 3 * area);
    static uint8_t seen[400 * 400 * 3];
    for (int b = 0; b < p.batch; b++) {
        Crop crop = cropped ? crops[b] : (Crop){.height = height, .width = width};
        resize_reference(pixels + which[b] * image_bytes, width, crop, p.size, p.size, seen);
        for (size_t i = 0; i < area; i++)
            for (int c = 0; c < 3; c++)
                image[(b * 3 + c) * area + i] = altered(looks_too ? &looks[b] : NULL, seen + i * 3, c, (int)i / p.size,
                                                        (int)i % p.size, mean[c], std[c]);
    }
    /* Values up to 2.7 and three roundings, the first enlarged by 1/std; or sums of up to 815 levels, 14 of them, with
     * five roundings more. */
    check_cut(check, &p, image, (looks_too ? 128 : 8) * ROUNDING, false);
}

void check_image_to_patches(Check *check) {
    int options[PIXELS_OPTIONS];
    Patches p = draw_patches(check, options);
    check_shape(check, "batch=%d size=%d patch=%d keep=%d", p.batch, p.size, p.patch, p.keep);
    const size_t count = (size_t)p.batch * 3 * p.size * p.size;
    float *image = check_floats(check, "image", BUFFER_INPUT, count, 1);
    RUN(check)
    check->ops.image_to_patches(&check->ops, &(ImageToPatches){.image = AT(image),
                                                               .ids = AT(p.ids),
                                                               .keep = p.keep,
                                                               .size = p.size,
                                                               .patch = p.patch,
                                                               .visible = AT(p.visible),
                                                               .target = AT(p.target),
                                                               .batch = p.batch});
    const double *whole = check_copy(check, image, count);
    EACH(check)
    check_cut(check, &p, whole, 0, check_type(check) == REAL_BF16); /* copied */
}
