/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/source.h"

#include <stdlib.h>

void source_close(StageSource *source) {
    for (int64_t i = 0; i < source->count; i++) {
        StageInput *input = &source->inputs[i];
        free(input->path);
        free(input->person);
        free(input->device);
        free(input->modality);
        free(input->labels);
        free(input->excluded);
        free(input->bad);
    }
    free(source->inputs);
    for (int i = 0; source->info.label_names && i < source->info.label_count; i++)
        free(source->info.label_names[i]);
    free(source->info.label_names);
    free(source->info.dataset);
    free(source->info.dataset_version);
    free(source->root);
    free(source->notes);
    free(source->told);
    *source = (StageSource){0};
}
