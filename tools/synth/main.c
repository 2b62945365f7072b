/* SPDX-License-Identifier: Apache-2.0 */
/* synth: draws colour fundus photographs with labels; see arguments.c for its use and anatomy.h for its rules. */
#include "base/program.h"
#include "base/threads.h"
#include "tools/synth/aireadi.h"
#include "tools/synth/arguments.h"
#include "tools/synth/folder.h"
#include "tools/synth/plant.h"
#include "tools/synth/split.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const Arguments *arguments;
    Photograph *photographs;
    atomic_llong next;    /* eye to be drawn */
    atomic_bool failed;   /* no further eye is started */
    pthread_mutex_t lock; /* of status */
    Status status;        /* the first failure */
} Work;

static void fail(Work *work, Status status) {
    atomic_store(&work->failed, true);
    pthread_mutex_lock(&work->lock);
    if (work->status)
        status_free(status);
    else
        work->status = status;
    pthread_mutex_unlock(&work->lock);
}

static void *draw_eyes(void *context) {
    Work *work = context;
    const Arguments *arguments = work->arguments;
    while (!atomic_load(&work->failed)) {
        int64_t eye = atomic_fetch_add(&work->next, 1);
        int64_t first = eye * arguments->visits, left = arguments->images - first;
        if (left <= 0)
            break;
        int visits = left < arguments->visits ? (int)left : arguments->visits;
        Status status = photograph_eye(arguments, eye / 2, (int)(eye % 2), split_of(arguments, eye / 2), visits,
                                       work->photographs + first);
        if (status)
            fail(work, status);
    }
    return NULL;
}

/* Draws with the caller's thread and the others that could be started. */
static Status draw_all(const Arguments *arguments, Photograph *photographs) {
    Work work = {.arguments = arguments, .photographs = photographs, .lock = PTHREAD_MUTEX_INITIALIZER};
    Threads others;
    status_free(threads_start(&others, arguments->threads - 1, "drawing", draw_eyes, &work));
    draw_eyes(&work);
    threads_join(&others);
    return work.status;
}

static Status run(void *context) {
    Arguments *arguments = context;
    TRY(arguments_settle(arguments));
    const bool aireadi = arguments->layout == LAYOUT_AIREADI;
    Photograph *photographs = calloc((size_t)arguments->images, sizeof *photographs);
    if (!photographs)
        return status_no_memory("the labels", (unsigned long long)arguments->images * sizeof *photographs);
    Status status = plant_deal(arguments, photographs);
    if (!status)
        status = aireadi ? aireadi_prepare(arguments) : folder_prepare(arguments);
    if (!status)
        status = draw_all(arguments, photographs);
    if (!status)
        status = aireadi ? aireadi_tables(arguments, photographs, arguments->images)
                         : folder_label(arguments, photographs, arguments->images);
    free(photographs);
    if (!status)
        printf("%lld photographs of %lld people in %s\n", (long long)arguments->images, (long long)arguments->people,
               arguments->out);
    return status;
}

int main(int argc, char **argv) {
    Arguments arguments = {0};
    return program_main(&synth_program, argc, argv, &arguments, run);
}
