/* SPDX-License-Identifier: Apache-2.0 */
/* What turns labels into predictions: a linear probe, neighbours, fine-tuning. All of it that sees a label is behind
 * run(), so that a control can run the same again with other labels. */
#ifndef FOVEA_EVAL_ADAPTER_H
#define FOVEA_EVAL_ADAPTER_H

#include "eval/rows.h"

typedef struct Adapter Adapter;
struct Adapter {
    /* For each of `sets` label sets, labels[sets][rows->count][rows->outputs]: fits on its train rows, chooses what
     * there is to choose on its val rows, and predicts val and test rows into predictions[sets][rows->count]
     * [eval_values(rows)]; train rows get NAN. Each set's result is the one that it has alone, whichever others are
     * beside it: to the bit. rows->labels are not looked at. EXIT_DATA when a set cannot be learnt or chosen by: one
     * class only in train, or no figure on val. Labels that moved within their split have what the true ones have
     * there, so no set of a control meets that where the true labels do not. */
    Status (*run)(Adapter *self, const EvalRows *rows, const double *labels, int sets, double *predictions);
    void (*close)(Adapter *self);
};

#endif
