/* SPDX-License-Identifier: Apache-2.0 */
/* The memory plan is what is then taken, and the work is the table's. */
#include "tests/fixtures/train_fixture.h"

#include "checkpoint/copy.h"
#include "cost/flops.h"
#include "device/open.h"
#include "train/memory/memory_fit.h"
#include "train/monitor/health.h"
#include "train/objective/model_shape.h"
#include "train/objective/objectives.h"
#include "train/optimizer.h"
#include "train/step/step.h"

#include <limits.h>
#include <math.h>

static const char TINY[] = "[model]\npreset = vit_tiny\nimage_size = 16\npatch_size = 4\ndim = 32\ndepth = 2\n"
                           "heads = 2\ndecoder_dim = 24\ndecoder_depth = 1\ndecoder_heads = 2\n"
                           "[train]\nglobal_batch = 24\n[log]\nrecon_images = 3\n";

/* `more`: keys separated by blanks, or NULL. */
static void read_config(void **state, Config *config, const char *more) {
    char path[TEMP_PATH * 2];
    FILE *out = fopen(temp_path(state, "plan.ini", path), "w");
    assert_non_null(out);
    fputs(TINY, out);
    assert_int_equal(fclose(out), 0);
    char copy[200], *sets[6];
    int count = 0;
    snprintf(copy, sizeof copy, "%s", more ? more : "");
    for (char *rest = copy, *set; (set = strtok_r(rest, " ", &rest));)
        sets[count++] = set;
    assert_fine(config_load(&train_config, config, path, sets, count, NULL));
}

static size_t group(const Arena *arena, const char *name) {
    for (int i = 0; i < arena->group_count; i++)
        if (strcmp(arena->groups[i].name, name) == 0)
            return arena->groups[i].bytes;
    return 0;
}

static void assert_sums_up(const Arena *arena) {
    size_t sum = 0;
    for (int i = 0; i < arena->group_count; i++)
        sum += arena->groups[i].bytes;
    assert_int_equal(sum, arena->used);
}

/* A device of plain memory that counts what is asked of it, and is not read by the host. */
static struct { size_t device, pinned; } taken;

static Status count_device(const Device *device, size_t bytes, const char *what, void **memory) {
    taken.device += bytes;
    return device_cpu()->allocate(device, bytes, what, memory);
}

static Status count_pinned(const Device *device, size_t bytes, const char *what, void **memory) {
    taken.pinned += bytes;
    return device_cpu()->allocate(device, bytes, what, memory);
}

