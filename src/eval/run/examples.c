/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/run/examples.h"

#include "eval/draw/heat.h"
#include "eval/features/rollout.h"
#include "image/encode.h"
#include "image/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Which --- */

static void call_class(const EvalRows *rows, const double *p, ExampleRow *example) {
    int best = 0;
    for (int k = 1; k < rows->classes; k++)
        if (p[k] > p[best])
            best = k;
    example->call = best;
    example->probability = p[best];
}

/* By the rules of the confusion matrices. */
static void call_label(const EvalRows *rows, double p, ExampleRow *example) {
    const bool positive = rows->kind == EVAL_BINARY ? p > 0.5 : p >= 0.5;
    example->call = positive;
    example->probability = positive ? p : 1 - p;
}

/* Returns how sure it is: the call's probability, or of numbers the error's size with another sign where that is small.
 */
static double judge_row(const EvalRows *rows, const double *predictions, int64_t row, bool right, ExampleRow *example) {
    const double *p = predictions + row * eval_values(rows);
    *example = (ExampleRow){row, right, rows->labels[row * rows->outputs], *p, NAN};
    if (rows->kind == EVAL_REGRESSION)
        return right ? -fabs(*p - example->label) : fabs(*p - example->label);
    if (rows->kind == EVAL_MULTICLASS || rows->kind == EVAL_ORDINAL)
        call_class(rows, p, example);
    else
        call_label(rows, *p, example);
    example->right = example->call == example->label;
    return example->probability;
}

static bool is_listed(const ExampleRow *list, int count, int64_t row) {
    for (int i = 0; i < count; i++)
        if (list[i].row == row)
            return true;
    return false;
}

static void choose_side(const EvalRows *rows, const double *predictions, bool right, ExampleRow list[EXAMPLES],
                        int *count) {
    double sure[EXAMPLES_EACH];
    ExampleRow *side = list + *count, example;
    int found = 0;
    for (int64_t row = 0; row < rows->count; row++) {
        if (rows->split[row] != PROBE_TEST || isnan(rows->labels[row * rows->outputs]) || is_listed(list, *count, row))
            continue;
        const double how = judge_row(rows, predictions, row, right, &example);
        int at = found;
        while (at > 0 && how > sure[at - 1])
            at--;
        if (example.right != right || at == EXAMPLES_EACH)
            continue;
        found += found < EXAMPLES_EACH;
        for (int i = found - 1; i > at; i--) {
            side[i] = side[i - 1];
            sure[i] = sure[i - 1];
        }
        side[at] = example;
        sure[at] = how;
    }
    *count += found;
}

void examples_choose(const EvalRows *rows, const double *predictions, ExampleRow list[EXAMPLES], int *count) {
    *count = 0;
    choose_side(rows, predictions, true, list, count);
    choose_side(rows, predictions, false, list, count);
}

/* --- Their pictures --- */

enum { PICTURE_SIDE = 224 }; /* at most; smaller images are enlarged by whole factors to about this */

/* Room for an image as it is stored, as the encoder sees it, as it is drawn, and under its colours. */
typedef struct {
    uint8_t *record, *seen, *drawn, *heat;
    double *shares; /* [grid][grid] */
    int size, side, grid;
} Canvas;

static Status open_canvas(const Encoder *encoder, int record_side, Canvas *canvas) {
    const int size = encoder->shape.image_size, most = PICTURE_SIDE;
    *canvas = (Canvas){
        .size = size, .side = size >= most ? most : most / size * size, .grid = size / encoder->shape.patch_size};
    const size_t record = 3 * (size_t)record_side * (size_t)record_side, seen = 3 * (size_t)size * (size_t)size,
                 drawn = 3 * (size_t)canvas->side * (size_t)canvas->side;
    canvas->record = malloc(record + seen + 2 * drawn);
    canvas->shares = malloc((size_t)canvas->grid * (size_t)canvas->grid * sizeof *canvas->shares);
    canvas->seen = canvas->record + record;
    canvas->drawn = canvas->seen + seen;
    canvas->heat = canvas->drawn + drawn;
    return canvas->record && canvas->shares ? NULL : status_no_memory("a test image", record + seen + 2 * drawn);
}

