/* SPDX-License-Identifier: Apache-2.0 */
/* compare_metrics CASES.json OUT.json
 *
 * Holds what metrics wrote against the recorded cases: every figure under `expected` must be there, null where null was
 * recorded. Prints each miss and the worst deviation of each kind, exits 1 when there is a miss. The figures were
 * recorded in double, so 1e-9 leaves room for another order of summation; logistic regressions (calibration*) end where
 * their solver stops, 1e-6; ece was recorded in float32, 2e-6; what comes from a bootstrap has the case's own
 * `tolerance`. */
#include "base/files.h"
#include "base/program.h"

#include <cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *recorded, *computed;
    int figures, missed;
    double worst;
} Comparison;

static double bound_of(const cJSON *recorded, const char *name, double value) {
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(recorded, "tolerance"), name);
    if (cJSON_IsNumber(own))
        return own->valuedouble;
    if (!strcmp(name, "ece"))
        return 2e-6;
    return !strncmp(name, "calibration", 11) ? 1e-6 : 1e-9 * fmax(1, fabs(value));
}

static void compare_value(Comparison *c, int number, const char *name, const cJSON *want, const cJSON *got,
                          double bound) {
    const bool both = cJSON_IsNumber(want) && cJSON_IsNumber(got);
    const double miss = both ? fabs(want->valuedouble - got->valuedouble) : 0;
    c->figures++;
    if (both ? miss <= bound : cJSON_IsNull(want) && cJSON_IsNull(got)) {
        c->worst = fmax(c->worst, miss / bound);
        return;
    }
    c->missed++;
    printf("# MISS case %d %s: want %.17g, got %.17g\n", number, name, cJSON_IsNumber(want) ? want->valuedouble : NAN,
           cJSON_IsNumber(got) ? got->valuedouble : NAN);
}

static void compare_case(Comparison *c, int number, const cJSON *recorded, const cJSON *computed) {
    const cJSON *want;
    cJSON_ArrayForEach(want, cJSON_GetObjectItemCaseSensitive(recorded, "expected")) {
        const cJSON *got =
            cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(computed, "metrics"), want->string);
        const int count = cJSON_IsArray(want) ? cJSON_GetArraySize(want) : -1;
        if (count >= 0 && (!cJSON_IsArray(got) || cJSON_GetArraySize(got) != count)) {
            c->missed++;
            printf("# MISS case %d %s: not a list of %d\n", number, want->string, count);
            continue;
        }
        if (count < 0)
            compare_value(c, number, want->string, want, got, bound_of(recorded, want->string, want->valuedouble));
        for (int i = 0; i < count; i++) {
            const cJSON *item = cJSON_GetArrayItem(want, i);
            compare_value(c, number, want->string, item, cJSON_GetArrayItem(got, i),
                          bound_of(recorded, want->string, item->valuedouble));
        }
    }
}

static Status read_cases(const char *path, cJSON **root, const cJSON **cases) {
    char *text;
    size_t size;
    TRY(files_read(path, &text, &size));
    *root = cJSON_ParseWithLengthOpts(text, size + 1, NULL, true);
    free(text);
    *cases = cJSON_GetObjectItemCaseSensitive(*root, "cases");
    return cJSON_IsArray(*cases) ? NULL : status_error(EXIT_DATA, "%s: no JSON with a list of cases", path);
}

static Status run(void *context) {
    Comparison *c = context;
    cJSON *roots[2] = {NULL, NULL};
    const cJSON *recorded, *computed;
    Status status = read_cases(c->recorded, &roots[0], &recorded);
    if (!status)
        status = read_cases(c->computed, &roots[1], &computed);
    const int count = status ? 0 : cJSON_GetArraySize(recorded);
    if (!status && count != cJSON_GetArraySize(computed))
        status = status_error(EXIT_DATA, "%s has %d cases, %s has %d", c->recorded, count, c->computed,
                              cJSON_GetArraySize(computed));
    for (int i = 0; i < count && !status; i++)
        compare_case(c, i, cJSON_GetArrayItem(recorded, i), cJSON_GetArrayItem(computed, i));
    cJSON_Delete(roots[0]);
    cJSON_Delete(roots[1]);
    if (!status)
        printf("# %d figures compared, %d missed; the worst is %.2g of its bound\n", c->figures, c->missed, c->worst);
    return status;
}

static const Option options[] = {
    {.name = "CASES.json", .type = OPTION_PATH, .offset = offsetof(Comparison, recorded), .help = "Recorded cases."},
    {.name = "OUT.json", .type = OPTION_PATH, .offset = offsetof(Comparison, computed), .help = "What metrics wrote."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_DATA, EXIT_IO, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {
    .name = "compare_metrics",
    .about = "Compares what metrics wrote with the recorded cases. Exits with 1 when a figure is missed.",
    .options = options,
    .exits = exits};

int main(int count, char **arguments) {
    Comparison c = {0};
    const int code = program_main(&program, count, arguments, &c, run);
    return code ? code : c.missed || !c.figures;
}
