/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/initial.h"
#include "base/text_writer.h"
#include "checkpoint/initial/positions.h"
#include "checkpoint/weights.h"
#include "device/device.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED = 8, SHAPE_TEXT = 64 };

typedef struct {
    const Params *params;
    const InitialOptions *options;
    Weights *weights;
    bool antialias;
    InitialState *of_param;  /* [params->count] */
    InitialState *of_weight; /* [weights_count()] loaded where a parameter has its name */
    InitialTable *table;
} Initial;

bool initial_is_named(const char *name, const char *piece) {
    const size_t length = strlen(piece);
    return length && strncmp(name, piece, length) == 0 && strchr("._", name[length]) != NULL;
}

static bool is_fresh(const InitialOptions *options, const char *name) {
    for (int i = 0; i < options->fresh_count; i++)
        if (initial_is_named(name, options->fresh[i]))
            return true;
    return false;
}

/* Parts that one of the known models has and another lacks; the rest compute the same without them. */
static bool is_known_part(const char *name) {
    static const char *const parts[] = {"decoder", "mask_token", "norm", "fc_norm", "head", "dino_head", "ibot_head"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (initial_is_named(name, parts[i]))
            return true;
    return false;
}

static bool is_real(TensorType type) {
    return type == TYPE_F32 || type == TYPE_F64 || type == TYPE_F16 || type == TYPE_BF16;
}

static bool is_position(const char *name) {
    return strcmp(name, "pos_embed") == 0 || strcmp(name, "decoder_pos_embed") == 0;
}

static InitialState compare_shapes(const Param *param, const Tensor *tensor) {
    bool same = is_real(tensor->type) && tensor->dims == param->dims;
    for (int i = 0; i < param->dims && same; i++)
        same = tensor->shape[i] == param->shape[i];
    if (same)
        return INITIAL_LOADED;
    if (is_real(tensor->type) && is_position(param->name) && tensor->dims == 3 && param->dims == 3 &&
        tensor->shape[0] == 1 && tensor->shape[2] == param->shape[2] && positions_grid(tensor->shape[1]) &&
        positions_grid(param->shape[1]))
        return INITIAL_RESIZED;
    return INITIAL_MISFIT;
}

static void sort_out(Initial *initial) {
    for (int i = 0; i < initial->params->count; i++) {
        const Param *param = &initial->params->list[i];
        const Tensor *tensor = weights_find(initial->weights, param->name);
        InitialState state = tensor ? compare_shapes(param, tensor) : INITIAL_MISSING;
        if (is_fresh(initial->options, param->name)) {
            state = INITIAL_FRESH;
            params_add_fresh(initial->params, i);
        }
        initial->of_param[i] = state;
        initial->table->counts[state]++;
    }
    for (int i = 0; i < weights_count(initial->weights); i++) {
        const char *name = weights_at(initial->weights, i)->name;
        initial->of_weight[i] = INITIAL_LOADED;
        if (params_find(initial->params, name))
            continue;
        initial->of_weight[i] = is_known_part(name) ? INITIAL_UNUSED : INITIAL_UNEXPECTED;
        initial->table->counts[initial->of_weight[i]]++;
    }
}

static const char *print_shape(int dims, const int64_t *shape, char text[SHAPE_TEXT]) {
    size_t used = 0;
    for (int i = 0; i < dims && used < SHAPE_TEXT; i++)
        used += (size_t)snprintf(text + used, SHAPE_TEXT - used, "%s%lld", i ? ", " : "", (long long)shape[i]);
    if (!dims)
        *text = '\0';
    return text;
}

static void print_both_shapes(const Initial *initial, const Param *param, FILE *out) {
    const Tensor *tensor = weights_find(initial->weights, param->name);
    char from[SHAPE_TEXT], to[SHAPE_TEXT];
    fprintf(out, "%s%s [%s], here [%s]", is_real(tensor->type) ? "" : " ",
            is_real(tensor->type) ? "" : tensor_type_name(tensor->type), print_shape(tensor->dims, tensor->shape, from),
            print_shape(param->dims, param->shape, to));
}

/* The names of the tensors in a state, the first few of them. */
static void print_names(const Initial *initial, InitialState state, FILE *out) {
    const bool of_file = state == INITIAL_UNUSED || state == INITIAL_UNEXPECTED;
    const int count = of_file ? weights_count(initial->weights) : initial->params->count;
    int listed = 0;
    for (int i = 0; i < count; i++) {
        if ((of_file ? initial->of_weight : initial->of_param)[i] != state)
            continue;
        if (listed++ == LISTED) {
            fputs(", ...", out);
            return;
        }
        fprintf(out, "%s%s", listed > 1 ? ", " : "",
                of_file ? weights_at(initial->weights, i)->name : initial->params->list[i].name);
        if (state == INITIAL_RESIZED || state == INITIAL_MISFIT)
            print_both_shapes(initial, &initial->params->list[i], out);
    }
}

static void print_table(const Initial *initial, FILE *out) {
    static const char *const sources[] = {"MAE", "timm", "DINOv2", "Hugging Face"};
    static const char *const states[INITIAL_STATES] = {"loaded",  "resized",    "fresh", "not used",
                                                       "missing", "unexpected", "misfit"};
    fprintf(out, "weights     %s, named as %s names them\n", weights_path(initial->weights),
            sources[weights_source(initial->weights)]);
    for (int i = 0; i < INITIAL_STATES; i++) {
        if (!initial->table->counts[i])
            continue;
        fprintf(out, "%-10s  %d", states[i], initial->table->counts[i]);
        if (i != INITIAL_LOADED) {
            fputs(": ", out);
            print_names(initial, (InitialState)i, out);
        }
        if (i == INITIAL_RESIZED)
            fprintf(out, ", %s", initial->antialias ? "antialias" : "bicubic");
        fputc('\n', out);
    }
}

/* What is wrong in one line; NULL when nothing is. */
static Status check_table(const Initial *initial) {
    static const struct {
        InitialState state;
        const char *what;
    } faults[] = {{INITIAL_MISFIT, "tensors with another shape or type"},
                  {INITIAL_MISSING, "tensors of the model that are missing"},
                  {INITIAL_UNEXPECTED, "tensors that the model does not have"}};
    const int *counts = initial->table->counts;
    if (!counts[INITIAL_LOADED] && !counts[INITIAL_RESIZED])
        return status_error(EXIT_DATA, "%s: no tensor is the model's: its first is \"%s\", the model's \"%s\"",
                            weights_path(initial->weights), weights_at(initial->weights, 0)->name,
                            initial->params->list[0].name);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        TextWriter names;
        char *text;
        if (!counts[faults[i].state])
            continue;
        TRY(text_writer_open(&names, "a list of tensors"));
        print_names(initial, faults[i].state, names.out);
        TRY(text_writer_take(&names, &text));
        Status status = status_error(EXIT_DATA, "%s: %s: %s", weights_path(initial->weights), faults[i].what, text);
        free(text);
        return status;
    }
    return NULL;
}

