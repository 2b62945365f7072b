/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checkops/checkops.h"

#include <math.h>

typedef struct {
    int batch, patches, keep, dim;
    bool normalise;
    const int32_t *ids;
    double *pred;
    const float *target;
    double scale; /* grad_scale */
} Masked;

static double masked_loss(const void *context) {
    const Masked *m = context;
    const int masked = m->patches - m->keep;
    double loss = 0;
    for (int b = 0; b < m->batch; b++)
        for (int j = 0; j < masked; j++) {
            const float *t = m->target + ((size_t)b * masked + j) * m->dim;
            const size_t place = 1 + m->ids[b * m->patches + m->keep + j];
            const double *p = m->pred + ((size_t)b * (1 + m->patches) + place) * m->dim;
            double mean = 0, variance = 0;
            for (int i = 0; i < m->dim; i++)
                mean += t[i] / (double)m->dim;
            for (int i = 0; i < m->dim; i++)
                variance += (t[i] - mean) * (t[i] - mean) / (m->dim - 1.0);
            for (int i = 0; i < m->dim; i++) {
                double want = m->normalise ? (t[i] - mean) / sqrt(variance + 1e-6) : t[i];
                loss += (p[i] - want) * (p[i] - want) / m->dim / masked / m->batch;
            }
        }
    return loss * m->scale;
}

/* A loss sums squares, all positive: a few roundings of itself. */
static const double LOSS = 10 * ROUNDING;

void check_masked_pixel_loss(Check *check) {
    /* Patches of any side, of a model's 8, 16 and 14, and of those that a warp's registers do not hold. */
    static const int dims[] = {0, 192, 768, 588, 3 * 27 * 27, 3 * 20 * 20};
    enum { NORMALISE, GRADIENT, DIM, MASKED_OPTIONS };
    static const Options known = {.count = MASKED_OPTIONS,
                                  .levels = {[NORMALISE] = 2, [GRADIENT] = 2, [DIM] = sizeof dims / sizeof *dims}};
    int options[MASKED_OPTIONS];
    check_options(check, &known, options);
    Masked m = {.batch = check_between(check, 1, 6), .patches = check_between(check, 1, 30), .scale = 1};
    m.normalise = options[NORMALISE];
    m.dim = dims[options[DIM]];
    if (m.dim)
        m.batch = 2, m.patches = check_between(check, 2, 8);
    else
        m.dim = 3 * check_between(check, 1, 30);
    m.keep = check_between(check, 0, m.patches - 1);
    if (check->round == ROUNDS - 1)
        m.batch = m.patches = 1, m.keep = 0, m.dim = 3;
    if (check->round == ROUNDS - 2)
        m.batch = 150, m.dim = 6;
    if (check->round == ROUNDS - 3) /* more partial sums than a block has threads */
        m.batch = 300, m.patches = 27, m.keep = 18, m.dim = 3;
    const bool gradient = options[GRADIENT];
    check_shape(check, "batch=%d patches=%d keep=%d dim=%d normalise=%d gradient=%d", m.batch, m.patches, m.keep, m.dim,
                m.normalise, gradient);
    const float grad_scale = 0.375f;
    const size_t count = (size_t)m.batch * (1 + m.patches) * m.dim, masked = (size_t)m.batch * (m.patches - m.keep);
    const int32_t *ids = m.ids = check_ids(check, m.batch, m.patches);
    float *pred = check_reals(check, "pred", BUFFER_INPUT, count, 1);
    float *target = check_floats(check, "target", BUFFER_INPUT, masked * m.dim, 1);
    if (check->round == 3) /* a flat patch: only the 1e-6 prevents a division by zero */
        for (int i = 0; i < m.dim; i++)
            target[i] = 0.7f;
    double *loss = check_buffer(check, "loss", BUFFER_OUTPUT, BUFFER_DOUBLE, 1);
    float *dpred = gradient ? check_real_output(check, "dpred", count) : NULL;
    RUN(check)
    check->ops.masked_pixel_loss(&check->ops, &(MaskedPixelLoss){.pred = AT(pred),
                                                                 .target = AT(target),
                                                                 .ids = AT(ids),
                                                                 .normalise = m.normalise,
                                                                 .grad_scale = grad_scale,
                                                                 .loss = AT(loss),
                                                                 .dpred = AT(dpred),
                                                                 .batch = m.batch,
                                                                 .patches = m.patches,
                                                                 .keep = m.keep,
                                                                 .dim = m.dim});
    m.pred = check_copy(check, pred, count);
    m.target = target;
    const double want = masked_loss(&m);
    check_scalar(check, "loss", *loss, want, LOSS * want);
    if (!gradient)
        return;
    m.scale = grad_scale;
    check_slopes(check, "dpred", dpred, m.pred, count, masked_loss, &m);
    /* Every element: the loss is quadratic in each prediction, so the difference of two losses is its gradient; here
     * by the formula instead, from the loss of one element alone. */
    double *expected = check_numbers(check, count);
    for (size_t b = 0; b < (size_t)m.batch; b++)
        for (int j = m.keep; j < m.patches; j++) {
            const size_t row = b * (1 + m.patches) + 1 + ids[b * m.patches + j];
            const float *t = target + (b * (m.patches - m.keep) + j - m.keep) * m.dim;
            double mean = 0, variance = 0;
            for (int i = 0; i < m.dim; i++)
                mean += t[i] / (double)m.dim;
            for (int i = 0; i < m.dim; i++)
                variance += (t[i] - mean) * (t[i] - mean) / (m.dim - 1.0);
            for (int i = 0; i < m.dim; i++) {
                double wanted = m.normalise ? (t[i] - mean) / sqrt(variance + 1e-6) : t[i];
                expected[row * m.dim + i] =
                    2 * grad_scale * (pred[row * m.dim + i] - wanted) / (double)(masked * m.dim);
            }
        }
    check_near(check, "dpred", dpred, expected, 10 * ROUNDING, count);
}

