/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/rule/rule_match.h"
#include "base/text_writer.h"
#include "pool/rule/rule_names.h"

#include <stdlib.h>

static Status refuse_missing(const Rule *rule, const RuleGpu *gpu, const Gauges *gauges) {
    TextWriter writer;
    char *there;
    TRY(text_writer_open(&writer, "a list of GPUs"));
    for (int i = 0; i < gauges_count(gauges); i++)
        fprintf(writer.out, "%s%s (%s, %s)", i ? ", " : "", gauges_gpu(gauges, i)->uuid, gauges_gpu(gauges, i)->name,
                gauges_gpu(gauges, i)->pci);
    TRY(text_writer_take(&writer, &there));
    Status status = gauges_count(gauges)
                        ? status_error(EXIT_DATA, "%s:%d: gpus.%d: %s is not on this machine, which has %s", rule->path,
                                       gpu->line, gpu->number, gpu->id, there)
                        : status_error(EXIT_DATA, "%s:%d: gpus.%d: %s cannot be found: %s", rule->path, gpu->line,
                                       gpu->number, gpu->id, gauges_missing(gauges));
    free(there);
    return status;
}

Status rule_match(const Rule *rule, const Gauges *gauges, int *devices) {
    for (int i = 0; i < rule->gpu_count; i++) {
        const RuleGpu *gpu = &rule->gpus[i];
        devices[i] = -1;
        if (gpu->cpu)
            continue;
        const int index = rule_read_number(gpu->id);
        devices[i] = index < 0 ? gauges_find(gauges, gpu->id) : index < gauges_count(gauges) ? index : -1;
        if (devices[i] < 0)
            return refuse_missing(rule, gpu, gauges);
        for (int j = 0; j < i; j++)
            if (devices[j] == devices[i])
                return status_error(EXIT_DATA, "%s:%d: gpus.%d: %s is GPU %d already, which line %d calls %s; keep one",
                                    rule->path, gpu->line, gpu->number, gpu->id, rule->gpus[j].number,
                                    rule->gpus[j].line, rule->gpus[j].id);
    }
    return NULL;
}