static void taken_is_planned(void **state) {
    Device device = *device_cpu();
    device.host_memory = false;
    device.allocate = count_device;
    device.allocate_pinned = count_pinned;
    static const char *const precisions[] = {"train.precision=fp32", "train.precision=bf16", "train.precision=fp8"};
    for (int i = 0; i < 9; i++) {
        Config config;
        MemoryPlan plan;
        const MemoryBudget budget = {0};
        const int micro_batch = (const int[]){1, 3, 8}[i / 3];
        read_config(state, &config, precisions[i % 3]);
        assert_fine(memory_plan(&config, &budget, micro_batch, &plan));
        assert_sums_up(&plan.device);
        assert_sums_up(&plan.host);

        Ops ops;
        ops_cpu(&ops, 1);
        ops.device = &device;
        ops.type = model_shape_type(&config);
        const ModelShape shape = model_shape_of(&config, micro_batch);
        Objective *objective;
        const ObjectiveOptions own = {.shape = shape, .seed = 1};
        Optimizer *optimizer;
        Step *step;
        Health *health;
        CheckpointCopy copy;
        const OptimizerOptions options = {.layer_decay = 1, .layers = shape.depth};
        taken.device = taken.pinned = 0;
        assert_fine(mae_objective.open(&own, &ops, &objective));
        assert_int_equal(taken.device, plan.model);
        assert_fine(optimizer_open(&options, objective->params, &ops, &optimizer));
        assert_int_equal(taken.pinned, OPTIMIZER_MAX_IN_FLIGHT * sizeof(AdamwValues));
        assert_true(group(&plan.host, "optimizer's values") >= taken.pinned);
        taken.pinned = 0;
        const StepOptions step_options = {.objective = objective,
                                          .optimizer = optimizer,
                                          .ops = &ops,
                                          .global_batch = (int)config.train.global_batch,
                                          .micro_batch = micro_batch};
        assert_fine(step_open(&step_options, &step));
        assert_fine(health_open(objective, optimizer, &ops, &health));
        assert_int_equal(taken.device, plan.device.used - group(&plan.device, "kernels' scratch memory"));
        const size_t planned = group(&plan.host, "step's outcomes");
        assert_true(planned >= taken.pinned && planned - taken.pinned < 2 * 64); /* the arena's alignment */
        taken.pinned = 0;
        assert_fine(checkpoint_copy_open(&copy, objective->params));
        assert_int_equal(taken.pinned, group(&plan.host, "checkpoint's copy"));

        const Params *params = objective->params;
        assert_int_equal(group(&plan.device, "parameters"), params->total * sizeof(float));
        assert_int_equal(group(&plan.device, "their copies in BF16"), i % 3 ? params->total * sizeof(uint16_t) : 0);
        assert_true((group(&plan.device, "FP8: codes and scales") > 0) == (i % 3 == 2));
        assert_int_equal(group(&plan.device, "gradients"), params->trained * sizeof(float));
        assert_int_equal(group(&plan.device, "moments"), 2 * params->trained * sizeof(float));
        assert_int_equal(plan.params.total, params->total);
        checkpoint_copy_close(&copy);
        health_close(health);
        step_close(step);
        optimizer_close(optimizer);
        objective->close(objective);
    }
}

static size_t free_on(const Device *device) {
    size_t unused, total;
    assert_fine(device->memory(device, &unused, &total));
    return unused;
}

/* A linear probe has gradients and moments of the head and its norm alone: 2 x 32, 2, 32 and 32 values. */
static void what_is_frozen_takes_no_gradients(void **state) {
    static const struct {
        const char *sets;
        size_t trained; /* 0: everything */
    } cases[] = {{"train.objective=classify data.label=x", 0},
                 {"train.objective=classify data.label=x train.freeze_blocks=257", 64 + 16 + 32 + 32},
                 {"train.objective=classify data.label=x train.freeze_blocks=257 model.pool=cls", 64 + 16}};
    const MemoryBudget budget = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Config config;
        MemoryPlan plan;
        read_config(state, &config, cases[i].sets);
        assert_fine(memory_plan(&config, &budget, 4, &plan));
        const size_t trained = cases[i].trained ? cases[i].trained : plan.params.total;
        assert_int_equal(group(&plan.device, "parameters"), plan.params.total * sizeof(float));
        assert_int_equal(group(&plan.device, "gradients"), trained * sizeof(float));
        assert_int_equal(group(&plan.device, "moments"), 2 * trained * sizeof(float));
        assert_true(group(&plan.host, "checkpoint's copy") >= (plan.params.total + 2 * trained) * sizeof(float));
        assert_true(group(&plan.host, "checkpoint's copy") < (plan.params.total + 2 * trained + 48) * sizeof(float));
    }
}

/* A whole step on the emulated GPU, and a look at its layers and at whole images, allocates exactly what was planned:
 * no operation needs more scratch memory, and one of them needs all of it (in FP32: in BF16 that would be cuDNN's,
 * which the emulator lacks). */
