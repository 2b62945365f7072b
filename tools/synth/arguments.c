/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/arguments.h"
#include "base/threads.h"

static const char *const formats[] = {"jpeg", "png", "mixed", NULL};
static const char *const layouts[] = {"folder", "aireadi", NULL};
static const char *const plants[] = {"none", "damage", "splits", "copies", NULL};

#define AT(field) offsetof(Arguments, field)

static const Option options[] = {
    {.name = "OUT", .type = OPTION_PATH, .offset = AT(out), .help = "Folder to draw into; it must be empty or new."},
    {.name = "--people",
     .value = "N",
     .type = OPTION_INTEGER,
     .offset = AT(people),
     .min = 1,
     .max = 1000000,
     .help = "Number of people; each has a right and a left eye."},
    {.name = "--images",
     .value = "N",
     .type = OPTION_INTEGER,
     .offset = AT(images),
     .min = 1,
     .max = 2000000,
     .help = "Number of photographs, of as many people as needed."},
    {.name = "--visits",
     .value = "V",
     .type = OPTION_INT,
     .offset = AT(visits),
     .min = 1,
     .max = 99,
     .fallback = "1",
     .help = "Photographs of each eye."},
    {.name = "--size",
     .value = "PX",
     .type = OPTION_INT,
     .offset = AT(size),
     .min = 64,
     .max = 3000,
     .fallback = "256",
     .help = "Side of a photograph in pixels, 64 to 3000."},
    {.name = "--seed",
     .value = "S",
     .type = OPTION_INTEGER,
     .offset = AT(seed),
     .min = 0,
     .max = OPTION_NO_LIMIT,
     .fallback = "1",
     .help = "Seed; another one draws other people."},
    {.name = "--format",
     .type = OPTION_CHOICE,
     .choices = formats,
     .offset = AT(format),
     .fallback = "jpeg",
     .help = "Format of the files; mixed draws one of the two for each."},
    {.name = "--quality",
     .value = "Q",
     .type = OPTION_INT,
     .offset = AT(quality),
     .min = 1,
     .max = 100,
     .fallback = "92",
     .help = "JPEG quality, 1 to 100."},
    {.name = "--val",
     .value = "SHARE",
     .type = OPTION_SHARE,
     .offset = AT(val),
     .min = 0,
     .max = 1,
     .fallback = "0.1",
     .help = "Share of the people in the validation split."},
    {.name = "--test",
     .value = "SHARE",
     .type = OPTION_SHARE,
     .offset = AT(test),
     .min = 0,
     .max = 1,
     .fallback = "0.1",
     .help = "Share of the people in the test split."},
    {.name = "--threads",
     .value = "T",
     .type = OPTION_INT,
     .offset = AT(threads),
     .min = 1,
     .max = 1024,
     .unset = "all cores",
     .help = "Number of threads; the files do not depend on it. At 3000 pixels each thread needs "
             "200 MB of memory."},
    {.name = "--force",
     .type = OPTION_FLAG,
     .offset = AT(force),
     .help = "Draws into a folder that is not empty; the photographs that its labels.csv lists are deleted first."},
    {.name = "--layout",
     .type = OPTION_CHOICE,
     .choices = layouts,
     .offset = AT(layout),
     .fallback = "folder",
     .help = "Layout of OUT: folders of photographs, or the tree of an AI-READI download."},
    {.name = "--manifest",
     .value = "V",
     .type = OPTION_INT,
     .offset = AT(manifest),
     .min = 1,
     .max = 3,
     .unset = "3",
     .help = "With --layout aireadi: the release, 1 to 3, whose columns and paths the tables have."},
    {.name = "--plant",
     .type = OPTION_CHOICE,
     .choices = plants,
     .offset = AT(plant),
     .fallback = "none",
     .help = "With --layout aireadi: the mistakes to plant. damage: files and rows that are bad, excluded or warned "
             "about. splits: tables for which the whole download is refused, with people in two splits and paths that "
             "lead out of the root. copies: the same file under two people, in two splits and in one."},
    {.name = "--mistakes",
     .value = "K",
     .type = OPTION_INT,
     .offset = AT(mistakes),
     .min = 1,
     .max = 99,
     .unset = "1",
     .help = "With --plant: mistakes of each kind, at most one for each person. damage needs 28 people times K, splits "
             "and copies 4."},
    {0},
};

