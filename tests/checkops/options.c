/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checkops/checkops.h"

#include <string.h>

/* Rows of values that contain each pair of two options' values at least once, made one after the other: a row begins
 * with a pair that is missing, and every other option takes the value that adds most pairs with those before. */
typedef struct {
    const Options *of;
    bool met[OPTIONS][LEVELS][OPTIONS][LEVELS]; /* the lower option first */
} Pairs;

static bool *pair_of(Pairs *pairs, int option, int value, int other, int its) {
    return option < other ? &pairs->met[option][value][other][its] : &pairs->met[other][its][option][value];
}

static bool is_excluded(const Options *options, int option, int value, int other, int its) {
    for (const OptionPair *p = options->never; p->option != p->other; p++)
        if ((p->option == option && p->value == value && p->other == other && p->its == its) ||
            (p->option == other && p->value == its && p->other == option && p->its == value))
            return true;
    return false;
}

/* The first pair that is missing, into a row of unset values. */
static bool begin_row(Pairs *pairs, int row[OPTIONS]) {
    const Options *of = pairs->of;
    for (int option = 0; option < OPTIONS; option++)
        row[option] = -1;
    for (int option = 0; option < of->count; option++)
        for (int value = 0; value < of->levels[option]; value++)
            for (int other = option + 1; other < of->count; other++)
                for (int its = 0; its < of->levels[other]; its++)
                    if (!*pair_of(pairs, option, value, other, its) && !is_excluded(of, option, value, other, its)) {
                        row[option] = value;
                        row[other] = its;
                        return true;
                    }
    return false;
}

/* How many pairs a value would add; below 0: it cannot be. */
static int count_added(Pairs *pairs, const int row[OPTIONS], int option, int value) {
    int added = 0;
    for (int other = 0; other < pairs->of->count; other++) {
        if (other == option || row[other] < 0)
            continue;
        if (is_excluded(pairs->of, option, value, other, row[other]))
            return -1;
        added += !*pair_of(pairs, option, value, other, row[other]);
    }
    return added;
}

/* Takes each value of an option in turn where none adds more than another. */
static int best_value(Pairs *pairs, const int row[OPTIONS], int option, int number) {
    const int levels = pairs->of->levels[option];
    int best = 0, most = -1;
    for (int i = 0; i < levels; i++) {
        const int value = (i + number) % levels, added = count_added(pairs, row, option, value);
        if (added > most) {
            most = added;
            best = value;
        }
    }
    return best;
}

static void complete_row(Pairs *pairs, int row[OPTIONS], int number) {
    const int count = pairs->of->count;
    for (int option = 0; option < count; option++)
        if (row[option] < 0)
            row[option] = best_value(pairs, row, option, number);
    for (int option = 0; option < count; option++)
        for (int other = option + 1; other < count; other++)
            *pair_of(pairs, option, row[option], other, row[other]) = true;
}

static bool is_possible(const Options *options, const int chosen[]) {
    for (int option = 0; option < options->count; option++)
        for (int other = option + 1; other < options->count; other++)
            if (is_excluded(options, option, chosen[option], other, chosen[other]))
                return false;
    return true;
}

void check_options(Check *check, const Options *options, int chosen[]) {
    Pairs pairs = {.of = options};
    int row[OPTIONS], number = 1;
    do
        for (int option = 0; option < options->count; option++)
            chosen[option] = check_between(check, 0, options->levels[option] - 1);
    while (!is_possible(options, chosen));
    for (; begin_row(&pairs, row); number++) {
        complete_row(&pairs, row, number);
        if (number == check->round)
            memcpy(chosen, row, (size_t)options->count * sizeof *chosen);
    }
    if (number > ROUNDS)
        check_fail(check, "the pairs of its options take %d rounds", number);
}
