/* SPDX-License-Identifier: Apache-2.0 */
#include "train/monitor/judge.h"

#include "base/list.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char DEAD[] = "dead", EXPLODING[] = "exploding", NOT_FINITE[] = "not finite",
                  ONE_TOKEN[] = "attention on one token";

/* A line that is being judged. */
typedef struct {
    Judge *judge;
    int64_t step;
    const LayerFigures *layers;
    int count;
    Status status; /* of the first failure */
} Line;

static RunFinding *find_finding(const Judge *judge, const char *layer, const char *what) {
    for (int64_t i = 0; i < judge->finding_count; i++)
        if (strcmp(judge->findings[i].layer, layer) == 0 && judge->findings[i].what == what)
            return &judge->findings[i];
    return NULL;
}

/* Whether it is so in the line that is being judged, as far as that has been judged. */
static bool is_open(const Judge *judge, const char *layer, const char *what) {
    const RunFinding *finding = find_finding(judge, layer, what);
    return finding && finding->until < 0;
}

/* The finding of that layer, a new one at first. */
static Status reach_finding(Judge *judge, const char *layer, const char *what, int64_t since, RunFinding **finding) {
    *finding = find_finding(judge, layer, what);
    if (*finding)
        return NULL;
    TRY(list_grow(&judge->findings, judge->finding_count, &judge->finding_capacity, sizeof *judge->findings,
                  "the monitors' findings"));
    *finding = &judge->findings[judge->finding_count++];
    **finding = (RunFinding){.what = what, .since = since};
    snprintf((*finding)->layer, sizeof(*finding)->layer, "%s", layer);
    return NULL;
}

__attribute__((format(printf, 5, 6))) static void raise_finding(Line *line, const char *layer, const char *what,
                                                                int64_t since, const char *format, ...) {
    RunFinding *finding;
    if (line->status)
        return;
    line->status = reach_finding(line->judge, layer, what, since, &finding);
    if (line->status)
        return;
    finding->until = -1;
    if (finding->detail[0])
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->detail, sizeof finding->detail, format, arguments);
    va_end(arguments);
}

static Status reach_layer(Judge *judge, const char *name, JudgedLayer **layer) {
    for (int64_t i = 0; i < judge->layer_count; i++)
        if (strcmp(judge->layers[i].name, name) == 0) {
            *layer = &judge->layers[i];
            return NULL;
        }
    TRY(list_grow(&judge->layers, judge->layer_count, &judge->layer_capacity, sizeof *judge->layers,
                  "the monitored layers"));
    *layer = &judge->layers[judge->layer_count++];
    **layer = (JudgedLayer){.weights = NAN, .activations = NAN};
    snprintf((*layer)->name, sizeof(*layer)->name, "%s", name);
    return NULL;
}

static float clamp(float value, float least, float most) {
    return value < least ? least : value > most ? most : value;
}

