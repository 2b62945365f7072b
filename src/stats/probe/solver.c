/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/probe/solver.h"
#include "stats/probe/pass.h"

#include <stdlib.h>

/* Numbers of weights from which on a second thread saves more than its start costs. */
enum { WORTH_THREADS = 5000 };

Status fit_open(Fit *fit, const Rows *rows, LossKind kind, int logits, const double *targets) {
    const size_t guesses = (size_t)(rows->vals + rows->tests) * (size_t)logits;
    *fit = (Fit){0};
    TRY(descent_open(&fit->descent, rows, kind, logits, targets));
    fit->guesses = malloc((guesses + 1) * sizeof *fit->guesses);
    return fit->guesses ? NULL : status_no_memory("a probe", guesses * sizeof *fit->guesses);
}

void fit_close(Fit *fit) {
    descent_close(&fit->descent);
    free(fit->guesses);
    status_free(fit->status);
    *fit = (Fit){0};
}

static bool is_active(const Solver *s, const Fit *fit) {
    return !fit->status && fit->strength < s->count;
}

static void go_on(const Solver *s, Fit *fit) {
    Descent *d = &fit->descent;
    descent_go_on(d);
    if (d->ask == DESCENT_FAILED)
        fit->status =
            status_error(EXIT_DATA, "no minimum was found at C %g; choose a grid of stronger penalties", d->c);
    if (d->ask != DESCENT_SOLVED)
        return;
    fit->status = s->solved(s->context, fit);
    if (++fit->strength < s->count)
        descent_start(d, s->strengths[fit->strength]);
}

/* Those that may end stand first: only their panels are multiplied with val and test rows. */
static int list_asking(const Solver *s, Fit **fits, int count, Asking *asking) {
    int active = 0;
    for (int guessing = 1; guessing >= 0; guessing--)
        for (int i = 0; i < count; i++)
            if (is_active(s, fits[i]) && fits[i]->descent.guessing == guessing)
                asking[active++] =
                    (Asking){.descent = &fits[i]->descent, .guesses = guessing ? fits[i]->guesses : NULL};
    return active;
}

static Status take_failure(Fit **fits, int count) {
    for (int i = 0; i < count; i++)
        if (fits[i]->status) {
            Status status = fits[i]->status;
            fits[i]->status = NULL;
            return status;
        }
    return NULL;
}

Status solver_run(const Solver *s, Fit **fits, int count) {
    Pass *pass = NULL;
    Asking *asking = malloc((size_t)count * sizeof *asking + 1);
    Status status =
        asking ? pass_open(s->rows, s->threads, &pass) : status_no_memory("a probe", (size_t)count * sizeof *asking);
    for (int i = 0; i < count && !status; i++)
        descent_start(&fits[i]->descent, s->strengths[0]);
    for (int active; !status && (active = list_asking(s, fits, count, asking)) > 0;) {
        status = pass_run(pass, asking, active);
#pragma omp parallel for num_threads(s->threads) schedule(dynamic, 1) if (active * s->rows->depth > WORTH_THREADS)
        for (int i = 0; i < count; i++)
            if (!status && is_active(s, fits[i]))
                go_on(s, fits[i]);
        if (!status)
            status = take_failure(fits, count);
    }
    pass_close(pass);
    free(asking);
    return status;
}
