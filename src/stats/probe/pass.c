/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/probe/pass.h"
#include "stats/probe/product.h"

#include <stdlib.h>
#include <string.h>

/* Slices of rows with sums of their own, which threads share out, and the blocks that make one worth adding up; columns
 * of a strip, unless one descent has more. */
enum { SLICES = 16, SLICE = 4, STRIP = 48 };

/* Descents whose columns stand side by side in some panels. */
typedef struct {
    int first, count; /* among those that ask */
    int panels;
    int64_t panel; /* number of its first */
} Strip;

struct Pass {
    const Rows *rows;
    int threads;
    const Asking *asking;
    int count;
    Strip *strips;
    int strip_count;
    int64_t panels;     /* of all strips */
    int widest;         /* panels of the widest strip */
    int64_t sums;       /* numbers of a slice's measurements */
    double *memory;     /* of what follows */
    size_t size;        /* of it */
    double *asked;      /* [panels][depth][PANEL] */
    double *logits;     /* [SLICES][BLOCK][widest * PANEL] */
    double *answers;    /* [SLICES][panels][depth][PANEL] */
    double *losses;     /* [SLICES][sums] */
    int64_t *losses_at; /* [count], where in `losses` those of a descent begin */
};

Status pass_open(const Rows *rows, int threads, Pass **pass) {
    *pass = malloc(sizeof **pass);
    if (!*pass)
        return status_no_memory("a probe", sizeof **pass);
    **pass = (Pass){.rows = rows, .threads = threads};
    return NULL;
}

void pass_close(Pass *p) {
    if (!p)
        return;
    free(p->strips);
    free(p->losses_at);
    free(p->memory);
    free(p);
}

/* --- Laying out --------------------------------------------------------------------------------------------------- */

static int logits_of(const Pass *p, int i) {
    return p->asking[i].descent->loss.logits;
}

static void lay_strips(Pass *p) {
    p->strip_count = p->widest = 0;
    p->panels = p->sums = 0;
    for (int i = 0; i < p->count;) {
        Strip *strip = &p->strips[p->strip_count++];
        int columns = 0;
        *strip = (Strip){.first = i, .panel = p->panels};
        do
            columns += logits_of(p, i++);
        while (i < p->count && columns + logits_of(p, i) <= STRIP);
        strip->count = i - strip->first;
        strip->panels = (columns + PANEL - 1) / PANEL;
        p->panels += strip->panels;
        p->widest = strip->panels > p->widest ? strip->panels : p->widest;
    }
    for (int i = 0; i < p->count; i++) {
        p->losses_at[i] = p->sums;
        p->sums += 1 + logits_of(p, i);
    }
}

static Status lay_out(Pass *p, const Asking *asking, int count) {
    p->asking = asking;
    p->count = count;
    free(p->strips);
    free(p->losses_at);
    p->strips = malloc((size_t)count * sizeof *p->strips);
    p->losses_at = malloc((size_t)count * sizeof *p->losses_at);
    if (!p->strips || !p->losses_at)
        return status_no_memory("a probe", (size_t)count * sizeof *p->strips);
    lay_strips(p);
    const size_t asked = (size_t)(p->panels * p->rows->depth * PANEL), wide = (size_t)p->widest * PANEL;
    const size_t size = asked + SLICES * (BLOCK * wide + asked + (size_t)p->sums);
    if (size > p->size) {
        free(p->memory);
        p->memory = malloc(size * sizeof *p->memory);
        p->size = p->memory ? size : 0;
        if (!p->memory)
            return status_no_memory("a probe", size * sizeof *p->memory);
    }
    p->asked = p->memory;
    p->logits = p->asked + asked;
    p->answers = p->logits + SLICES * BLOCK * wide;
    p->losses = p->answers + SLICES * asked;
    return NULL;
}

static double *panel_of(const Pass *p, double *panels, int64_t panel) {
    return panels + panel * p->rows->depth * PANEL;
}

/* Copies vectors [logits][depth] to columns of panels, or the sums of the slices' columns to vectors. */
static void pack_strip(const Pass *p, const Strip *strip) {
    const int depth = p->rows->depth;
    int column = 0;
    memset(panel_of(p, p->asked, strip->panel), 0, (size_t)(strip->panels * depth * PANEL) * sizeof *p->asked);
    for (int i = strip->first; i < strip->first + strip->count; i++)
        for (int k = 0; k < logits_of(p, i); k++, column++) {
            const double *from = p->asking[i].descent->asked + (int64_t)k * depth;
            double *to = panel_of(p, p->asked, strip->panel + column / PANEL) + column % PANEL;
            for (int j = 0; j < depth; j++)
                to[(int64_t)j * PANEL] = from[j];
        }
}

static void add_slices(const Pass *p, const Strip *strip, int slices) {
    const int depth = p->rows->depth;
    const int64_t size = p->panels * depth * PANEL, own = (int64_t)strip->panels * depth * PANEL;
    double *sum = panel_of(p, p->answers, strip->panel);
    for (int s = 1; s < slices; s++) {
        const double *next = sum + s * size;
        for (int64_t i = 0; i < own; i++)
            sum[i] += next[i];
    }
    int column = 0;
    for (int i = strip->first; i < strip->first + strip->count; i++) {
        Descent *d = p->asking[i].descent;
        for (int k = 0; k < logits_of(p, i); k++, column++) {
            const double *from = panel_of(p, p->answers, strip->panel + column / PANEL) + column % PANEL;
            for (int j = 0; j < depth; j++)
                d->answer[(int64_t)k * depth + j] = from[(int64_t)j * PANEL];
        }
        for (int k = 0; k <= logits_of(p, i) && d->ask == DESCENT_MEASURE; k++) {
            d->sums[k] = 0;
            for (int s = 0; s < slices; s++)
                d->sums[k] += p->losses[s * p->sums + p->losses_at[i] + k];
        }
    }
}