static int by_size(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The median rms of the weights of the other blocks of a block's stack; NAN: it is no block, or the only one. */
static Status find_peers(const Line *line, int index, float *median) {
    const char *name = line->layers[index].name, *dot = strrchr(name, '.');
    *median = NAN;
    if (!dot)
        return NULL;
    float *peers = malloc((size_t)line->count * sizeof *peers);
    size_t count = 0;
    if (!peers)
        return status_no_memory("the monitored layers", (size_t)line->count * sizeof *peers);
    for (int i = 0; i < line->count; i++)
        if (i != index && strncmp(line->layers[i].name, name, (size_t)(dot - name) + 1) == 0)
            peers[count++] = line->layers[i].weights.rms;
    qsort(peers, count, sizeof *peers, by_size);
    if (count)
        *median = peers[(count - 1) / 2];
    free(peers);
    return NULL;
}

/* The first layer is named: the others' values follow from its. Gradients are computed from the last layer to the
 * first.
 */
static void judge_finite(Line *line) {
    for (int i = 0; i < line->count; i++)
        if (line->layers[i].weights.not_finite > 0) {
            raise_finding(line, line->layers[i].name, NOT_FINITE, line->step, "%.3g%% of its weights",
                          100.0 * line->layers[i].weights.not_finite);
            return;
        }
    for (int i = 0; i < line->count; i++)
        if (line->layers[i].activations.not_finite > 0) {
            raise_finding(line, line->layers[i].name, NOT_FINITE, line->step, "%.3g%% of its activations",
                          100.0 * line->layers[i].activations.not_finite);
            return;
        }
    for (int i = line->count - 1; i >= 0; i--)
        if (line->layers[i].gradients.not_finite > 0) {
            raise_finding(line, line->layers[i].name, NOT_FINITE, line->step, "%.3g%% of its gradients",
                          100.0 * line->layers[i].gradients.not_finite);
            return;
        }
}

/* What a layer began with says nothing where that had exploded: then it is what healthy layers have. */
static void raise_size(Line *line, const char *layer, const char *values, float rms, float first, float most,
                       float factor) {
    const bool healthy = first <= most;
    raise_finding(line, layer, EXPLODING, line->step, "the rms of its %s is %.3g, %s%.3g%s", values, (double)rms,
                  healthy ? "" : "that of healthy ones at most ", (double)(healthy ? first : factor * most),
                  healthy ? " at first" : "");
}

/* Weights explode in each layer by themselves. Activations are those of the first layer in which they do: those behind
 * it compute from them. What holds a layer dead, such as a bias of -1000, is no explosion. */
static void judge_size(Line *line) {
    bool above = false;
    for (int i = 0; i < line->count && !line->status; i++) {
        const LayerFigures *layer = &line->layers[i];
        JudgedLayer *known;
        float peers;
        line->status = reach_layer(line->judge, layer->name, &known);
        if (!line->status)
            line->status = find_peers(line, i, &peers);
        if (line->status)
            return;
        const float first = isnan(known->weights) ? layer->weights.rms : known->weights;
        const float before = clamp(first, JUDGE_WEIGHTS_LEAST, JUDGE_WEIGHTS_MOST);
        const float others = isnan(peers) ? INFINITY : clamp(peers, JUDGE_WEIGHTS_LEAST, INFINITY);
        const float entry = isnan(known->activations) ? layer->activations.rms : known->activations;
        const float normal = clamp(entry, JUDGE_ACTIVATIONS_LEAST, JUDGE_ACTIVATIONS_MOST);
        if (layer->weights.rms > JUDGE_WEIGHTS_FACTOR * before)
            raise_size(line, layer->name, "weights", layer->weights.rms, first, JUDGE_WEIGHTS_MOST,
                       JUDGE_WEIGHTS_FACTOR);
        else if (layer->weights.rms > JUDGE_WEIGHTS_FACTOR * others)
            raise_finding(line, layer->name, EXPLODING, line->step,
                          "the rms of its weights is %.3g, that of other blocks %.3g", (double)layer->weights.rms,
                          (double)peers);
        else if (!above && !is_open(line->judge, layer->name, DEAD) &&
                 layer->activations.rms > JUDGE_ACTIVATIONS_FACTOR * normal)
            raise_size(line, layer->name, "activations", layer->activations.rms, entry, JUDGE_ACTIVATIONS_MOST,
                       JUDGE_ACTIVATIONS_FACTOR);
        above |= is_open(line->judge, layer->name, EXPLODING);
        known->weights = first;
        if (layer->activations.known)
            known->activations = entry;
    }
}

/* A gradient of zero in one line alone is no fault: behind a head that starts at zero there is none in the first step.
 */
static void judge_life(Line *line, const LayerFigures *layer) {
    JudgedLayer *known;
    if (line->status)
        return;
    line->status = reach_layer(line->judge, layer->name, &known);
    if (line->status)
        return;
    const bool silent = layer->gradients.known && layer->gradients.zero >= JUDGE_ZERO;
    const int64_t since = known->silent;
    known->silent = !silent ? 0 : since ? since : line->step;
    if (layer->idle >= JUDGE_IDLE)
        raise_finding(line, layer->name, DEAD, line->step, "%.0f%% of its MLP's units are activated by no token",
                      100.0 * layer->idle);
    else if (layer->activations.known && layer->activations.zero >= JUDGE_ZERO)
        raise_finding(line, layer->name, DEAD, line->step, "%.0f%% of an activation is 0",
                      100.0 * layer->activations.zero);
    else if (layer->weights.zero >= JUDGE_ZERO)
        raise_finding(line, layer->name, DEAD, line->step, "%.0f%% of its weights are 0", 100.0 * layer->weights.zero);
    else if (silent && since)
        raise_finding(line, layer->name, DEAD, since, "%.0f%% of its gradient is 0", 100.0 * layer->gradients.zero);
}

static void judge_attention(Line *line, const LayerFigures *layer) {
    if (layer->peaks >= JUDGE_PEAKS) /* never with NAN */
        raise_finding(line, layer->name, ONE_TOKEN, line->step,
                      "%.0f%% of its queries see one token each, %.0f%% the same", 100.0 * layer->peaks,
                      100.0 * layer->same_peak);
}

Status judge_take(void *context, int64_t step, const LayerFigures *layers, int count) {
    Judge *judge = context;
    Line line = {.judge = judge, .step = step, .layers = layers, .count = count};
    for (int64_t i = 0; i < judge->finding_count; i++) {
        RunFinding *finding = &judge->findings[i];
        if (finding->until < 0) /* unless it is raised again */
            finding->until = judge->step > finding->since ? judge->step : finding->since;
    }
    judge_finite(&line);
    for (int i = 0; i < count; i++) {
        judge_life(&line, &layers[i]);
        judge_attention(&line, &layers[i]);
    }
    judge_size(&line);
    judge->step = step;
    return line.status;
}

Status judge_add_guards(Judge *judge, const char *layer, const char *tensor, int64_t step) {
    RunFinding *finding;
    TRY(reach_finding(judge, layer, NOT_FINITE, step, &finding));
    finding->until = step;
    finding->of_guard = true;
    snprintf(finding->detail, sizeof finding->detail, "%s", tensor);
    return NULL;
}

void judge_rewind(Judge *judge) {
    int64_t kept = 0;
    for (int64_t i = 0; i < judge->finding_count; i++)
        if (judge->findings[i].of_guard)
            judge->findings[kept++] = judge->findings[i];
    judge->finding_count = kept;
    judge->layer_count = 0;
    judge->step = 0;
}

void judge_close(Judge *judge) {
    free(judge->layers);
    free(judge->findings);
    *judge = (Judge){0};
}

void judge_layer_name(const char *tensor, char name[64]) {
    const char *end = strchr(tensor, '.'), *number = end;
    if (end && isdigit((unsigned char)end[1]))
        end = strchr(end + 1, '.');
    if (!end)
        end = tensor + strlen(tensor);
    snprintf(name, 64, "%.*s", (int)(end - tensor), tensor);
    if (strcmp(end, ".input") != 0)
        return;
    const int block = atoi(number + 1);
    if (block > 0)
        snprintf(name, 64, "%.*s.%d", (int)(number - tensor), tensor, block - 1);
    else
        snprintf(name, 64, "%s", strncmp(tensor, "decoder_", 8) == 0 ? "decoder_embed" : "patch_embed");
}

/* "block 9" of "blocks.9", "decoder block 3" of "decoder_blocks.3"; other names stay. */
static void print_layer(const char *name, char text[64]) {
    static const char stack[] = "blocks.", decoder[] = "decoder_blocks.";
    if (strncmp(name, stack, sizeof stack - 1) == 0)
        snprintf(text, 64, "block %s", name + sizeof stack - 1);
    else if (strncmp(name, decoder, sizeof decoder - 1) == 0)
        snprintf(text, 64, "decoder block %s", name + sizeof decoder - 1);
    else
        snprintf(text, 64, "%s", name);
}

/* What the user can do. */
static const char *find_remedy(const char *what) {
    return what == DEAD        ? "restart with a lower optim.base_lr, or from other weights"
           : what == ONE_TOKEN ? "restart with a lower optim.base_lr, or a longer optim.warmup_epochs"
                               : "restart with a lower optim.base_lr, with optim.clip, or from other weights";
}

void judge_print(const RunFinding *finding, char text[JUDGE_TEXT]) {
    char layer[64], when[64];
    print_layer(finding->layer, layer);
    if (finding->until < 0)
        snprintf(when, sizeof when, "since step %" PRId64, finding->since);
    else if (finding->until == finding->since)
        snprintf(when, sizeof when, "at step %" PRId64, finding->since);
    else
        snprintf(when, sizeof when, "from step %" PRId64 " to %" PRId64, finding->since, finding->until);
    snprintf(text, JUDGE_TEXT, "%s: %s %s (%s); %s", layer, finding->what, when, finding->detail,
             find_remedy(finding->what));
}