static void emulated_step_takes_what_is_planned(void **state) {
    static const char *const shapes[] = {
        "train.precision=fp32",
        "train.precision=fp32",
        "train.precision=bf16",
        "train.precision=fp8",
        "model.patch_size=2",
        "model.dim=320",
        "model.dim=320 probe.train=x probe.val=x probe.label=x",
        "model.decoder_heads=8",
        "train.seed=2",      /* this one crops records itself, */
        "data.cache=device", /* this one and the last hold them */
        "train.objective=classify data.label=x train.precision=fp32",
        "train.objective=ordinal data.label=x model.dim=48 model.layer_scale=on train.freeze_blocks=1",
        "train.objective=multilabel data.label=x,y train.precision=fp8 model.depth=4 model.drop_path=0.3",
        "train.objective=regress data.label=x,y data.cache=device data.erase=0.5"};
    enum { RECORD = 40, HELD = 11, CROPS_ITSELF = 8, HOLDS = 9, LABELS = 40 };
    float labels[LABELS];
    for (int l = 0; l < LABELS; l++)
        labels[l] = (float)(l % 2);
    const int count = sizeof shapes / sizeof *shapes;
    for (int i = 0; i < count; i++) {
        Device *device;
        char *note;
        Status status = device_open(DEVICE_EMU, &device, &note);
        if (status_code(status) == EXIT_MISSING) {
            print_message("# %s\n", status_message(status));
            status_free(status);
            skip();
        }
        assert_fine(status);
        Config config;
        MemoryPlan plan;
        MemoryBudget budget;
        read_config(state, &config, shapes[i]);
        const int batch = 6;
        const bool holds = i == HOLDS || i == count - 1, crops_itself = i == CROPS_ITSELF || holds;
        assert_fine(memory_budget_open(device, &budget));
        RecordsPart part = {0};
        const Records packs = {.parts = &part, .part_count = crops_itself, .count = HELD, .side = RECORD};
        memory_budget_records(&budget, &config, &packs);
        assert_int_equal(budget.cached_records, holds ? HELD : 0);
        assert_int_equal(budget.free, free_on(device));
        assert_fine(memory_plan(&config, &budget, batch, &plan));

        Ops ops;
        device->operations(device, 1, &ops);
        ops.type = model_shape_type(&config);
        ModelShape shape = model_shape_of(&config, batch);
        memory_budget_to_shape(&budget, &shape);
        const ObjectiveKind *kind = objectives_find(&config);
        const int columns = kind->read ? shape_labels(&shape) : 1;
        const Targets targets = {.train = {.values = labels, .count = LABELS / columns, .columns = columns}};
        const OptimizerOptions options = {.beta1 = 0.9, .beta2 = 0.9, .eps = 1e-8, .layer_decay = 1, .layers = 2};
        Objective *objective;
        const ObjectiveOptions own = {.shape = shape,
                                      .look = {.erase = config.data.erase},
                                      .global_batch = batch,
                                      .seed = 1,
                                      .targets = &targets};
        Optimizer *optimizer;
        const size_t before = free_on(device), scratch = group(&plan.device, "kernels' scratch memory");
        assert_fine(kind->open(&own, &ops, &objective));
        assert_int_equal(before - free_on(device), plan.model);
        assert_fine(optimizer_open(&options, objective->params, &ops, &optimizer));
        const bool too_little = i == 1;
        assert_fine(device->reserve_scratch(device, plan.scratch - (too_little ? 256 : 0)));

        EvaluationImages images = drawn_images(batch);
        void *cached = NULL;
        if (holds)
            assert_fine(device->allocate(device, HELD * RECORD * RECORD * 3, "records", &cached));
        assert_int_equal(group(&plan.device, "packs' records"), holds ? HELD * RECORD * RECORD * 3 : 0);
        const StepOptions step_options = {.objective = objective,
                                          .optimizer = optimizer,
                                          .ops = &ops,
                                          .global_batch = batch,
                                          .micro_batch = batch,
                                          .capture = true,
                                          .cached_records = cached,
                                          .cached_count = HELD};
        static const uint8_t records[6 * RECORD * RECORD * 3];
        Crop crops[6];
        for (int c = 0; c < batch; c++)
            crops[c] = (Crop){c, 1, RECORD - c, RECORD - 2, c % 2 == 0};
        int32_t *extras = malloc((size_t)batch * (size_t)objective->extras * sizeof *extras);
        assert_non_null(extras);
        for (int m = 0; m < batch; m++)
            assert_fine(objective->draw_extra(objective, 0, images.records[m], extras + m * objective->extras));
        const PrefetchBatch samples = {.samples = crops_itself ? records : images.pixels,
                                       .extras = extras,
                                       .crops = crops_itself ? crops : NULL,
                                       .records = images.records};
        Step *step;
        StepState outcome;
        assert_fine(step_open(&step_options, &step));
        for (int number = 1; number <= 4; number++) {
            assert_fine(step_gradients(step, &samples));
            assert_fine(step_update(step, 1e-3, number));
            assert_fine(step_wait_oldest(step, &outcome));
            assert_false(outcome.halted);
        }
        float features[6 * 320];
        if (objective->shape->whole)
            assert_fine(objective->features(objective, &images, features));
        const LayerFigures *layers;
        int count;
        Health *health;
        assert_fine(health_open(objective, optimizer, &ops, &health));
        assert_fine(health_read(health, &layers, &count));
        const size_t used = before - free_on(device);
        if (too_little)
            assert_true(used > plan.device.used);
        else if (used != plan.device.used)
            fail_msg("%s: %zu bytes of device memory, %zu were planned", shapes[i], used, plan.device.used);
        assert_int_equal(plan.scratch, scratch);
        evaluation_images_close(&images);
        health_close(health);
        step_close(step);
        free(extras);
        device->release(device, cached);
        optimizer_close(optimizer);
        objective->close(objective);
        device_close(device);
    }
}

