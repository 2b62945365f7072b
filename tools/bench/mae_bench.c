/* SPDX-License-Identifier: Apache-2.0 */
/* Our side of a comparison: the masked autoencoder of FOLDER (mae_export's), by the steps that ./train takes. Images
 * and masks come from pinned memory of the host, as from the loader's ring.
 *
 * follow   takes N steps, batch after batch of the ring, and prints their losses; OUT gets the first step's `loss` and
 *          gradients (grad.*), `losses`, and with --after the weights that the steps ended with (after.*). With --masks
 *          each batch has the masks of the Nth batch after, which is another seed
 * time     takes steps for S seconds and prints images/s of each window of steps, by the device's own clock
 *
 * Each prints one JSON object; tools/bench/torch_bench.py understands the same. */
#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/program.h"
#include "base/safetensors.h"
#include "base/safetensors_write.h"
#include "base/threads.h"
#include "cost/peak.h"
#include "device/open.h"
#include "train/objective/mae_objective.h"
#include "train/optimizer.h"
#include "train/step/step.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WINDOWS = 5, WARMUP = 30, WARMUP_LEAST = 3, WINDOW_STEPS = 50 };
static const double WARMUP_SHARE = 0.2; /* of the time, at most */

enum { FOLLOW, TIME };
static const char *const backends[] = {"cpu", "emu", "cuda", NULL};
static const DeviceKind kinds[] = {DEVICE_CPU, DEVICE_EMU, DEVICE_CUDA};
static const char *const precisions[] = {"fp32", "bf16", "fp8", NULL};
enum { FP8 = 2 }; /* all but the encoder's linear layers in BF16 */

typedef struct {
    int command, backend, precision, batch, steps, threads, masks;
    double seconds;
    bool after;
    const char *folder, *out;
} Arguments;

