/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/command/job_end.h"
#include "base/status.h"
#include "pool/view/view_words.h"

#include <stdio.h>
#include <stdlib.h>

/* 126 and 127: the command cannot be run, or is not there. */
static int is_own_code(const cJSON *exit) {
    return cJSON_IsNumber(exit) && exit->valueint != 126 && exit->valueint != 127;
}

int job_end_code(const cJSON *line) {
    const cJSON *exit = cJSON_GetObjectItem(line, "exit"), *signal = cJSON_GetObjectItem(line, "signal");
    const char *reason = view_text(line, "reason");
    char *safe = NULL;
    Status status = view_safe(reason, &safe);
    if (!is_own_code(exit) && safe && *safe)
        fprintf(stderr, "pool: job %.0f: %s\n", view_real(line, "job"), safe);
    status_free(status);
    free(safe);
    if (cJSON_IsNumber(exit))
        return exit->valueint;
    return cJSON_IsNumber(signal) && signal->valueint > 0 ? 128 + signal->valueint : EXIT_REFUSED;
}
