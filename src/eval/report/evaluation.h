/* SPDX-License-Identifier: Apache-2.0 */
/* What a call of ./eval found: all that its reports print. */
#ifndef FOVEA_EVAL_EVALUATION_H
#define FOVEA_EVAL_EVALUATION_H

#include "eval/adapt/adapter.h"
#include "eval/control/verdict.h"
#include "eval/features/encoder.h"
#include "eval/score/comparison.h"
#include "eval/score/scores.h"
#include "eval/task/cohort.h"

/* A checkpoint, adapted to the task and tested. */
typedef struct {
    char *name;          /* as it was given, or the path of a run's checkpoint */
    Encoder encoder;     /* closed by now, except for name, source, shape, type, resize and sha256 */
    char *adapted;       /* how: "linear probe of 384 features, C = 0.316" */
    int64_t step;        /* of the training, -1: not known; */
    double share;        /* of its training, of a budget curve; else NAN */
    double *predictions; /* [rows.count][eval_values()], of val and test rows */
    Scores scores;
    double val;              /* the main metric on val, by which things were chosen */
    const Comparison *other; /* with evaluation_reference(), whose own it is not: this one less that one; else NULL */
    Comparison comparison;   /* what `other` points to */
    bool controlled;
    ControlResult control; /* where `controlled` */
    double *seed_scores;   /* [seed_count], the main metric of fine-tuning with other seeds, the first one's first */
    int seed_count;        /* 0 unless fine-tuned with several */
} Evaluated;

typedef struct {
    uint8_t *bytes; /* owned */
    size_t size;
} PngFile;

/* A test image and the attention rollout of evaluation_shown()'s encoder over it. */
typedef struct {
    bool right;          /* the call is the label; of numbers: one of the smallest errors, not of the largest */
    double label, call;  /* a class, or a number */
    double probability;  /* of the called class; NAN for numbers */
    double least, most;  /* shares of patches in the rollout, 1: that of the mean patch */
    PngFile image, heat; /* [side][side] pixels: as the encoder sees it; under the rollout's colours */
    int side;
} Example;

enum { EXAMPLES_EACH = 3, EXAMPLES = 2 * EXAMPLES_EACH };

typedef struct {
    const TaskConfig *task;
    const char *task_path;
    char *task_name;        /* the file's, without folder and .ini */
    char task_hash[17];     /* of the resolved task, hexadecimal */
    const EvalRows *rows;   /* that were scored */
    const Cohort *cohort;   /* that trained and chose */
    const Cohort *external; /* that the test rows are from, where it is another one; else NULL */
    const char *external_path;
    MainMetric metric;
    Resampling resampling;
    Evaluated *list; /* [count]; the baseline last */
    int count;
    int baseline;               /* its number in the list; -1: none was given */
    int64_t unreadable;         /* records left out because they could not be read */
    int64_t reads_before;       /* how often this test split had been read before this call */
    double seconds;             /* that the call took */
    Example examples[EXAMPLES]; /* [example_count], right ones first */
    int example_count;
    const char *no_examples; /* why there are none, static; NULL: there are */
} Evaluation;

/* The checkpoint that reports show in full: of a curve over a training the longest trained, else the first. */
static inline const Evaluated *evaluation_shown(const Evaluation *evaluation) {
    const Evaluated *shown = &evaluation->list[0];
    for (int i = 1; i < evaluation->count; i++)
        if (evaluation->list[i].share > shown->share)
            shown = &evaluation->list[i];
    return shown;
}

/* The number of the checkpoint that the others are compared with: the baseline, else the first; -1: there is one only.
 */
static inline int evaluation_reference(const Evaluation *evaluation) {
    return evaluation->baseline >= 0 ? evaluation->baseline : evaluation->count > 1 ? 0 : -1;
}

#endif
