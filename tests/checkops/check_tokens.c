/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checkops/checkops.h"

#include <math.h>

typedef struct {
    int batch, patches, keep, dim;
    const int32_t *ids;
    double *x, *token, *pos, *out; /* token: cls or mask */
    const float *dout;
} Tokens;

/* FIXED: positions have no gradient. */
enum { TOKENS_ADD, TOKENS_FIXED, TOKENS_MODEL, TOKENS_OPTIONS };
static const Options tokens_options = {.count = TOKENS_OPTIONS,
                                       .levels = {[TOKENS_ADD] = 2, [TOKENS_FIXED] = 2, [TOKENS_MODEL] = 2}};

static Tokens draw_tokens(Check *check, int options[TOKENS_OPTIONS]) {
    static const int dims[] = {192, 384, 512, 768, 1024, 1280};
    check_options(check, &tokens_options, options);
    Tokens t = {.batch = check_between(check, 1, 9),
                .patches = check_between(check, 1, 50),
                .dim = check_between(check, 1, 130)};
    t.keep = check_between(check, 0, t.patches);
    if (options[TOKENS_MODEL] && check->round % 2)
        t = (Tokens){.batch = 2, .patches = 36, .keep = 9, .dim = dims[check->round / 2 % 6]};
    else if (options[TOKENS_MODEL])
        t.dim = (t.dim + 7) / 8 * 8;
    if (check->round == 0)
        t.batch = 0;
    if (check->round == ROUNDS - 1)
        t = (Tokens){.batch = 1, .patches = 1, .keep = 1, .dim = 1};
    if (check->round == ROUNDS - 2) /* more samples than a part of the sums */
        t = (Tokens){.batch = 150, .patches = 4, .keep = 1, .dim = 24};
    if (check->round == ROUNDS - 3) /* more samples in each part than a warp has lanes */
        t = (Tokens){.batch = 300, .patches = 3, .keep = 2, .dim = 3};
    if (check->round == ROUNDS - 4) /* more tokens of a sample than a block has threads */
        t = (Tokens){.batch = 1, .patches = 300, .keep = 7, .dim = 2};
    if (check->round == ROUNDS - 5) /* the same of two samples together */
        t = (Tokens){.batch = 258, .patches = 129, .keep = 1, .dim = 1};
    if (check->round == ROUNDS - 3)
        options[TOKENS_FIXED] = false;
    check_shape(check, "batch=%d patches=%d keep=%d dim=%d add=%d fixed=%d", t.batch, t.patches, t.keep, t.dim,
                options[TOKENS_ADD], options[TOKENS_FIXED]);
    t.ids = check_ids(check, t.batch, t.patches);
    return t;
}

static void embed_reference(const Tokens *t) {
    for (int b = 0; b < t->batch; b++)
        for (int j = 0; j <= t->keep; j++)
            for (int d = 0; d < t->dim; d++) {
                int place = j ? 1 + t->ids[b * t->patches + j - 1] : 0;
                double x = j ? t->x[((size_t)b * t->keep + j - 1) * t->dim + d] : t->token[d];
                t->out[((size_t)b * (1 + t->keep) + j) * t->dim + d] = x + t->pos[(size_t)place * t->dim + d];
            }
}

static void restore_reference(const Tokens *t) {
    for (int b = 0; b < t->batch; b++)
        for (int j = 0; j <= t->patches; j++)
            for (int d = 0; d < t->dim; d++) {
                int place = j ? 1 + t->ids[b * t->patches + j - 1] : 0;
                double x = j <= t->keep ? t->x[((size_t)b * (1 + t->keep) + j) * t->dim + d] : t->token[d];
                t->out[((size_t)b * (1 + t->patches) + place) * t->dim + d] = x + t->pos[(size_t)place * t->dim + d];
            }
}

static double embed_loss(const void *context) {
    const Tokens *t = context;
    embed_reference(t);
    return check_dot(t->out, t->dout, (size_t)t->batch * (1 + t->keep) * t->dim);
}

static double restore_loss(const void *context) {
    const Tokens *t = context;
    restore_reference(t);
    return check_dot(t->out, t->dout, (size_t)t->batch * (1 + t->patches) * t->dim);
}

/* One rounded addition. */
static void check_sums(Check *check, const float *got, const double *want, size_t count) {
    double *bound = check_numbers(check, count);
    for (size_t i = 0; i < count; i++)
        bound[i] = ROUNDING * fabs(want[i]) + 1e-44;
    check_bounds(check, "out", got, want, bound, count);
}