static void close_canvas(Canvas *canvas) {
    free(canvas->record);
    free(canvas->shares);
}

static Status shrink_or_enlarge(Canvas *canvas) {
    const int size = canvas->size, side = canvas->side;
    if (side < size)
        return resize_pixels(canvas->seen, size, size, (Crop){.height = size, .width = size}, side, side,
                             canvas->drawn);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            memcpy(canvas->drawn + 3 * (y * side + x),
                   canvas->seen + 3 * (y / (side / size) * size + x / (side / size)), 3);
    return NULL;
}

/* How many times the mean patch's share the least and the most are. */
static void measure_shares(const Canvas *canvas, Example *example) {
    const int count = canvas->grid * canvas->grid;
    double sum = 0, least = INFINITY, most = -INFINITY;
    for (int i = 0; i < count; i++) {
        sum += canvas->shares[i];
        least = fmin(least, canvas->shares[i]);
        most = fmax(most, canvas->shares[i]);
    }
    example->least = least * count / sum;
    example->most = most * count / sum;
}

static Status paint_example(const Setting *setting, const RecordsPart *part, int64_t number, const Encoder *encoder,
                            Canvas *canvas, Example *example) {
    const FeatureOptions options = features_options(setting->task, encoder);
    const int side = part->pack.info.image_size;
    TRY(pack_read(&part->pack, number, canvas->record));
    const Image record = {.width = side, .height = side, .pixels = canvas->record};
    TRY(evaluation_view(&record, canvas->size, options.view, canvas->seen));
    TRY(rollout_run(encoder, options.tokens, canvas->seen, setting->threads, canvas->shares));
    measure_shares(canvas, example);
    TRY(shrink_or_enlarge(canvas));
    heat_draw(canvas->drawn, canvas->side, canvas->shares, canvas->grid, canvas->heat);
    example->side = canvas->side;
    TRY(image_encode_png("a test image", canvas->drawn, canvas->side, canvas->side, &example->image.bytes,
                         &example->image.size));
    return image_encode_png("a test image", canvas->heat, canvas->side, canvas->side, &example->heat.bytes,
                            &example->heat.size);
}

static Status draw_example(const Setting *setting, const TestRows *rows, const ExampleRow *row, const Encoder *encoder,
                           Example *example) {
    const int64_t own = setting->cohort->records.count, record = rows->record[row->row];
    const Records *records = record < own ? &setting->cohort->records : &setting->external->records;
    int64_t number;
    const RecordsPart *part = records_part(records, record < own ? record : record - own, &number);
    Canvas canvas;
    *example = (Example){.right = row->right, .label = row->label, .call = row->call, .probability = row->probability};
    Status status = open_canvas(encoder, part->pack.info.image_size, &canvas);
    if (!status)
        status = paint_example(setting, part, number, encoder, &canvas, example);
    close_canvas(&canvas);
    return status;
}

static const char *reason_for_none(const Setting *setting) {
    const Cohort *tested = setting->external ? setting->external : setting->cohort;
    if (tested->records.licensed)
        return "the tested data are licensed, and nothing of them may be passed on";
    if (setting->task->adapt.method == TASK_FINETUNE)
        return "a fine-tuned encoder is not kept after its predictions";
    return NULL;
}

Status examples_draw(const Setting *setting, const TestRows *rows, Evaluation *evaluation) {
    const Evaluated *shown = evaluation_shown(evaluation);
    ExampleRow list[EXAMPLES];
    int count;
    evaluation->no_examples = reason_for_none(setting);
    if (evaluation->no_examples)
        return NULL;
    examples_choose(evaluation->rows, shown->predictions, list, &count);
    for (int i = 0; i < count; i++)
        TRY(draw_example(setting, rows, &list[i], &shown->encoder, &evaluation->examples[evaluation->example_count++]));
    return NULL;
}

void examples_free(Evaluation *evaluation) {
    for (int i = 0; i < evaluation->example_count; i++) {
        free(evaluation->examples[i].image.bytes);
        free(evaluation->examples[i].heat.bytes);
    }
    evaluation->example_count = 0;
}
