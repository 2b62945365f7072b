/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_report.h"

#include <stdlib.h>

static double share_percent(const ProfileFigures *figures, double seconds) {
    return figures->seconds > 0 ? 100 * seconds / figures->seconds : 0;
}

static void print_phases(const ProfileFigures *figures, FILE *out) {
    const double steps = (double)figures->steps;
    fprintf(out, "\n%-24s %9s %6s\n", "phase", "ms/step", "share");
    for (int i = 0; i < PHASES; i++)
        if (figures->phases[i] > 0)
            fprintf(out, "%-24s %9.3f %5.1f%%\n", phase_names[i], figures->phases[i] / steps * 1e3,
                    share_percent(figures, figures->phases[i]));
}

static int longer_first(const void *a, const void *b) {
    const double x = (*(const OperationFigures *const *)a)->seconds, y = (*(const OperationFigures *const *)b)->seconds;
    return x < y ? 1 : x > y ? -1 : 0;
}

static void print_operation(const ProfileFigures *figures, const OperationFigures *operation, FILE *out) {
    const double steps = (double)figures->steps, seconds = operation->seconds > 0 ? operation->seconds : 1e-9;
    fprintf(out, "%-24s %7.4g %9.3f %5.1f%% %9.2f %9.4f %8.2f ", operation_names[operation - figures->operations],
            (double)operation->calls / steps, operation->seconds / steps * 1e3,
            share_percent(figures, operation->seconds), operation->bytes / steps * 1e-6,
            operation->flops / steps * 1e-9, operation->bytes / seconds * 1e-9);
    if (operation->flops > 0)
        fprintf(out, "%9.1f", operation->flops / seconds * 1e-9);
    else
        fprintf(out, "%9s", "-");
    fprintf(out, " %9.3f %7.0f%%\n", operation->floor / steps * 1e3, 100 * operation->floor / seconds);
}

static void print_operations(const ProfileFigures *figures, FILE *out) {
    const OperationFigures *order[OPERATION_COUNT];
    OperationFigures sum = {0};
    for (int i = 0; i < OPERATION_COUNT; i++) {
        order[i] = &figures->operations[i];
        sum.seconds += order[i]->seconds;
        sum.floor += order[i]->floor;
    }
    qsort(order, OPERATION_COUNT, sizeof *order, longer_first);
    fprintf(out, "\n%-24s %7s %9s %6s %9s %9s %8s %9s %9s %8s\n", "operation", "calls", "ms/step", "share", "MB",
            "GFLOP", "GB/s", "GFLOP/s", "floor ms", "of time");
    for (int i = 0; i < OPERATION_COUNT && order[i]->calls; i++)
        print_operation(figures, order[i], out);
    fprintf(out, "%-24s %7s %9.3f %5.1f%% %48.3f %7.0f%%\n", "all of them", "",
            sum.seconds / (double)figures->steps * 1e3, share_percent(figures, sum.seconds),
            sum.floor / (double)figures->steps * 1e3, sum.seconds > 0 ? 100 * sum.floor / sum.seconds : 0);
}

void profile_report(const ProfileFigures *figures, FILE *out) {
    print_phases(figures, out);
    print_operations(figures, out);
    fputs(
        "MB and GFLOP are computed from the shapes, each tensor read or written once; the floor is their time at the\n"
        "ceilings, above 100% where caches are faster than the copy, or FP8 or another shape than the square "
        "product\n\n",
        out);
    fprintf(out, "idle     %.1f%% of the %.3f ms of a step by itself: ",
            share_percent(figures, figures->idle_between_steps + figures->idle_between_operations),
            figures->seconds / (double)figures->steps * 1e3);
    fprintf(out, "%.1f%% before its first and after its last operation, %.1f%% between operations\n",
            share_percent(figures, figures->idle_between_steps),
            share_percent(figures, figures->idle_between_operations));
}