static void check_forward(Check *check, bool embedding) {
    int options[TOKENS_OPTIONS];
    Tokens t = draw_tokens(check, options);
    const size_t in = (size_t)t.batch * (embedding ? t.keep : 1 + t.keep) * t.dim,
                 grid = (size_t)(1 + t.patches) * t.dim;
    const size_t count = (size_t)t.batch * (1 + (embedding ? t.keep : t.patches)) * t.dim;
    float *x = check_reals(check, "x", BUFFER_INPUT, in, 1),
          *token = check_floats(check, "token", BUFFER_INPUT, t.dim, 1);
    float *pos = check_floats(check, "pos", BUFFER_INPUT, grid, 1), *out = check_real_output(check, "out", count);
    RUN(check) {
        if (embedding)
            check->ops.embed_forward(&check->ops, &(EmbedForward){.x = AT(x),
                                                                  .cls = AT(token),
                                                                  .pos = AT(pos),
                                                                  .ids = AT(t.ids),
                                                                  .out = AT(out),
                                                                  .batch = t.batch,
                                                                  .patches = t.patches,
                                                                  .keep = t.keep,
                                                                  .dim = t.dim});
        else
            check->ops.restore_forward(&check->ops, &(RestoreForward){.x = AT(x),
                                                                      .mask_token = AT(token),
                                                                      .pos = AT(pos),
                                                                      .ids = AT(t.ids),
                                                                      .out = AT(out),
                                                                      .batch = t.batch,
                                                                      .patches = t.patches,
                                                                      .keep = t.keep,
                                                                      .dim = t.dim});
    }
    t.x = check_copy(check, x, in);
    t.token = check_copy(check, token, t.dim);
    t.pos = check_copy(check, pos, grid);
    t.out = check_numbers(check, count);
    (embedding ? embed_reference : restore_reference)(&t);
    check_sums(check, out, t.out, count);
}

void check_embed_forward(Check *check) {
    check_forward(check, true);
}

void check_restore_forward(Check *check) {
    check_forward(check, false);
}

/* Sums over up to batch * patches values: an error of a few roundings of their sizes. */
static const double SUMS = 40 * ROUNDING;

void check_embed_backward(Check *check) {
    int options[TOKENS_OPTIONS];
    Tokens t = draw_tokens(check, options);
    const bool add = options[TOKENS_ADD], fixed = options[TOKENS_FIXED];
    const BufferKind kind = add ? BUFFER_BOTH : BUFFER_OUTPUT;
    const size_t in = (size_t)t.batch * t.keep * t.dim, grid = (size_t)(1 + t.patches) * t.dim;
    const size_t count = (size_t)t.batch * (1 + t.keep) * t.dim;
    float *dout = check_reals(check, "dout", BUFFER_INPUT, count, 1), *dx = check_real_output(check, "dx", in);
    float *dcls = check_floats(check, "dcls", kind, t.dim, 1), *dpos = check_floats(check, "dpos", kind, grid, 1);
    double *want_cls = add ? check_copy(check, dcls, t.dim) : check_numbers(check, t.dim);
    double *want_pos = add ? check_copy(check, dpos, grid) : check_numbers(check, grid),
           *want = check_numbers(check, in);
    double *bound_cls = check_numbers(check, t.dim), *bound_pos = check_numbers(check, grid);
    for (int d = 0; d < t.dim; d++)
        bound_cls[d] = SUMS * fabs(want_cls[d]);
    for (size_t i = 0; i < grid; i++)
        bound_pos[i] = SUMS * fabs(want_pos[i]);
    RUN(check)
    check->ops.embed_backward(&check->ops, &(EmbedBackward){.dout = AT(dout),
                                                            .ids = AT(t.ids),
                                                            .dx = AT(dx),
                                                            .dcls = AT(dcls),
                                                            .dpos = AT(fixed ? NULL : dpos),
                                                            .add = add,
                                                            .batch = t.batch,
                                                            .patches = t.patches,
                                                            .keep = t.keep,
                                                            .dim = t.dim});
    for (int b = 0; b < t.batch; b++)
        for (int j = 0; j <= t.keep; j++)
            for (int d = 0; d < t.dim; d++) {
                double g = dout[((size_t)b * (1 + t.keep) + j) * t.dim + d];
                int place = j ? 1 + t.ids[b * t.patches + j - 1] : 0;
                want_pos[(size_t)place * t.dim + d] += g;
                bound_pos[(size_t)place * t.dim + d] += SUMS * fabs(g);
                if (j) {
                    want[((size_t)b * t.keep + j - 1) * t.dim + d] = g;
                } else {
                    want_cls[d] += g;
                    bound_cls[d] += SUMS * fabs(g);
                }
            }
    check_near(check, "dx", dx, want, 0, in);
    check_bounds(check, "dcls", dcls, want_cls, bound_cls, t.dim);
    if (!fixed)
        check_bounds(check, "dpos", dpos, want_pos, bound_pos, grid);
    t.x = check_numbers(check, in);
    t.token = check_numbers(check, t.dim);
    t.pos = check_numbers(check, grid);
    t.out = check_numbers(check, count);
    t.dout = dout;
    check_slopes(check, "dx", dx, t.x, in, embed_loss, &t);
    if (add)
        return;
    check_slopes(check, "dcls", dcls, t.token, t.dim, embed_loss, &t);
    if (!fixed)
        check_slopes(check, "dpos", dpos, t.pos, grid, embed_loss, &t);
}