static size_t needed(const Config *config, const MemoryBudget *budget, int micro_batch) {
    MemoryPlan plan;
    assert_fine(memory_plan(config, budget, micro_batch, &plan));
    return memory_needed(&plan, budget);
}

static void largest_divisor_that_fits(void **state) {
    Config config;
    MemoryPlan plan;
    int micro_batch;
    read_config(state, &config, "train.micro_batch=auto");
    MemoryBudget budget = {.name = "a test", .margin = 1000, .host_free = SIZE_MAX};
    budget.free = needed(&config, &budget, 8) + budget.margin;
    assert_fine(memory_largest_micro_batch(&config, &budget, INT_MAX, &micro_batch));
    assert_int_equal(micro_batch, 8);
    assert_fine(memory_largest_micro_batch(&config, &budget, 7, &micro_batch));
    assert_int_equal(micro_batch, 6);
    budget.free--;
    assert_fine(memory_largest_micro_batch(&config, &budget, INT_MAX, &micro_batch));
    assert_int_equal(micro_batch, 6);
    assert_fine(memory_choose_micro_batch(&config, &budget, 0, &micro_batch));
    assert_int_equal(micro_batch, 6);

    /* What the run began with, while it fits. */
    assert_fine(memory_choose_micro_batch(&config, &budget, 3, &micro_batch));
    assert_int_equal(micro_batch, 3);
    assert_fine(memory_choose_micro_batch(&config, &budget, 12, &micro_batch));
    assert_int_equal(micro_batch, 6);

    assert_fine(memory_plan(&config, &budget, 6, &plan));
    assert_null(memory_check_fits(&config, &budget, &plan));
    assert_fine(memory_plan(&config, &budget, 12, &plan));
    assert_refused(memory_check_fits(&config, &budget, &plan), EXIT_NO_MEMORY, "fits is 6");
    budget.host_free = plan.host.used - 1;
    assert_refused(memory_check_fits(&config, &budget, &plan), EXIT_NO_MEMORY, "data.prefetch_batches");
    budget.host_free = SIZE_MAX;
    budget.free = needed(&config, &budget, 1) + budget.margin - 1;
    assert_refused(memory_check_fits(&config, &budget, &plan), EXIT_NO_MEMORY, "not even one image");
    assert_fine(memory_choose_micro_batch(&config, &budget, 0, &micro_batch));
    assert_int_equal(micro_batch, 1);

    budget.record = 40;
    budget.cached_records = 1000;
    assert_fine(memory_plan(&config, &budget, 1, &plan));
    assert_refused(memory_check_fits(&config, &budget, &plan), EXIT_NO_MEMORY,
                   "data.cache = page would keep 4.8 MB of records");
}

