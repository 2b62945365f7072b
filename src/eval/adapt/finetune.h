/* SPDX-License-Identifier: Apache-2.0 */
/* Fine-tuning as an adapter: for each label set a run of ./train from the encoder's weights, by a recipe that is one of
 * its configurations, towards the labels of the train rows. Of its checkpoints the best by val.metric on the val rows
 * predicts. EVAL_BINARY and EVAL_MULTICLASS train by classify, the others by the objective of their name. */
#ifndef FOVEA_EVAL_FINETUNE_H
#define FOVEA_EVAL_FINETUNE_H

#include "data/records.h"
#include "eval/adapt/adapter.h"
#include "model/model.h"

/* Borrowed while the adapter is open. */
typedef struct {
    const char *recipe; /* such as configs/finetune_classify.ini */
    char *const *sets;  /* "section.key=value" [set_count], before those that the task decides */
    int set_count;
    const char *weights;       /* init.from; NULL: random ones */
    const ModelShape *encoder; /* of the weights: its sizes, and the size of the images */
    const char *packs;         /* the task's, separated by commas */
    const Records *records;    /* opened of `packs`, of all splits */
    const Records *external;   /* of another set, which is only tested; NULL: none */
    const int64_t *record;     /* [rows of every later run()], of an external one records->count + its number there */
    const char *folder;        /* where runs are made and removed again */
} FinetuneOptions;

/* run() prints what ./train prints. Beside EXIT_DATA it returns what a run may end with: EXIT_USAGE for a recipe that
 * does not suit the task, EXIT_STOPPED, EXIT_DIVERGED ... Train and val rows must be of those splits in their packs.
 * Close with adapter->close(). */
Status finetune_open(const FinetuneOptions *options, Adapter **adapter) MUST_USE;

/* Of the first set of the last run(): the step whose checkpoint predicted, of how many; -1 before run() has succeeded.
 */
void finetune_chosen(const Adapter *adapter, int64_t *step, int64_t *steps);

#endif