void check_restore_backward(Check *check) {
    int options[TOKENS_OPTIONS];
    Tokens t = draw_tokens(check, options);
    const bool add = options[TOKENS_ADD];
    const size_t in = (size_t)t.batch * (1 + t.keep) * t.dim, count = (size_t)t.batch * (1 + t.patches) * t.dim;
    float *dout = check_reals(check, "dout", BUFFER_INPUT, count, 1), *dx = check_real_output(check, "dx", in);
    float *dmask = check_floats(check, "dmask_token", add ? BUFFER_BOTH : BUFFER_OUTPUT, t.dim, 1);
    double *want_mask = add ? check_copy(check, dmask, t.dim) : check_numbers(check, t.dim);
    double *want = check_numbers(check, in), *bound = check_numbers(check, t.dim);
    RUN(check)
    check->ops.restore_backward(&check->ops, &(RestoreBackward){.dout = AT(dout),
                                                                .ids = AT(t.ids),
                                                                .dx = AT(dx),
                                                                .dmask_token = AT(dmask),
                                                                .add = add,
                                                                .batch = t.batch,
                                                                .patches = t.patches,
                                                                .keep = t.keep,
                                                                .dim = t.dim});
    for (int d = 0; d < t.dim; d++)
        bound[d] = SUMS * fabs(want_mask[d]);
    for (int b = 0; b < t.batch; b++)
        for (int j = 0; j <= t.patches; j++)
            for (int d = 0; d < t.dim; d++) {
                int place = j ? 1 + t.ids[b * t.patches + j - 1] : 0;
                double g = dout[((size_t)b * (1 + t.patches) + place) * t.dim + d];
                if (j <= t.keep)
                    want[((size_t)b * (1 + t.keep) + j) * t.dim + d] = g;
                else {
                    want_mask[d] += g;
                    bound[d] += SUMS * fabs(g);
                }
            }
    check_near(check, "dx", dx, want, 0, in);
    check_bounds(check, "dmask_token", dmask, want_mask, bound, t.dim);
    t.x = check_numbers(check, in);
    t.token = check_numbers(check, t.dim);
    t.pos = check_numbers(check, (size_t)(1 + t.patches) * t.dim);
    t.out = check_numbers(check, count);
    t.dout = dout;
    check_slopes(check, "dx", dx, t.x, in, restore_loss, &t);
    if (!add)
        check_slopes(check, "dmask_token", dmask, t.token, t.dim, restore_loss, &t);
}

typedef struct {
    int batch, tokens, dim;
    Pool pool;
    double *x;
    const float *dy;
} Pooling;

static bool sees(const Pooling *p, int token) {
    return (token == 0) == (p->pool == POOL_CLS);
}

static double pooled_mean(const Pooling *p, int b, int d) {
    double sum = 0;
    for (int i = 0; i < p->tokens; i++)
        sum += sees(p, i) ? p->x[((size_t)b * p->tokens + i) * p->dim + d] : 0;
    return p->pool == POOL_CLS ? sum : sum / (p->tokens - 1);
}

static double pool_loss(const void *context) {
    const Pooling *p = context;
    double sum = 0;
    for (int b = 0; b < p->batch; b++)
        for (int d = 0; d < p->dim; d++)
            sum += pooled_mean(p, b, d) * p->dy[(size_t)b * p->dim + d];
    return sum;
}

