/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/binary.h"

#include <math.h>
#include <stdlib.h>

Status binary_wrong_label(double label, int64_t row) {
    return status_error(EXIT_DATA, "the label of row %lld is %g: it must be 0 or 1", (long long)row, label);
}

Status binary_open(const double *labels, const double *scores, int64_t stride, int64_t rows, Binary *binary) {
    const size_t room = (size_t)(rows ? rows : 1);
    *binary = (Binary){
        .scores = malloc(room * sizeof(double)), .positive = malloc(room), .source = malloc(room * sizeof(int64_t))};
    if (!binary->scores || !binary->positive || !binary->source)
        return status_no_memory("a list of labels", room * (sizeof(double) + sizeof(int64_t) + 1));
    for (int64_t row = 0; row < rows; row++) {
        const double label = labels[row * stride];
        if (isnan(label))
            continue;
        if (label != 0 && label != 1)
            return binary_wrong_label(label, row);
        binary->source[binary->count] = row;
        binary->scores[binary->count] = scores[row * stride];
        binary->positive[binary->count++] = label == 1;
        binary->positives += label == 1;
    }
    return NULL;
}

void binary_free(Binary *binary) {
    free(binary->scores);
    free(binary->positive);
    free(binary->source);
    *binary = (Binary){0};
}

Status binary_check_probabilities(const double *probabilities, int64_t count, int64_t width) {
    for (int64_t i = 0; i < count; i++)
        if (!(probabilities[i] >= 0 && probabilities[i] <= 1))
            return status_error(EXIT_DATA, "probability %lld of row %lld is %g: it must be from 0 to 1",
                                (long long)(i % width), (long long)(i / width), probabilities[i]);
    return NULL;
}