/* A head's labels, a third of them not known, and what their sum is divided by. */
typedef struct {
    int batch, outputs;
    double *values;
    const float *labels, *weights;
    bool ordinal;
    double smoothing, known, scale;
} Head;

static double *draw_known(Check *check, Head *h) {
    double *known = check_bytes(check, "known", BUFFER_INPUT, 1, sizeof *known);
    /* 0: as of a batch without known labels. */
    *known = h->known = check->round % 7 == 5 ? 0 : check_between(check, 1, 40) / 4.0;
    return known;
}

static const float *draw_weights(Check *check, int count) {
    float *weights = check_floats(check, "weights", BUFFER_INPUT, (size_t)count, 1);
    for (int i = 0; i < count; i++)
        weights[i] = fabsf(weights[i]) + 0.1f;
    return weights;
}

static float *draw_labels(Check *check, size_t count, int classes) {
    float *labels = check_floats(check, "labels", BUFFER_INPUT, count, 1);
    for (size_t i = 0; i < count; i++)
        labels[i] = check_between(check, 0, 2) ? (float)check_between(check, 0, classes - 1) : NAN;
    return labels;
}

static double head_mean(const Head *h, double sum) {
    return h->known > 0 ? h->scale * sum / h->known : 0;
}

static double cross_entropy(const void *context) {
    const Head *h = context;
    double loss = 0;
    for (int b = 0; b < h->batch; b++) {
        const double *z = h->values + (size_t)b * h->outputs;
        double sum = 0, largest = -INFINITY;
        for (int c = 0; c < h->outputs; c++)
            largest = fmax(largest, z[c]);
        for (int c = 0; c < h->outputs; c++)
            sum += exp(z[c] - largest);
        for (int c = 0; c < h->outputs && !isnan(h->labels[b]); c++) {
            double target = h->smoothing / h->outputs + (c == (int)h->labels[b] ? 1 - h->smoothing : 0);
            loss -= target * h->weights[c] * (z[c] - largest - log(sum));
        }
    }
    return head_mean(h, loss);
}

/* What the sums of a head's terms may be off: a few roundings of the largest, over *known. */
static double head_bound(const Head *h, double want, double largest) {
    return h->known > 0 ? LOSS * (want + largest * h->batch * h->outputs / h->known) : 0;
}