static Pooling draw_pool(Check *check) {
    Pooling p = {.batch = check_between(check, 1, 9),
                 .tokens = check_between(check, 2, 70),
                 .dim = check_between(check, 1, 130)};
    if (check->round == 0)
        p = (Pooling){.batch = 1, .tokens = 2, .dim = 1};
    if (check->round == 1)
        p.batch = 0;
    if (check->round % 5 == 4)
        p = (Pooling){.batch = 2, .tokens = check->round % 2 ? 50 : 197, .dim = check->round % 3 ? 192 : 768};
    p.pool = check->round % 4 / 2 ? POOL_CLS : POOL_MEAN;
    check_shape(check, "batch=%d tokens=%d dim=%d cls=%d", p.batch, p.tokens, p.dim, p.pool == POOL_CLS);
    return p;
}

void check_pool_forward(Check *check) {
    Pooling p = draw_pool(check);
    const size_t in = (size_t)p.batch * p.tokens * p.dim, count = (size_t)p.batch * p.dim;
    float *x = check_reals(check, "x", BUFFER_INPUT, in, 1), *y = check_float_output(check, "y", count);
    float *branch = check->round % 7 ? check_reals(check, "branch", BUFFER_INPUT, in, 1) : NULL;
    float *scale = branch && check->round % 3 ? check_floats(check, "scale", BUFFER_INPUT, p.dim, 1) : NULL;
    float *keep = branch && check->round / 2 % 2 ? check_floats(check, "keep", BUFFER_INPUT, p.batch, 1) : NULL;
    RUN(check)
    check->ops.pool_forward(&check->ops, &(PoolForward){.x = AT(x),
                                                        .branch = AT(branch),
                                                        .scale = AT(scale),
                                                        .keep = AT(keep),
                                                        .pool = p.pool,
                                                        .y = AT(y),
                                                        .batch = p.batch,
                                                        .tokens = p.tokens,
                                                        .dim = p.dim});
    p.x = check_copy(check, x, in);
    double *want = check_numbers(check, count), *bound = check_numbers(check, count);
    for (size_t i = 0; i < in && branch; i++)
        p.x[i] += (keep ? keep[i / p.dim / p.tokens] : 1.0) * (scale ? scale[i % p.dim] : 1.0) * branch[i];
    for (int b = 0; b < p.batch; b++)
        for (int d = 0; d < p.dim; d++) {
            want[(size_t)b * p.dim + d] = pooled_mean(&p, b, d);
            /* Two products and a sum, then n roundings of the sums, divided by n - 1. */
            for (int i = 0; i < p.tokens; i++) {
                const size_t at = ((size_t)b * p.tokens + i) * p.dim + d;
                const double size = fabs(x[at]) + fabs(p.x[at] - x[at]), terms = p.pool == POOL_MEAN ? p.tokens - 1 : 1;
                bound[(size_t)b * p.dim + d] += sees(&p, i) ? ROUNDING * (3 / terms + 1.1) * size : 0;
            }
        }
    check_bounds(check, "y", y, want, bound, count);
}

void check_pool_backward(Check *check) {
    Pooling p = draw_pool(check);
    const size_t in = (size_t)p.batch * p.tokens * p.dim, count = (size_t)p.batch * p.dim;
    float *dy = check_floats(check, "dy", BUFFER_INPUT, count, 1), *dx = check_real_output(check, "dx", in);
    RUN(check)
    check->ops.pool_backward(
        &check->ops,
        &(PoolBackward){
            .dy = AT(dy), .pool = p.pool, .dx = AT(dx), .batch = p.batch, .tokens = p.tokens, .dim = p.dim});
    double *want = check_numbers(check, in);
    for (size_t i = 0; i < in; i++) {
        int token = (int)(i / p.dim % p.tokens);
        const double share = p.pool == POOL_CLS ? 1 : 1.0 / (p.tokens - 1);
        want[i] = sees(&p, token) ? dy[i / p.dim / p.tokens * p.dim + i % p.dim] * share : 0;
    }
    check_near(check, "dx", dx, want, 2 * ROUNDING, in); /* one division, perhaps by a rounded reciprocal */
    p.x = check_numbers(check, in);
    p.dy = dy;
    check_slopes(check, "dx", dx, p.x, in, pool_loss, &p);
}