/* --- Passing ------------------------------------------------------------------------------------------------------ */

/* logits[BLOCK][strip's columns] of a block. */
static void project_strip(const Pass *p, const Strip *strip, const double *block, double *logits) {
    for (int panel = 0; panel < strip->panels; panel++)
        product_project(block, p->rows->stride, p->rows->depth, panel_of(p, p->asked, strip->panel + panel),
                        logits + panel * PANEL, (int64_t)strip->panels * PANEL);
}

static void pass_block(const Pass *p, const Strip *strip, int64_t number, double *logits, double *answers,
                       double *losses) {
    const Rows *r = p->rows;
    const double *block = r->values + number * BLOCK * r->stride;
    const int64_t first = number * BLOCK, left = r->trains - first, stride = (int64_t)strip->panels * PANEL;
    const int count = left < BLOCK ? (int)left : BLOCK;
    int column = 0;
    project_strip(p, strip, block, logits);
    for (int i = strip->first; i < strip->first + strip->count; i++) {
        const Descent *d = p->asking[i].descent;
        if (d->ask == DESCENT_MEASURE)
            loss_measure(&d->loss, first, count, logits + column, stride, losses + p->losses_at[i]);
        else
            loss_bend(&d->loss, first, count, logits + column, stride);
        column += d->loss.logits;
    }
    for (int panel = 0; panel < strip->panels; panel++)
        product_gather(block, r->stride, 0, r->depth, logits + panel * PANEL, stride,
                       panel_of(p, answers, strip->panel + panel));
}

static void pass_slice(const Pass *p, int slice, int slices) {
    const int64_t size = p->panels * p->rows->depth * PANEL, blocks = p->rows->train_blocks;
    double *logits = p->logits + (int64_t)slice * BLOCK * p->widest * PANEL;
    double *answers = p->answers + slice * size, *losses = p->losses + slice * p->sums;
    memset(answers, 0, (size_t)size * sizeof *answers);
    memset(losses, 0, (size_t)p->sums * sizeof *losses);
    for (int64_t block = blocks * slice / slices; block < blocks * (slice + 1) / slices; block++)
        for (int s = 0; s < p->strip_count; s++)
            pass_block(p, &p->strips[s], block, logits, answers, losses);
}

static void guess_slice(const Pass *p, int slice) {
    const Rows *r = p->rows;
    double *logits = p->logits + (int64_t)slice * BLOCK * p->widest * PANEL;
    const int64_t rows = r->vals + r->tests, blocks = r->guessed_blocks;
    for (int64_t block = blocks * slice / SLICES; block < blocks * (slice + 1) / SLICES; block++)
        for (int s = 0; s < p->strip_count && p->asking[p->strips[s].first].guesses; s++) {
            const Strip *strip = &p->strips[s];
            int column = 0;
            project_strip(p, strip, r->values + (r->train_blocks + block) * BLOCK * r->stride, logits);
            for (int i = strip->first; i < strip->first + strip->count; i++) {
                const int count = logits_of(p, i);
                for (int64_t row = block * BLOCK; row < rows && row < (block + 1) * BLOCK && p->asking[i].guesses;
                     row++)
                    memcpy(p->asking[i].guesses + row * count,
                           logits + (row - block * BLOCK) * strip->panels * PANEL + column,
                           (size_t)count * sizeof *logits);
                column += count;
            }
        }
}

/* --- Running ------------------------------------------------------------------------------------------------------ */

/* Products from which on a second thread saves more than its start costs. */
static const double WORTH_THREADS = 200000;

Status pass_run(Pass *p, const Asking *asking, int count) {
    TRY(lay_out(p, asking, count));
    const int64_t parts = (p->rows->train_blocks + SLICE - 1) / SLICE;
    const int slices = parts < SLICES ? (int)parts : SLICES;
    const bool threaded = (double)p->rows->trains * p->rows->depth * (double)p->panels * PANEL > WORTH_THREADS;
    bool guessed = false;
    for (int i = 0; i < count; i++)
        guessed |= asking[i].guesses != NULL;
#pragma omp parallel num_threads(p->threads) if (threaded)
    {
#pragma omp for schedule(dynamic, 1)
        for (int s = 0; s < p->strip_count; s++)
            pack_strip(p, &p->strips[s]);
#pragma omp for schedule(dynamic, 1)
        for (int slice = 0; slice < slices; slice++)
            pass_slice(p, slice, slices);
#pragma omp for schedule(dynamic, 1)
        for (int s = 0; s < p->strip_count; s++)
            add_slices(p, &p->strips[s], slices);
#pragma omp for schedule(dynamic, 1)
        for (int slice = 0; slice < (guessed ? SLICES : 0); slice++)
            guess_slice(p, slice);
    }
    return NULL;
}
