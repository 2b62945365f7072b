#include "source.h"

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
    for (int i = 0; source->about.label_names && i < source->about.label_count; i++)
        free(source->about.label_names[i]);
    free(source->about.label_names);
    free(source->about.dataset);
    free(source->about.dataset_version);
    free(source->root);
    free(source->notes);
    free(source->told);
    *source = (StageSource){0};
}