static void host_counts_where_memory_is_one(void **state) {
    Config config;
    MemoryPlan plan;
    read_config(state, &config, NULL);
    const MemoryBudget apart = {0}, unified = {.unified = true}, cpu = {.host_memory = true};
    assert_fine(memory_plan(&config, &apart, 4, &plan));
    assert_int_equal(memory_needed(&plan, &apart), plan.device.used);
    assert_int_equal(memory_needed(&plan, &unified), plan.device.used + plan.host.used);
    const size_t scratch = group(&plan.device, "kernels' scratch memory"), inputs = group(&plan.device, "inputs");
    assert_true(scratch > 0 && inputs > 0);
    assert_int_equal(needed(&config, &cpu, 4), plan.device.used + plan.host.used - scratch - inputs);
    /* Samples of 16 x 16 pixels, records, masks of 4 x 4 patches, and as many batches as the ring has. */
    const size_t mask = 16 * sizeof(int32_t);
    assert_int_equal(group(&plan.host, "ring of batches"), 3 * 24 * (16 * 16 * 3 + 8 + mask));
    /* Records that the device crops are there whole, with their crops, in the model's two input slots. */
    const MemoryBudget records = {.record = 40};
    assert_fine(memory_plan(&config, &records, 4, &plan));
    const size_t whole = 40 * 40 * 3, with_crops = 3 * 24 * (whole + 8 + mask + sizeof(Crop));
    assert_in_range(group(&plan.host, "ring of batches"), with_crops, with_crops + 63); /* a multiple of 64 */
    const size_t more = group(&plan.device, "inputs") - inputs, wanted = 2 * 4 * (whole - 16 * 16 * 3 + sizeof(Crop));
    assert_in_range(more, wanted, wanted + 2 * 63);
    /* Those that the device holds pass through a ring of their own; batches have numbers and crops. */
    const MemoryBudget caching = {.record = 40, .cached_records = 1000};
    assert_fine(memory_plan(&config, &caching, 4, &plan));
    assert_int_equal(group(&plan.device, "packs' records"), 1000 * whole);
    const size_t piece = 3 * 64 * (whole + 8), numbers = 3 * 24 * (8 + mask + sizeof(Crop));
    assert_in_range(group(&plan.host, "ring of batches"), piece + numbers, piece + numbers + 63);
    const size_t slots = group(&plan.device, "inputs") - inputs, least = 2 * 4 * (sizeof(int32_t) + sizeof(Crop));
    assert_in_range(slots, least, least + 4 * 63);
}

/* val.images and probe.images may be more than there are. */
static void images_that_are_not_there_take_nothing(void **state) {
    const MemoryBudget unknown = {0}, known = {.val_images = 10, .probe_images = {6, 5}};
    const size_t image = 16 * 16 * 3;
    Config config;
    MemoryPlan plan;
    read_config(state, &config, "data.val=x val.images=64 probe.train=x probe.val=x probe.label=x probe.images=8");
    assert_fine(memory_plan(&config, &unknown, 4, &plan));
    assert_int_equal(group(&plan.host, "evaluation images"), 64 * image);
    const size_t probe = group(&plan.host, "probe");
    assert_fine(memory_plan(&config, &known, 4, &plan));
    assert_int_equal(group(&plan.host, "evaluation images"), 10 * image);
    const size_t row = (32 + 16) * (sizeof(float) + sizeof(double));
    const size_t saved = probe - group(&plan.host, "probe"), wanted = (16 - 11) * (image + row);
    assert_in_range(saved, wanted - 127, wanted + 127); /* two pieces, each a multiple of 64 */
}