static const char *const examples[] = {
    "synth demo/data --images 2000 --size 256",
    "synth aireadi --layout aireadi --people 60 --plant damage",
    NULL,
};

static const ExitCode exits[] = {EXIT_USAGE, EXIT_INTERNAL, EXIT_IO, EXIT_NO_MEMORY, EXIT_OK};

const Program synth_program = {
    .name = "synth",
    .summary = "draw colour fundus photographs of people who do not exist",
    .about =
        "Draws colour fundus photographs of people who do not exist, by rules written by hand, into "
        "OUT/{train,val,test}/PERSON_EYE_VISIT.jpg, and lists what was drawn in OUT/labels.csv. Give either --people "
        "N or --images N.",
    .options = options,
    .notes =
        "The columns of labels.csv are file, split, person, eye (R or L), visit, device, lesions (1 if the "
        "photograph shows any), grade of retinopathy (0 to 4), tortuosity (length of the drawn vessels over their "
        "length without winding), cup_to_disc (vertical) and age.\n"
        "--layout aireadi draws AI-READI's tree of DICOM files with its tables, for stage aireadi: of each eye a "
        "colour, an infrared and an autofluorescence image, in several encodings. It takes --people, up to 999, but "
        "not --images, --visits, --format or --force. With --plant, OUT/truth.tsv lists what was planted: fate, "
        "kind, path and other, as stage lists them in findings.tsv.",
    .examples = examples,
    .exits = exits,
};

/* The layout aireadi has its own numbers of everything, and options. */
static Status settle_layout(Arguments *arguments) {
    enum { VISITS = 3, MAX_PEOPLE = 999, NEWEST = 3 };
    if (arguments->layout == LAYOUT_FOLDER)
        return arguments->plant || arguments->manifest || arguments->mistakes
                   ? status_error(EXIT_USAGE, "--plant, --mistakes and --manifest go with --layout aireadi")
                   : NULL;
    if (arguments->visits != 1 || arguments->images || arguments->force || arguments->format)
        return status_error(EXIT_USAGE, "--layout aireadi takes --people, but not --images, --visits, --format or "
                                        "--force");
    if (arguments->people > MAX_PEOPLE)
        return status_error(EXIT_USAGE, "--layout aireadi takes 1 to %d people", MAX_PEOPLE);
    if (arguments->mistakes && !arguments->plant)
        return status_error(EXIT_USAGE, "--mistakes needs --plant damage, splits or copies");
    arguments->visits = VISITS;
    arguments->manifest = arguments->manifest ? arguments->manifest : NEWEST;
    arguments->mistakes = arguments->mistakes ? arguments->mistakes : 1;
    return NULL;
}

/* Fills in whichever of people and images was not given. */
static Status settle_counts(Arguments *arguments) {
    int64_t each = 2 * (int64_t)arguments->visits;
    if (arguments->people && arguments->images)
        return status_error(EXIT_USAGE, "--people and --images exclude each other: give one of them");
    if (arguments->images)
        arguments->people = (arguments->images + each - 1) / each;
    else if (arguments->people)
        arguments->images = arguments->people * each;
    else
        return status_error(EXIT_USAGE, "missing --people N or --images N");
    return NULL;
}

Status arguments_settle(Arguments *arguments) {
    if (!arguments->threads)
        arguments->threads = threads_available();
    if (!*arguments->out)
        return status_error(EXIT_USAGE, "OUT is empty: name a folder");
    if (arguments->val + arguments->test >= 1.0)
        return status_error(EXIT_USAGE,
                            "--val and --test leave no people for training: their sum is %g and must be "
                            "below 1",
                            arguments->val + arguments->test);
    TRY(settle_layout(arguments));
    return settle_counts(arguments);
}
