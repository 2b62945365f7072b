/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/arguments.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static Status read_integer(const char *option, const char *text, int64_t low, int64_t high, int64_t *value) {
    char *end;
    errno = 0;
    long long read = strtoll(text, &end, 10);
    if (end == text || *end || errno || read < low || read > high)
        return status_error(EXIT_USAGE, "synth: %s takes a whole number from %lld to %lld, not '%s'", option,
                            (long long)low, (long long)high, text);
    *value = read;
    return NULL;
}

static Status read_share(const char *option, const char *text, double *value) {
    char *end;
    double read = strtod(text, &end);
    if (end == text || *end || !(read >= 0.0 && read < 1.0))
        return status_error(EXIT_USAGE, "synth: %s takes a share of the people, 0 or more and below 1, not '%s'",
                            option, text);
    *value = read;
    return NULL;
}

/* The place of `text` in `names`, which ends with a NULL. */
static Status read_choice(const char *option, const char *text, const char *const *names, int *choice) {
    for (*choice = 0; names[*choice]; ++*choice)
        if (!strcmp(text, names[*choice]))
            return NULL;
    return status_error(EXIT_USAGE, "synth: %s does not take '%s'; see synth --help", option, text);
}

static Status read_choices(const char *option, const char *text, Arguments *arguments, bool *known) {
    static const char *const formats[] = {"jpeg", "png", "mixed", NULL}, *const layouts[] = {"folder", "aireadi", NULL},
                             *const plants[] = {"none", "damage", "splits", "copies", NULL};
    int choice = 0;
    *known = true;
    if (!strcmp(option, "--format")) {
        TRY(read_choice(option, text, formats, &choice));
        arguments->format = (Format)choice;
    } else if (!strcmp(option, "--layout")) {
        TRY(read_choice(option, text, layouts, &choice));
        arguments->layout = (Layout)choice;
    } else if (!strcmp(option, "--plant")) {
        TRY(read_choice(option, text, plants, &choice));
        arguments->plant = (Planting)choice;
    } else {
        *known = false;
    }
    return NULL;
}

static Status read_int(const char *option, const char *text, int low, int high, int *value) {
    int64_t read = *value;
    Status status = read_integer(option, text, low, high, &read);
    *value = (int)read;
    return status;
}

/* An option with a value. */
static Status read_option(const char *option, const char *text, Arguments *arguments) {
    if (!strcmp(option, "--people"))
        return read_integer(option, text, 1, 1000000, &arguments->people);
    if (!strcmp(option, "--images"))
        return read_integer(option, text, 1, 2000000, &arguments->images);
    if (!strcmp(option, "--visits"))
        return read_int(option, text, 1, 99, &arguments->visits);
    if (!strcmp(option, "--size"))
        return read_int(option, text, 64, 3000, &arguments->size);
    if (!strcmp(option, "--seed")) {
        int64_t seed = 0;
        TRY(read_integer(option, text, 0, INT64_MAX, &seed));
        arguments->seed = (uint64_t)seed;
        return NULL;
    }
    if (!strcmp(option, "--manifest"))
        return read_int(option, text, 1, 3, &arguments->manifest);
    if (!strcmp(option, "--mistakes"))
        return read_int(option, text, 1, 99, &arguments->mistakes);
    if (!strcmp(option, "--quality"))
        return read_int(option, text, 1, 100, &arguments->quality);
    if (!strcmp(option, "--threads"))
        return read_int(option, text, 1, 1024, &arguments->threads);
    if (!strcmp(option, "--val"))
        return read_share(option, text, &arguments->val);
    if (!strcmp(option, "--test"))
        return read_share(option, text, &arguments->test);
    bool known;
    TRY(read_choices(option, text, arguments, &known));
    if (known)
        return NULL;
    return status_error(EXIT_USAGE, "synth: unknown option %s; see synth --help", option);
}

/* The layout aireadi has its own numbers of everything, and options. */
static Status settle_layout(Arguments *arguments) {
    enum { VISITS = 3, MOST = 999, NEWEST = 3 };
    if (arguments->layout == LAYOUT_FOLDER)
        return arguments->plant || arguments->manifest || arguments->mistakes
                   ? status_error(EXIT_USAGE, "synth: --plant, --mistakes and --manifest go with --layout aireadi")
                   : NULL;
    if (arguments->visits != 1 || arguments->images || arguments->force || arguments->format)
        return status_error(EXIT_USAGE, "synth: --layout aireadi takes --people, and no --images, --visits, --format "
                                        "or --force");
    if (arguments->people > MOST)
        return status_error(EXIT_USAGE, "synth: --layout aireadi takes 1 to %d people", MOST);
    if (arguments->mistakes && !arguments->plant)
        return status_error(EXIT_USAGE, "synth: --mistakes of what? Give --plant damage, splits or copies");
    arguments->visits = VISITS;
    arguments->manifest = arguments->manifest ? arguments->manifest : NEWEST;
    arguments->mistakes = arguments->mistakes ? arguments->mistakes : 1;
    return NULL;
}

/* Fills in whichever of people and images was not given. */
static Status settle_counts(Arguments *arguments) {
    int64_t each = 2 * (int64_t)arguments->visits;
    if (arguments->people && arguments->images)
        return status_error(EXIT_USAGE, "synth: give --people or --images, not both");
    if (arguments->images)
        arguments->people = (arguments->images + each - 1) / each;
    else if (arguments->people)
        arguments->images = arguments->people * each;
    else
        return status_error(EXIT_USAGE, "synth: how many? give --people N or --images N");
    return NULL;
}

Status arguments_read(int argc, char **argv, Arguments *arguments) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    *arguments = (Arguments){.visits = 1,
                             .size = 256,
                             .quality = 92,
                             .threads = cores > 0 ? (int)cores : 1,
                             .seed = 1,
                             .val = 0.1,
                             .test = 0.1};
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
            arguments->help = true;
            return NULL;
        }
        if (!strcmp(word, "--force")) {
            arguments->force = true;
        } else if (word[0] == '-') {
            if (i + 1 == argc)
                return status_error(EXIT_USAGE, "synth: %s needs a value; see synth --help", word);
            TRY(read_option(word, argv[++i], arguments));
        } else if (arguments->out) {
            return status_error(EXIT_USAGE, "synth: one folder at a time: '%s' and '%s'", arguments->out, word);
        } else {
            arguments->out = word;
        }
    }
    if (!arguments->out || !*arguments->out)
        return status_error(EXIT_USAGE, "synth: into which folder? See synth --help");
    if (arguments->val + arguments->test >= 1.0)
        return status_error(EXIT_USAGE, "synth: --val and --test leave nobody to train on: they sum to %g",
                            arguments->val + arguments->test);
    TRY(settle_layout(arguments));
    return settle_counts(arguments);
}