void check_cross_entropy_loss(Check *check) {
    /* Some classes; as many as a pack; more than a warp has lanes. */
    static const int classes[] = {0, 8, 77, 1000};
    enum { SMOOTHING, GRADIENT, CLASSES, LOGITS, ENTROPY_OPTIONS };
    static const Options known_options = {
        .count = ENTROPY_OPTIONS,
        .levels = {[SMOOTHING] = 2, [GRADIENT] = 2, [CLASSES] = sizeof classes / sizeof *classes, [LOGITS] = 2}};
    int options[ENTROPY_OPTIONS];
    check_options(check, &known_options, options);
    Head h = {.batch = check_between(check, 1, 9), .outputs = classes[options[CLASSES]], .scale = 1};
    if (!h.outputs)
        h.outputs = check_between(check, 1, 12);
    if (check->round >= ROUNDS - 2) /* more samples than a block takes, more partial sums than it has threads */
        h.batch = check->round == ROUNDS - 2 ? 100 : 2100, h.outputs = 3;
    const float smoothing = options[SMOOTHING] ? 0.1f : 0, grad_scale = 0.375f;
    const bool gradient = options[GRADIENT];
    h.smoothing = smoothing;
    const size_t count = (size_t)h.batch * h.outputs;
    /* The second are such that their exponentials overflow. */
    float *logits = check_reals(check, "logits", BUFFER_INPUT, count, options[LOGITS] ? 500 : 3);
    const float *labels = h.labels = draw_labels(check, (size_t)h.batch, h.outputs);
    const float *weights = h.weights = draw_weights(check, h.outputs);
    const double *known = draw_known(check, &h);
    check_shape(check, "batch=%d classes=%d smoothing=%g known=%g", h.batch, h.outputs, h.smoothing, h.known);
    double *loss = check_buffer(check, "loss", BUFFER_OUTPUT, BUFFER_DOUBLE, 1);
    float *dlogits = gradient ? check_real_output(check, "dlogits", count) : NULL;
    RUN(check)
    check->ops.cross_entropy_loss(&check->ops, &(CrossEntropyLoss){.logits = AT(logits),
                                                                   .labels = AT(labels),
                                                                   .weights = AT(weights),
                                                                   .known = AT(known),
                                                                   .smoothing = smoothing,
                                                                   .grad_scale = grad_scale,
                                                                   .loss = AT(loss),
                                                                   .dlogits = AT(dlogits),
                                                                   .batch = h.batch,
                                                                   .classes = h.outputs});
    h.values = check_copy(check, logits, count);
    double want = cross_entropy(&h);
    check_scalar(check, "loss", *loss, want, head_bound(&h, want, 1));
    h.scale = grad_scale;
    if (!gradient)
        return;
    check_slopes(check, "dlogits", dlogits, h.values, count, cross_entropy, &h);
    for (int b = 0; b < h.batch; b++) { /* probabilities and targets have one sum, the weight of at most 4 */
        double sum = 0;
        for (int c = 0; c < h.outputs; c++)
            sum += dlogits[(size_t)b * h.outputs + c];
        check_scalar(check, "sum of a sample's dlogits", sum, 0, h.known > 0 ? 4 * 4 * ROUNDING / h.known : 0);
    }
}

static double binary_entropy(const void *context) {
    const Head *h = context;
    double loss = 0;
    for (int b = 0; b < h->batch; b++)
        for (int k = 0; k < h->outputs; k++) {
            const double z = h->values[(size_t)b * h->outputs + k];
            const float label = h->labels[h->ordinal ? (size_t)b : (size_t)b * h->outputs + k];
            const double t = h->ordinal ? label > k : label;
            if (!isnan(label)) /* -log p = log(1 + exp(-z)), for large -z that itself */
                loss += h->weights[k] * t * (z < -40 ? -z : log1p(exp(-z))) + (1 - t) * (z > 40 ? z : log1p(exp(z)));
        }
    return head_mean(h, loss);
}