static float half_to_float(uint16_t half) {
    const int exponent = half >> 10 & 31, mantissa = half & 1023;
    double value = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    if (exponent == 31)
        value = mantissa ? NAN : INFINITY;
    return (float)(half & 0x8000 ? -value : value);
}

/* Element `i` of a tensor in any alignment. */
static float read_element(const Tensor *tensor, size_t i) {
    const char *data = tensor->data;
    uint16_t half;
    uint32_t bits;
    float single;
    double real;
    switch (tensor->type) {
    case TYPE_F64:
        memcpy(&real, data + 8 * i, 8);
        return (float)real;
    case TYPE_F16:
        memcpy(&half, data + 2 * i, 2);
        return half_to_float(half);
    case TYPE_BF16:
        memcpy(&half, data + 2 * i, 2);
        bits = (uint32_t)half << 16;
        memcpy(&single, &bits, 4);
        return single;
    default:
        memcpy(&single, data + 4 * i, 4);
        return single;
    }
}

static Status widen_tensor(const Initial *initial, const Tensor *tensor, float *values) {
    int64_t wrong = 0;
    for (int64_t i = 0; i < tensor->count; i++) {
        values[i] = read_element(tensor, (size_t)i);
        wrong += !isfinite(values[i]);
    }
    if (wrong)
        return status_error(EXIT_DATA, "%s: tensor \"%s\" has %lld value%s not finite; use other weights",
                            weights_path(initial->weights), tensor->name, (long long)wrong,
                            wrong == 1 ? " that is" : "s that are");
    return NULL;
}