#define AT(field) offsetof(Arguments, field)
static const Option options[] = {
    {.name = "FOLDER", .type = OPTION_PATH, .offset = AT(folder), .help = "What mae_export made."},
    {.name = "--steps",
     .value = "N",
     .type = OPTION_INT,
     .offset = AT(steps),
     .min = 0,
     .max = OPTION_NO_LIMIT,
     .help = "follow: steps to take."},
    {.name = "--out",
     .value = "FILE",
     .type = OPTION_PATH,
     .offset = AT(out),
     .help = "follow: gets the first step's loss and gradients, and the losses."},
    {.name = "--after",
     .type = OPTION_FLAG,
     .offset = AT(after),
     .help = "follow: FILE also gets the weights after the last step."},
    {.name = "--masks",
     .value = "N",
     .type = OPTION_INT,
     .offset = AT(masks),
     .min = 0,
     .max = OPTION_NO_LIMIT,
     .help = "follow: each batch has the masks of the Nth batch after it, which is another seed."},
    {.name = "--seconds",
     .value = "S",
     .type = OPTION_REAL,
     .offset = AT(seconds),
     .min = 0,
     .max = OPTION_NO_LIMIT,
     .fallback = "10",
     .help = "time: seconds to take steps for."},
    {.name = "--batch",
     .value = "N",
     .type = OPTION_INT,
     .offset = AT(batch),
     .min = 0,
     .max = OPTION_NO_LIMIT,
     .unset = "all",
     .help = "Images to take of each batch."},
    {.name = "--backend",
     .type = OPTION_CHOICE,
     .choices = backends,
     .offset = AT(backend),
     .fallback = "cpu",
     .help = "Where the steps are computed."},
    {.name = "--precision",
     .type = OPTION_CHOICE,
     .choices = precisions,
     .offset = AT(precision),
     .fallback = "fp32",
     .help = "In which precision."},
    {.name = "--threads",
     .value = "T",
     .type = OPTION_INT,
     .offset = AT(threads),
     .min = 1,
     .max = 1024,
     .fallback = "2",
     .help = "Threads of the CPU."},
    {0},
};
static const ProgramCommand commands[] = {
    {.name = "follow", .help = "Takes N steps, batch after batch of the ring, and prints their losses."},
    {.name = "time", .help = "Takes steps for S seconds and prints images/s of each window of steps."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_DATA, EXIT_MISSING, EXIT_IO, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {
    .name = "mae_bench",
    .about = "Trains the masked autoencoder that mae_export made; prints one JSON object.",
    .commands = commands,
    .command_offset = AT(command),
    .options = options,
    .exits = exits,
};

typedef struct {
    const Arguments *a;
    const Device *device;
    Ops ops;
    SafeTensors *weights, *data;
    ModelShape shape;
    OptimizerOptions options;
    Objective *objective;
    Optimizer *optimizer;
    Step *steps;
    uint8_t *pixels;        /* the ring, pinned */
    int32_t *masks;         /* [ring][given][patches], pinned */
    int ring, given, batch; /* batches, images in each as given, images taken of each */
    const float *rates;
    int rate_count;
    int64_t step;
    double loss;          /* of the last step that has settled */
    size_t memory_before; /* free */
} Bench;

static double number(const Bench *b, const char *key) {
    const char *text = safetensors_note(b->weights, key);
    return text ? strtod(text, NULL) : 0;
}

static Status open_file(const Bench *b, const char *name, SafeTensors **file) {
    char *path;
    Status status = files_path(&path, "%s/%s.safetensors", b->a->folder, name);
    if (!status)
        status = safetensors_open(path, file);
    free(path);
    return status;
}

static void take_shape(Bench *b) {
    b->shape = (ModelShape){.image_size = (int)number(b, "image_size"),
                            .patch_size = (int)number(b, "patch_size"),
                            .dim = (int)number(b, "dim"),
                            .depth = (int)number(b, "depth"),
                            .heads = (int)number(b, "heads"),
                            .decoder_dim = (int)number(b, "decoder_dim"),
                            .decoder_depth = (int)number(b, "decoder_depth"),
                            .decoder_heads = (int)number(b, "decoder_heads"),
                            .mlp_ratio = 4,
                            .activation = number(b, "gelu_tanh") != 0 ? ACTIVATION_GELU_TANH : ACTIVATION_GELU_ERF,
                            .norm_eps = 1e-6,
                            .mask_ratio = number(b, "mask_ratio"),
                            .norm_pix_loss = number(b, "norm_pix_loss") != 0,
                            .batch = b->batch,
                            .fp8 = b->a->precision == FP8};
    b->options = (OptimizerOptions){.beta1 = number(b, "beta1"),
                                    .beta2 = number(b, "beta2"),
                                    .eps = number(b, "eps"),
                                    .weight_decay = number(b, "weight_decay"),
                                    .layer_decay = 1,
                                    .layers = b->shape.depth,
                                    .decay_tokens = true};
}

static Status bring_tensor(Bench *b, const Tensor *tensor, size_t bytes, void **memory) {
    TRY(b->device->allocate_pinned(b->device, bytes, "the ring of images", memory));
    memcpy(*memory, tensor->data, bytes);
    return NULL;
}

static Status open_model(Bench *b) {
    const ObjectiveOptions own = {.shape = b->shape};
    TRY(mae_objective.open(&own, &b->ops, &b->objective));
    Params *params = b->objective->params;
    TRY(params_read(params, params->value, b->weights, "weights."));
    params_round(params, &b->ops);
    TRY(optimizer_open(&b->options, params, &b->ops, &b->optimizer));
    const StepOptions options = {.objective = b->objective,
                                 .optimizer = b->optimizer,
                                 .ops = &b->ops,
                                 .global_batch = b->batch,
                                 .micro_batch = b->batch,
                                 .capture = true};
    return step_open(&options, &b->steps);
}

static Status open_bench(Bench *b) {
    size_t total;
    TRY(b->device->memory(b->device, &b->memory_before, &total));
    TRY(open_file(b, "weights", &b->weights));
    TRY(open_file(b, "data", &b->data));
    const Tensor *pixels = safetensors_find(b->data, "pixels"), *ids = safetensors_find(b->data, "ids"),
                 *rates = safetensors_find(b->data, "lr");
    if (!pixels || !ids || pixels->type != TYPE_U8 || pixels->dims != 5 || ids->type != TYPE_I32 || ids->dims != 3 ||
        ids->shape[0] != pixels->shape[0] || ids->shape[1] != pixels->shape[1])
        return status_error(EXIT_DATA, "%s/data.safetensors holds no ring of images; mae_export makes one",
                            b->a->folder);
    b->ring = (int)pixels->shape[0];
    b->given = (int)pixels->shape[1];
    b->batch = b->a->batch ? b->a->batch : b->given;
    b->rates = rates && rates->type == TYPE_F32 ? rates->data : NULL;
    b->rate_count = b->rates ? (int)rates->count : 0;
    take_shape(b);
    if (b->batch < 1 || b->batch > b->given || b->a->steps > b->rate_count || b->a->masks < 0)
        return status_error(EXIT_USAGE, "the data has %d images a batch and %d learning rates", b->given,
                            b->rate_count);
    void *memory;
    TRY(bring_tensor(b, pixels, (size_t)pixels->count, &memory));
    b->pixels = memory;
    TRY(bring_tensor(b, ids, (size_t)ids->count * sizeof *b->masks, &memory));
    b->masks = memory;
    TRY(open_model(b));
    if (ids->shape[2] != b->objective->extras || pixels->shape[2] != b->shape.image_size)
        return status_error(EXIT_DATA, "the data is not of the size of the model's images");
    return NULL;
}

static void close_bench(Bench *b) {
    step_close(b->steps);
    optimizer_close(b->optimizer);
    if (b->objective)
        b->objective->close(b->objective);
    b->device->release_pinned(b->device, b->pixels);
    b->device->release_pinned(b->device, b->masks);
    safetensors_close(b->weights);
    safetensors_close(b->data);
}

/* Each time round, a batch has the masks of another. */
static Status gradients(Bench *b) {
    const size_t image = (size_t)b->shape.image_size * (size_t)b->shape.image_size * 3;
    const size_t first = (size_t)(b->step % b->ring) * (size_t)b->given;
    const size_t masks = (size_t)((b->step + b->step / b->ring + b->a->masks) % b->ring) * (size_t)b->given;
    const PrefetchBatch batch = {.number = (uint64_t)b->step,
                                 .samples = b->pixels + first * image,
                                 .extras = b->masks + masks * (size_t)b->objective->extras};
    return step_gradients(b->steps, &batch);
}

static Status update(Bench *b) {
    const double rate = b->step < b->rate_count ? (double)b->rates[b->step] : 1e-4;
    b->step++;
    return step_update(b->steps, rate, b->step);
}

/* Until at most so many steps are under way. */
static Status settle(Bench *b, int pending) {
    while (step_pending(b->steps) > pending) {
        StepState outcome;
        TRY(step_wait_oldest(b->steps, &outcome));
        if (outcome.halted)
            return status_error(EXIT_DIVERGED, "the loss or the gradient's norm is not finite (%g, %g)", outcome.loss,
                                (double)outcome.norm);
        b->loss = outcome.loss;
    }
    return NULL;
}

/* --- follow ---------------------------------------------------------------------------------------------------------
 */

typedef struct {
    Tensor *list;
    char (*names)[96];
    float *grad, *after;
    int count;
} Results;

static void add_tensors(Results *r, const Params *params, const float *what, bool trainable_only, const char *prefix) {
    r->count += params_views(params, what, trainable_only, prefix, r->names + r->count, r->list + r->count);
}

/* One of the parameters' arrays, from the device; the results' to free. */
static Status take_array(const Params *params, const float *what, size_t count, float **copy) {
    *copy = malloc(count * sizeof **copy);
    if (!*copy)
        return status_no_memory("a copy of the parameters", count * sizeof **copy);
    return device_read(params->device, *copy, what, count * sizeof **copy);
}

static Status write_results(const Bench *b, Results *r, const float *losses) {
    const Params *params = b->objective->params;
    r->list = calloc(2 * (size_t)params->count + 2, sizeof *r->list);
    r->names = calloc(2 * (size_t)params->count, sizeof *r->names);
    if (!r->list || !r->names)
        return status_no_memory("the list of results", 2 * (size_t)params->count * sizeof *r->list);
    add_tensors(r, params, r->grad, true, "grad.");
    if (r->after)
        add_tensors(r, params, r->after, false, "after.");
    r->list[r->count++] = (Tensor){"loss", TYPE_F32, 1, {1}, 1, losses};
    r->list[r->count++] = (Tensor){"losses", TYPE_F32, 1, {b->a->steps}, b->a->steps, losses};
    TRY(files_remove(b->a->out));
    return safetensors_write(b->a->out, r->list, r->count, NULL, 0);
}

static Status take_steps(Bench *b, Results *r, float *losses) {
    const Params *params = b->objective->params;
    for (int i = 0; i < b->a->steps; i++) {
        TRY(gradients(b));
        if (i == 0 && b->a->out)
            TRY(take_array(params, params->grad, params->trained, &r->grad));
        TRY(update(b));
        TRY(settle(b, 0));
        losses[i] = (float)b->loss;
    }
    if (b->a->after)
        TRY(take_array(params, params->value, params->total, &r->after));
    return NULL;
}

/* The results' first member: program, device and precision. */
static void begin_results(const Bench *b, Json *json) {
    char program[64];
    snprintf(program, sizeof program, "fovea %s %s", b->ops.name, precisions[b->a->precision]);
    json_open(json, stdout);
    json_object(json, NULL, JSON_LINE);
    json_string(json, "program", program);
}

static Status follow(Bench *b) {
    if (b->a->steps < 1)
        return status_error(EXIT_USAGE, "mae_bench follow needs --steps");
    Results r = {0};
    float *losses = calloc((size_t)b->a->steps, sizeof *losses);
    Status status = losses ? take_steps(b, &r, losses) : status_no_memory("the losses", sizeof *losses);
    if (!status && b->a->out)
        status = write_results(b, &r, losses);
    if (!status) {
        Json json;
        begin_results(b, &json);
        json_array(&json, "losses", JSON_LINE);
        for (int i = 0; i < b->a->steps; i++)
            json_real(&json, NULL, (double)losses[i]);
        json_end(&json);
        json_end(&json);
        json_newline(&json);
    }
    free(r.list);
    free(r.names);
    free(r.grad);
    free(r.after);
    free(losses);
    return status;
}

/* --- time -----------------------------------------------------------------------------------------------------------
 */

/* Between marks on the device, which counts what it waits for, too. As in training the host is a step ahead. */
static Status run_window(Bench *b, Event *const marks[2], int steps, double *seconds) {
    TRY(b->device->event_record(b->device, marks[0], NULL));
    for (int i = 0; i < steps; i++) {
        TRY(gradients(b));
        TRY(update(b));
        TRY(settle(b, step_ahead(b->steps)));
    }
    TRY(b->device->event_record(b->device, marks[1], NULL));
    TRY(settle(b, 0));
    TRY(b->device->wait(b->device, NULL));
    return b->device->event_seconds(b->device, marks[0], marks[1], seconds);
}

static Status run_windows(Bench *b, Event *const marks[2], double windows[WINDOWS], int *warmup, int *steps) {
    const double begin = clock_now();
    double last = 0;
    for (*warmup = 0; *warmup < WARMUP; ++*warmup) {
        if (*warmup >= WARMUP_LEAST && clock_now() - begin + last > WARMUP_SHARE * b->a->seconds)
            break;
        TRY(run_window(b, marks, 1, &last));
    }
    const double left = b->a->seconds - (clock_now() - begin);
    *steps = last > 0 && left < WINDOWS * WINDOW_STEPS * last ? (int)(left / WINDOWS / last) : WINDOW_STEPS;
    *steps = *steps < 1 ? 1 : *steps;
    for (int i = 0; i < WINDOWS; i++)
        TRY(run_window(b, marks, *steps, &windows[i]));
    return NULL;
}

static Status time_steps(Bench *b, double startup) {
    Event *marks[2] = {NULL, NULL};
    double windows[WINDOWS];
    int warmup = 0, steps = 0;
    size_t unused = 0, total;
    Status status = b->device->event_open(b->device, &marks[0]);
    if (!status)
        status = b->device->event_open(b->device, &marks[1]);
    if (!status)
        status = run_windows(b, marks, windows, &warmup, &steps);
    if (!status)
        status = b->device->memory(b->device, &unused, &total);
    b->device->event_close(b->device, marks[0]);
    b->device->event_close(b->device, marks[1]);
    TRY(status);
    const char *unknown;
    const double peak = peak_flops(b->device, b->ops.type, &unknown);
    Json json;
    begin_results(b, &json);
    json_integer(&json, "batch", b->batch);
    json_integer(&json, "warmup", warmup);
    json_integer(&json, "steps_per_window", steps);
    json_real(&json, "startup_s", startup);
    json_real(&json, "memory_mb", b->device->host_memory ? 0 : ((double)b->memory_before - (double)unused) / 1e6);
    json_real(&json, "loss", b->loss);
    json_array(&json, "images_per_s", JSON_LINE);
    for (int i = 0; i < WINDOWS; i++)
        json_real(&json, NULL, (double)b->batch * steps / windows[i]);
    json_end(&json);
    if (!isnan(peak))
        json_real(&json, "peak_tflop_per_s", peak / 1e12);
    const char *note = b->device->note(b->device);
    if (note)
        json_string(&json, "note", note);
    json_end(&json);
    json_newline(&json);
    return NULL;
}

static Status run_on(const Arguments *a, const Device *device) {
    const double begin = clock_now();
    Bench b = {.a = a, .device = device};
    device->operations(device, a->threads, &b.ops);
    b.ops.type = a->precision ? REAL_BF16 : REAL_FP32;
    /* As a run takes what is fastest; what is compared with PyTorch's losses is the same each time. */
    if (*device->tuned_on)
        device->autotune(device, a->command == TIME);
    Status status = open_bench(&b);
    if (!status && a->command == FOLLOW)
        status = follow(&b);
    else if (!status && a->command == TIME)
        status = time_steps(&b, clock_now() - begin);
    close_bench(&b);
    return status;
}

static Status run(void *context) {
    const Arguments *a = context;
    Device *device = NULL;
    char *note = NULL;
    Status status = device_open(kinds[a->backend], &device, &note);
    if (!status)
        status = run_on(a, device);
    free(note);
    device_close(device);
    return status;
}

int main(int count, char **arguments) {
    threads_wait_passively(arguments);
    Arguments a = {0};
    return program_main(&program, count, arguments, &a, run);
}