void check_binary_loss(Check *check) {
    enum { ORDINAL, GRADIENT, LOGITS, SOFT, BINARY_OPTIONS };
    static const Options known_options = {.count = BINARY_OPTIONS,
                                          .levels = {[ORDINAL] = 2, [GRADIENT] = 2, [LOGITS] = 2, [SOFT] = 2},
                                          .never = {{ORDINAL, 1, SOFT, 1}}};
    int options[BINARY_OPTIONS];
    check_options(check, &known_options, options);
    Head h = {.batch = check_between(check, 1, 9), .outputs = check_between(check, 1, 12), .scale = 1};
    h.ordinal = options[ORDINAL];
    if (check->round >= ROUNDS - 2) /* more than a block takes, more partial sums than it has threads */
        h.batch = check->round == ROUNDS - 2 ? 300 : 40000, h.outputs = 2;
    const size_t count = (size_t)h.batch * h.outputs;
    const bool gradient = options[GRADIENT];
    const float grad_scale = 0.375f;
    float *logits = check_reals(check, "logits", BUFFER_INPUT, count, options[LOGITS] ? 500 : 3);
    float *labels = draw_labels(check, h.ordinal ? (size_t)h.batch : count, h.ordinal ? h.outputs + 1 : 2);
    for (size_t i = 0; i < count && options[SOFT]; i++) /* a target between, as PyTorch takes it */
        labels[i] *= 0.75f;
    h.labels = labels;
    const float *weights = h.weights = draw_weights(check, h.outputs);
    const double *known = draw_known(check, &h);
    check_shape(check, "batch=%d outputs=%d ordinal=%d known=%g", h.batch, h.outputs, h.ordinal, h.known);
    double *loss = check_buffer(check, "loss", BUFFER_OUTPUT, BUFFER_DOUBLE, 1);
    float *dlogits = gradient ? check_real_output(check, "dlogits", count) : NULL;
    RUN(check)
    check->ops.binary_loss(&check->ops, &(BinaryLoss){.logits = AT(logits),
                                                      .labels = AT(labels),
                                                      .ordinal = h.ordinal,
                                                      .weights = AT(weights),
                                                      .known = AT(known),
                                                      .grad_scale = grad_scale,
                                                      .loss = AT(loss),
                                                      .dlogits = AT(dlogits),
                                                      .batch = h.batch,
                                                      .outputs = h.outputs});
    h.values = check_copy(check, logits, count);
    double want = binary_entropy(&h);
    check_scalar(check, "loss", *loss, want, head_bound(&h, want, 0));
    h.scale = grad_scale;
    if (gradient)
        check_slopes(check, "dlogits", dlogits, h.values, count, binary_entropy, &h);
}

static double squares_loss(const void *context) {
    const Head *h = context;
    double loss = 0;
    for (size_t i = 0; i < (size_t)h->batch * h->outputs; i++)
        if (!isnan(h->labels[i]))
            loss += (h->values[i] - h->labels[i]) * (h->values[i] - h->labels[i]);
    return head_mean(h, loss);
}

void check_regression_loss(Check *check) {
    Head h = {.batch = check_between(check, 1, 20), .outputs = check_between(check, 1, 5), .scale = 1};
    if (check->round % 8 == 3) /* more than a block takes */
        h.batch = check_between(check, 1000, 3000);
    if (check->round == 6) /* more partial sums than a block has threads */
        h.batch = 263000, h.outputs = 2;
    const bool gradient = check->round % 5 != 4;
    const float grad_scale = 0.375f;
    const size_t count = (size_t)h.batch * h.outputs;
    float *pred = check_reals(check, "pred", BUFFER_INPUT, count, 3);
    float *target = check_floats(check, "target", BUFFER_INPUT, count, 3);
    for (size_t i = 0; i < count; i++)
        target[i] = check_between(check, 0, 2) ? target[i] : NAN;
    const double *known = draw_known(check, &h);
    check_shape(check, "batch=%d outputs=%d known=%g", h.batch, h.outputs, h.known);
    double *loss = check_buffer(check, "loss", BUFFER_OUTPUT, BUFFER_DOUBLE, 1);
    float *dpred = gradient ? check_real_output(check, "dpred", count) : NULL;
    RUN(check)
    check->ops.regression_loss(&check->ops, &(RegressionLoss){.pred = AT(pred),
                                                              .target = AT(target),
                                                              .known = AT(known),
                                                              .grad_scale = grad_scale,
                                                              .loss = AT(loss),
                                                              .dpred = AT(dpred),
                                                              .batch = h.batch,
                                                              .outputs = h.outputs});
    h.values = check_copy(check, pred, count);
    h.labels = target;
    double want = squares_loss(&h);
    check_scalar(check, "loss", *loss, want, head_bound(&h, want, 0));
    h.scale = grad_scale;
    if (gradient)
        check_slopes(check, "dpred", dpred, h.values, count, squares_loss, &h);
}