/* The parameter's values in *values, the caller's. */
static Status make_values(const Initial *initial, const Param *param, float **values) {
    const Tensor *tensor = weights_find(initial->weights, param->name);
    const int from = positions_grid(tensor->dims == 3 ? tensor->shape[1] : 0), dim = (int)param->shape[param->dims - 1];
    const size_t count = (size_t)(tensor->count > (int64_t)param->count ? tensor->count : (int64_t)param->count);
    const bool resized = initial->of_param[param - initial->params->list] == INITIAL_RESIZED;
    *values = malloc(count * sizeof **values);
    if (!*values)
        return status_no_memory(param->name, count * sizeof **values);
    TRY(widen_tensor(initial, tensor, *values));
    if (!resized)
        return NULL;
    float *resize = malloc(count * sizeof *resize);
    if (!resize)
        return status_no_memory(param->name, count * sizeof *resize);
    memcpy(resize, *values, (size_t)dim * sizeof *resize); /* the class token's */
    Status status =
        positions_resize(*values + dim, from, resize + dim, positions_grid(param->shape[1]), dim, initial->antialias);
    free(*values);
    *values = resize;
    return status;
}

/* Visits the parameters that the file has: first only to see that their values are finite. */
static Status load_values(const Initial *initial, bool write) {
    for (int i = 0; i < initial->params->count; i++) {
        const Param *param = &initial->params->list[i];
        float *values = NULL;
        if (initial->of_param[i] != INITIAL_LOADED && initial->of_param[i] != INITIAL_RESIZED)
            continue;
        Status status = make_values(initial, param, &values);
        if (!status && write)
            status = device_write(initial->params->device, initial->params->value + param->offset, values,
                                  param->count * sizeof *values);
        free(values);
        TRY(status);
    }
    return NULL;
}

static Status read_initial(Initial *initial, FILE *out) {
    initial->of_param = calloc((size_t)initial->params->count + 1, sizeof *initial->of_param);
    initial->of_weight = calloc((size_t)weights_count(initial->weights) + 1, sizeof *initial->of_weight);
    if (!initial->of_param || !initial->of_weight)
        return status_no_memory("a table of tensors", 0);
    TRY(weights_check_parts(initial->weights));
    sort_out(initial);
    if (out)
        print_table(initial, out);
    TRY(check_table(initial));
    TRY(load_values(initial, false));
    TRY(load_values(initial, true));
    return weights_digest(initial->weights, initial->table->sha256);
}

Status initial_read(const Params *params, const InitialOptions *options, FILE *out, InitialTable *table) {
    *table = (InitialTable){0};
    Initial initial = {.params = params, .options = options, .table = table};
    TRY(weights_open(options->path, options->key, &initial.weights));
    const WeightsSource source = weights_source(initial.weights);
    initial.antialias =
        options->resize == RESIZE_ANTIALIAS ||
        (options->resize == RESIZE_BY_SOURCE && (source == WEIGHTS_OF_TIMM || source == WEIGHTS_OF_DINOV2));
    Status status = read_initial(&initial, out);
    free(initial.of_param);
    free(initial.of_weight);
    weights_close(initial.weights);
    return status;
}
