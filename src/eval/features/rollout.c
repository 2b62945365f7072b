/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/features/rollout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The blocks' attention, as a forward pass shows it. */
typedef struct {
    const Ops *ops;
    int threads, tokens, dim, heads, depth;
    int seen;          /* blocks */
    float *qkv;        /* [tokens][3 dim], of one block */
    double *scores;    /* [tokens][tokens], a row for each query at work */
    double *attention; /* [depth][tokens][tokens], means over heads */
    Status status;
} Watch;

static double dot(const float *a, const float *b, int count) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < count; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

/* Adds one head's softmax of a query's scores, times `weight`, to `row`. */
static void add_softmax(double *scores, int tokens, double weight, double *row) {
    double most = -INFINITY, sum = 0;
    for (int j = 0; j < tokens; j++)
        most = fmax(most, scores[j]);
    for (int j = 0; j < tokens; j++)
        sum += scores[j] = exp(scores[j] - most);
    for (int j = 0; j < tokens; j++)
        row[j] += weight * scores[j] / sum;
}

/* Of the block in w->qkv. */
static void compute_attention(const Watch *w, double *attention) {
    const int tokens = w->tokens, head = w->dim / w->heads;
    const double scale = 1 / sqrt(head);
    const size_t stride = 3 * (size_t)w->dim;
    memset(attention, 0, (size_t)tokens * (size_t)tokens * sizeof *attention);
#pragma omp parallel for num_threads(w->threads)
    for (int i = 0; i < tokens; i++) {
        double *scores = w->scores + (size_t)i * (size_t)tokens;
        for (int h = 0; h < w->heads; h++) {
            const float *q = w->qkv + (size_t)i * stride + h * head, *k = w->qkv + w->dim + h * head;
            for (int j = 0; j < tokens; j++)
                scores[j] = scale * dot(q, k + (size_t)j * stride, head);
            add_softmax(scores, tokens, 1.0 / w->heads, attention + (size_t)i * (size_t)tokens);
        }
    }
}

static bool keep_attention(void *context, const VisitedTensor *tensor) {
    Watch *w = context;
    const size_t tokens = (size_t)w->tokens;
    w->status = model_read(w->ops, tensor->attention->qkv, tokens * 3 * (size_t)w->dim, w->qkv);
    if (!w->status)
        compute_attention(w, w->attention + (size_t)w->seen++ * tokens * tokens);
    return !w->status;
}

/* Of which tokens' mean the features are made. */
static void set_readers(TaskFeatures features, int tokens, double *row) {
    const double cls = features == TASK_CLS ? 1 : features == TASK_CLS_MEAN ? 0.5 : 0;
    row[0] = cls;
    for (int j = 1; j < tokens; j++)
        row[j] = (1 - cls) / (tokens - 1);
}

/* `row` becomes row (0.5 A + 0.5 I). One row of the product is wanted: from the last block to the first it takes
 * `tokens` times less work than the whole. */
static void pass_back(const double *attention, int tokens, double *row, double *before) {
    for (int j = 0; j < tokens; j++)
        before[j] = 0.5 * row[j];
    for (int i = 0; i < tokens; i++)
        for (int j = 0; j < tokens; j++)
            before[j] += 0.5 * row[i] * attention[(size_t)i * (size_t)tokens + (size_t)j];
    memcpy(row, before, (size_t)tokens * sizeof *row);
}

static Status open_watch(const Encoder *encoder, int threads, Watch *w) {
    const ModelShape *s = &encoder->shape;
    const size_t tokens = 1 + (size_t)shape_patches(s), plane = tokens * tokens, planes = 1 + (size_t)s->depth;
    *w = (Watch){.ops = encoder->ops,
                 .threads = threads,
                 .tokens = (int)tokens,
                 .dim = s->dim,
                 .heads = s->heads,
                 .depth = s->depth};
    w->qkv = malloc(tokens * 3 * (size_t)s->dim * sizeof *w->qkv);
    w->scores = calloc(planes, plane * sizeof *w->scores);
    w->attention = w->scores + plane;
    return w->qkv && w->scores ? NULL : status_no_memory("the attention of an image", planes * plane * sizeof(double));
}

static Status watch_image(const Encoder *encoder, const uint8_t *pixels, Watch *w) {
    const ModelInput image = {.pixels = pixels, .batch = 1};
    ModelInput input;
    TRY(backbone_upload(encoder->backbone, &image, &input));
    backbone_forward_watched(encoder->backbone, &input, keep_attention, w);
    TRY(w->status);
    return ops_error(encoder->ops);
}

Status rollout_run(const Encoder *encoder, TaskFeatures tokens, const uint8_t *pixels, int threads, double *shares) {
    Watch w = {0};
    const size_t count = 1 + (size_t)shape_patches(&encoder->shape);
    double *row = malloc(2 * count * sizeof *row);
    Status status = row ? open_watch(encoder, threads, &w) : status_no_memory("a rollout", 2 * count * sizeof *row);
    if (!status)
        status = watch_image(encoder, pixels, &w);
    if (!status) {
        set_readers(tokens, w.tokens, row);
        for (int block = w.depth - 1; block >= 0; block--)
            pass_back(w.attention + (size_t)block * count * count, w.tokens, row, row + count);
        memcpy(shares, row + 1, (count - 1) * sizeof *shares);
    }
    free(w.qkv);
    free(w.scores);
    free(row);
    return status;
}