static void the_cpu_takes_at_most_64(void **state) {
    Config config;
    int micro_batch;
    read_config(state, &config, "train.micro_batch=auto");
    const MemoryBudget cpu = {.host_memory = true, .free = SIZE_MAX}, gpu = {.free = SIZE_MAX, .host_free = SIZE_MAX};
    config.train.global_batch = 192;
    assert_fine(memory_choose_micro_batch(&config, &cpu, 0, &micro_batch));
    assert_int_equal(micro_batch, 64);
    assert_fine(memory_choose_micro_batch(&config, &gpu, 0, &micro_batch));
    assert_int_equal(micro_batch, 192);
    config.train.micro_batch = 0;
    assert_fine(memory_choose_micro_batch(&config, &cpu, 3, &micro_batch));
    assert_int_equal(micro_batch, 192);
}

static void known_gpus(void **state) {
    (void)state;
    const KnownGpu *gpu;
    MemoryBudget budget;
    assert_fine(known_gpu_find("h200", &gpu));
    memory_budget_known(gpu, &budget);
    assert_true(budget.total > 139e9 && budget.total < 151e9 && budget.free < budget.total &&
                budget.workspace == 128 << 20);
    assert_false(budget.unified);
    assert_fine(known_gpu_find("spark", &gpu));
    assert_true(gpu->unified);
    assert_refused(known_gpu_find("h2000", &gpu), EXIT_USAGE, "h200,");
}

/* GFLOP of the published models, worked out by hand from the formula for 224 pixels and the decoder of 8 blocks of 512,
 * to two decimals. */
static void work_is_the_tables(void **state) {
    (void)state;
    static const struct {
        int dim, depth, heads, patch;
        double forward, training;
    } table[] = {
        {192, 12, 3, 16, 11.28, 33.84},    {384, 12, 6, 16, 12.92, 38.74},    {768, 12, 12, 16, 19.39, 58.11},
        {1024, 24, 16, 16, 41.28, 123.76}, {1280, 32, 16, 16, 74.19, 222.48}, {1280, 32, 16, 14, 96.83, 290.41},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const ModelShape shape = {.image_size = 224,
                                  .patch_size = table[i].patch,
                                  .dim = table[i].dim,
                                  .depth = table[i].depth,
                                  .heads = table[i].heads,
                                  .decoder_dim = 512,
                                  .decoder_depth = 8,
                                  .decoder_heads = 16,
                                  .mlp_ratio = 4,
                                  .mask_ratio = 0.75};
        assert_true(fabs(flops_forward(&shape) / 1e9 - table[i].forward) < 0.0051);
        assert_true(fabs(flops_training(&shape) / 1e9 - table[i].training) < 0.0051);
    }
    /* A ViT-B/16 with a head of 1000 classes, by hand: 2 196 768 768 for the patches, 24 197 768^2 + 4 197^2 768 a
     * block, 2 768 1000 for the head. */
    const ModelShape vit = {
        .image_size = 224, .patch_size = 16, .dim = 768, .depth = 12, .heads = 12, .mlp_ratio = 4, .classes = 1000};
    assert_true(fabs(flops_forward(&vit) / 1e9 - 35.13) < 0.0051);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken_is_planned),
        cmocka_unit_test(what_is_frozen_takes_no_gradients),
        cmocka_unit_test(emulated_step_takes_what_is_planned),
        cmocka_unit_test(largest_divisor_that_fits),
        cmocka_unit_test(host_counts_where_memory_is_one),
        cmocka_unit_test(images_that_are_not_there_take_nothing),
        cmocka_unit_test(the_cpu_takes_at_most_64),
        cmocka_unit_test(known_gpus),
        cmocka_unit_test(work_is_the_tables),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
