/* SPDX-License-Identifier: Apache-2.0 */
/* What a run trains for: the model and its loss behind one table, so that step, guard, plan, profile, validation and
 * checkpoints know no objective by name. An objective is one file with an ObjectiveKind (mae_objective.h) and a line in
 * objectives.c. */
#ifndef FOVEA_TRAIN_OBJECTIVE_H
#define FOVEA_TRAIN_OBJECTIVE_H

#include "base/arena.h"
#include "data/augment.h"
#include "data/evaluation_images.h"
#include "model/input.h"
#include "model/params.h"
#include "train/objective/targets.h"
#include "train/objective/validation.h"

typedef struct {
    ModelShape shape;
    int global_batch;       /* a multiple of shape.batch */
    uint64_t seed;          /* of everything that is drawn: initial weights, and what is keyed by a sample */
    const Targets *targets; /* borrowed; NULL while measuring */
    LookRange look;         /* with shape.looks */
} ObjectiveOptions;

/* An open objective. Every call takes the objective itself first. */
typedef struct Objective Objective;
struct Objective {
    const ModelShape *shape;
    Params *params;
    const double *loss_memory; /* where the device keeps the loss of the last backward pass */

    /* A LoaderExtra whose context is the objective: the numbers beside each sample of a training batch. */
    Status (*draw_extra)(const void *objective, uint32_t epoch, int64_t key, int32_t *extra);
    int extras; /* how many */

    /* Sets in an input of the host's memory, of samples `first` on of a whole batch, what `extras`
     * [global_batch][self->extras] say of them. They and the input stay in use until the slot's next call. */
    void (*take_extras)(Objective *self, int slot, const int32_t *extras, int first, ModelInput *host);
    /* input_upload() to the model's slots, and the bytes that it has copied so far. */
    Status (*upload)(Objective *self, int slot, Stream *stream, const ModelInput *host, ModelInput *input);
    uint64_t (*uploaded_bytes)(const Objective *self);

    /* Forward pass of training. Failures are kept in the table (ops_error()). */
    void (*forward)(Objective *self, const ModelInput *input);
    /* Computes and waits for the loss of the last forward pass, over its input. */
    Status (*loss)(Objective *self, double *loss);
    /* Gradient of grad_scale x the loss of the last forward pass, over the same input, into the parameters' grad; added
     * when `add`. */
    void (*backward)(Objective *self, const ModelInput *input, float grad_scale, bool add);
    /* Calls `visit` for each activation of the last forward pass. */
    void (*visit)(const Objective *self, ActivationVisit visit, void *context);

    /* Mean loss over the first `count` images, at least 1, and what else there is to measure; the same each time for
     * the same weights. */
    Status (*validate)(Objective *self, const EvaluationImages *images, int count, Validation *validation);
    /* What a linear model may read of each of `images`, seen whole, into features [count][shape->dim] in the host's
     * memory. */
    Status (*features)(Objective *self, const EvaluationImages *images, float *features);
    /* What evaluation reads of each of `images`, into values [count][self->values]: of an MAE the loss under the
     * image's fixed mask; of a labelled objective its prediction, in the labels' own unit or a probability of each
     * class or label. */
    Status (*evaluate)(Objective *self, const EvaluationImages *images, double *values);
    int values;
    /* Writes a PNG of the first `rows` images and of what the model makes of them; only where the kind draws. */
    Status (*draw)(Objective *self, const char *path, const EvaluationImages *images, int rows);
    void (*close)(Objective *self);
};

typedef struct {
    char text[160];
} ObjectiveText;

/* What is known of an objective before it is open. */
typedef struct {
    bool decay_tokens; /* OptimizerOptions.decay_tokens */
    bool draws;        /* Objective.draw */
    /* Reads the labels of the records and orders the training ones by them, see targets_open(). NULL: there are none.
     */
    Status (*read)(const Config *config, Records *train, const Records *val, const double *given, Targets *targets);
    /* Adds what open() takes to measuring arenas, of the host's memory and of a device's, whose operations work in
     * `type`. *params receives the table's numbers without its list and arrays. */
    Status (*measure)(const ObjectiveOptions *options, RealType type, bool host_memory, Arena *host, Arena *device,
                      Params *params);
    /* The most scratch memory that an operation of its passes needs on a GPU. */
    size_t (*scratch)(const ModelShape *shape, RealType type);
    int (*extras)(const ModelShape *shape); /* as Objective.extras */
    ObjectiveText (*describe)(const ModelShape *shape);
    /* The model with its initial weights. */
    Status (*open)(const ObjectiveOptions *options, Ops *ops, Objective **objective);
} ObjectiveKind;

#endif
