/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir/layer_figures.h"

#include "base/files.h"
#include "base/text.h"

#include <cJSON.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *key;
    size_t offset; /* of a LayerSpread in LayerFigures */
} spreads[] = {{"weights", offsetof(LayerFigures, weights)},
               {"activations", offsetof(LayerFigures, activations)},
               {"gradients", offsetof(LayerFigures, gradients)}};
enum { SPREADS = sizeof spreads / sizeof *spreads };

static const struct {
    const char *key;
    size_t offset; /* of a float in LayerSpread */
} shares[] = {{"rms", offsetof(LayerSpread, rms)},
              {"largest", offsetof(LayerSpread, largest)},
              {"zero", offsetof(LayerSpread, zero)},
              {"not_finite", offsetof(LayerSpread, not_finite)}};
enum { SHARES = sizeof shares / sizeof *shares };

static const struct {
    const char *key;
    size_t offset; /* of a float in LayerFigures; not written where it is NAN */
} figures[] = {{"update", offsetof(LayerFigures, update)},
               {"attention_peaks", offsetof(LayerFigures, peaks)},
               {"attention_same_peak", offsetof(LayerFigures, same_peak)},
               {"idle_units", offsetof(LayerFigures, idle)}};
enum { FIGURES = sizeof figures / sizeof *figures };

static float *float_at(const void *structure, size_t offset) {
    return (float *)((uintptr_t)structure + offset);
}

static LayerSpread *spread_at(const LayerFigures *layer, int i) {
    return (LayerSpread *)((uintptr_t)layer + spreads[i].offset);
}

void layer_figures_print(const LayerFigures *layers, int count, Json *json) {
    json_object(json, "layers", JSON_LINE);
    for (int i = 0; i < count; i++) {
        json_object(json, layers[i].name, JSON_LINE);
        for (int j = 0; j < SPREADS; j++) {
            const LayerSpread *spread = spread_at(&layers[i], j);
            if (!spread->known)
                continue;
            json_object(json, spreads[j].key, JSON_LINE);
            for (int k = 0; k < SHARES; k++)
                json_real(json, shares[k].key, *float_at(spread, shares[k].offset));
            json_end(json);
        }
        for (int j = 0; j < FIGURES; j++)
            if (!isnan(*float_at(&layers[i], figures[j].offset)))
                json_real(json, figures[j].key, *float_at(&layers[i], figures[j].offset));
        json_end(json);
    }
    json_end(json);
}

static float read_float(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? (float)item->valuedouble : NAN;
}

static void read_layer(const cJSON *object, LayerFigures *layer) {
    snprintf(layer->name, sizeof layer->name, "%s", object->string);
    for (int i = 0; i < SPREADS; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, spreads[i].key);
        LayerSpread *spread = spread_at(layer, i);
        *spread = (LayerSpread){.known = cJSON_IsObject(item)};
        for (int j = 0; j < SHARES && spread->known; j++)
            *float_at(spread, shares[j].offset) = read_float(item, shares[j].key);
    }
    for (int i = 0; i < FIGURES; i++)
        *float_at(layer, figures[i].offset) = read_float(object, figures[i].key);
}

static Status take_line(const TextLine *line, LayerFiguresTake take, void *context) {
    cJSON *object = cJSON_ParseWithLength(line->start, line->length);
    const cJSON *step = cJSON_GetObjectItemCaseSensitive(object, "step"), *item;
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, "layers");
    const int count = cJSON_IsNumber(step) && cJSON_IsObject(list) ? cJSON_GetArraySize(list) : 0;
    LayerFigures *layers = count ? calloc((size_t)count, sizeof *layers) : NULL;
    Status status = count && !layers ? status_no_memory("the figures of layers", (size_t)count * sizeof *layers) : NULL;
    if (layers) {
        int read = 0;
        cJSON_ArrayForEach(item, list) read_layer(item, &layers[read++]);
        status = take(context, (int64_t)step->valuedouble, layers, count);
    }
    free(layers);
    cJSON_Delete(object);
    return status;
}

Status layer_figures_read(const char *path, LayerFiguresTake take, void *context) {
    char *text;
    size_t size;
    if (!files_exists(path))
        return NULL;
    TRY(files_read(path, &text, &size));
    Status status = NULL;
    TextLine line;
    for (const char *at = text; !status && text_next_line(&at, text + size, &line);)
        status = take_line(&line, take, context);
    free(text);
    return status;
}
