/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/stage.h"
#include "base/files.h"
#include "stage/forget.h"
#include "stage/info.h"
#include "stage/split.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
    "usage: stage aireadi ROOT --out PACK [--modality cfp,ir,faf] [--device NAME] [options]\n"
    "       stage folder ROOT --out PACK [--kind SET] [--labels CSV] [--person COLUMN] [options]\n"
    "       stage verify PACK [--threads T]\n"
    "       stage info PACK [--sheet PNG [--anyway]]\n"
    "       stage split PACK [--val X] [--test X] [--seed S]\n"
    "       stage forget PACK [--delete]\n"
    "       stage --help\n";

static const char help[] =
    "\naireadi and folder turn raw photographs into a pack of verified square records that ./train reads: "
    "data.train=PACK.\n"
    "Every file is packed, quarantined or excluded, and PACK tells which and why (quarantine.tsv, findings.tsv, "
    "card.md).\n"
    "A call that was stopped goes on when it is made again, and ends with the same bytes.\n\n"
    "  --out PACK          the folder to make; one that holds something else is refused\n"
    "  --size N            pixels a side of a record (256)\n"
    "  --modality LIST     aireadi: of cfp, ir and faf (cfp)\n"
    "  --device NAME       aireadi: only this camera's, as topcon_triton\n"
    "  --kind SET          folder: a set known by name: aptos, messidor2, idrid, papila, eyepacs, odir (see data/)\n"
    "  --labels CSV        folder: a table of labels, a row a file; numbers become labels, a column split the split\n"
    "  --person COLUMN     folder: the column that names people\n"
    "  --splits TSV        lines PERSON<tab>SPLIT, above the set's own split; whoever is not there is left out\n"
    "  --md5 LIST          the download's MD5 sums, of md5sum, azcopy list --properties ContentMD5, or a table: every "
    "file\n                      is held against it\n"
    "  --exclude FILE      paths to leave out, one a line\n"
    "  --max-bad X         share of the files that may be quarantined, as 0.005 or 0.5% (0.5%)\n"
    "  --shard-mb N        size of a shard, at most (1024)\n"
    "  --threads T         (all cores); the pack does not depend on it\n\n"
    "AI-READI on several disks: retinal_photography, a modality's folder in it and clinical_data may be links; they "
    "are\n"
    "followed, and said. Links deeper in the tree may not lead out of ROOT: what lies behind them is refused.\n\n"
    "verify reads every shard and record against its checksums. info tells what a pack holds, and draws a contact "
    "sheet.\n"
    "split deals the people anew into train, val and test. forget lists every file derived into PACK, and deletes "
    "them.\n\n"
    "Exit codes: 0 done, 64 usage, 65 data (too much is quarantined, or something is refused), 74 input or output, 76\n"
    "memory.\n";

typedef struct {
    StageOptions stage;
    const char *command, *subject; /* ROOT or PACK */
    const char *sheet;
    bool anyway, remove;
    double val, test;
    int64_t seed;
} Arguments;

typedef enum { TEXT, WHOLE, SMALL, SHARE, FLAG } Kind;

/* An option: which commands take it, and where its value goes. */
typedef struct {
    const char *name, *commands; /* those separated by spaces */
    Kind kind;
    size_t offset; /* in Arguments */
    double low, high;
} Option;

#define AT(field) offsetof(Arguments, field)
static const Option options[] = {
    {"--out", "aireadi folder", TEXT, AT(stage.out), 0, 0},
    {"--size", "aireadi folder", SMALL, AT(stage.size), 16, 4096},
    {"--modality", "aireadi", TEXT, AT(stage.modalities), 0, 0},
    {"--device", "aireadi", TEXT, AT(stage.device), 0, 0},
    {"--kind", "folder", TEXT, AT(stage.kind), 0, 0},
    {"--labels", "folder", TEXT, AT(stage.labels), 0, 0},
    {"--person", "folder", TEXT, AT(stage.person), 0, 0},
    {"--splits", "aireadi folder", TEXT, AT(stage.splits), 0, 0},
    {"--md5", "aireadi folder", TEXT, AT(stage.md5), 0, 0},
    {"--exclude", "aireadi folder", TEXT, AT(stage.exclude), 0, 0},
    {"--max-bad", "aireadi folder", SHARE, AT(stage.max_bad), 0, 1},
    {"--shard-mb", "aireadi folder", WHOLE, AT(stage.shard_bytes), 1, 65536},
    {"--threads", "aireadi folder verify", SMALL, AT(stage.threads), 1, 1024},
    {"--sheet", "info", TEXT, AT(sheet), 0, 0},
    {"--anyway", "info", FLAG, AT(anyway), 0, 0},
    {"--val", "split", SHARE, AT(val), 0, 1},
    {"--test", "split", SHARE, AT(test), 0, 1},
    {"--seed", "split", WHOLE, AT(seed), 0, 9007199254740991.0},
    {"--delete", "forget", FLAG, AT(remove), 0, 0},
};

static Status bad_usage(const char *what, const char *which) {
    return status_error(EXIT_USAGE, "%s %s (stage --help shows the usage)", what, which);
}

/* Whether `word` is one of the words of `list`. */
static bool holds(const char *list, const char *word) {
    const size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at++)
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

static Status take_number(const Option *option, const char *text, void *place) {
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (option->kind == SHARE && end != text && *end == '%') {
        value /= 100;
        end++;
    }
    if (errno || end == text || *end || !(value >= option->low && value <= option->high) ||
        (option->kind != SHARE && value != floor(value)))
        return status_error(EXIT_USAGE, "%s wants %s from %.15g to %.15g, not '%s'", option->name,
                            option->kind == SHARE ? "a share" : "a whole number", option->low, option->high, text);
    if (option->kind == SHARE)
        *(double *)place = value;
    else if (option->kind == SMALL)
        *(int *)place = (int)value;
    else
        *(int64_t *)place = (int64_t)value;
    return NULL;
}

/* Takes the option argv[*i], with its value if it has one. */
static Status take_option(Arguments *arguments, char **argv, int *i) {
    const Option *option = NULL;
    for (size_t o = 0; o < sizeof options / sizeof *options; o++)
        if (strcmp(argv[*i], options[o].name) == 0)
            option = &options[o];
    if (!option)
        return bad_usage("unknown option", argv[*i]);
    if (!holds(option->commands, arguments->command))
        return status_error(EXIT_USAGE, "stage %s takes no %s (stage --help shows the usage)", arguments->command,
                            option->name);
    void *place = (char *)arguments + option->offset;
    if (option->kind == FLAG) {
        *(bool *)place = true;
        return NULL;
    }
    const char *value = argv[++*i];
    if (!value)
        return bad_usage("a value is missing after", option->name);
    if (option->kind != TEXT)
        return take_number(option, value, place);
    *(const char **)place = value;
    return NULL;
}

static Status parse(int argc, char **argv, Arguments *arguments) {
    if (argc < 2)
        return bad_usage("what is to be done?", "aireadi, folder, verify, info, split or forget");
    arguments->command = argv[1];
    if (!holds("aireadi folder verify info split forget", arguments->command) || strchr(arguments->command, ' '))
        return bad_usage("there is no command", arguments->command);
    for (int i = 2; i < argc; i++) {
        if (argv[i][0] == '-') {
            TRY(take_option(arguments, argv, &i));
        } else {
            if (arguments->subject)
                return bad_usage("one folder at a time, this is a second one:", argv[i]);
            arguments->subject = argv[i];
        }
    }
    if (!arguments->subject)
        return status_error(EXIT_USAGE, "stage %s which folder? (stage --help shows the usage)", arguments->command);
    const bool stages = holds("aireadi folder", arguments->command);
    if (stages && !arguments->stage.out)
        return bad_usage("where to? Give", "--out PACK");
    if (arguments->val + arguments->test >= 1)
        return bad_usage("--val and --test together leave nobody to train on:", "they have to be below 1");
    arguments->stage.layout = arguments->command;
    arguments->stage.root = arguments->subject;
    arguments->stage.shard_bytes <<= 20; /* given in MiB */
    return NULL;
}

static Status run(int argc, char **argv) {
    Arguments arguments = {.stage = {.size = 256, .max_bad = 0.005, .shard_bytes = 1024}, .seed = 1};
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            printf("%s%s", usage, help);
            return NULL;
        }
    TRY(parse(argc, argv, &arguments));
    if (strcmp(arguments.command, "verify") == 0)
        return stage_verify(arguments.subject, arguments.stage.threads);
    if (strcmp(arguments.command, "info") == 0)
        return stage_info(arguments.subject, arguments.sheet, arguments.anyway);
    if (strcmp(arguments.command, "split") == 0)
        return stage_split(arguments.subject, arguments.val, arguments.test, (uint64_t)arguments.seed);
    if (strcmp(arguments.command, "forget") == 0)
        return stage_forget(arguments.subject, arguments.remove);
    return stage_run(&arguments.stage);
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    /* What is made of licensed data is at most for the user's group; of other data, too, rather than by an option. */
    umask(umask(077) | 007);
    Status status = run(argc, argv);
    if ((fflush(stdout) || ferror(stdout)) && !status)
        status = files_failure("write", "the standard output", errno);
    if (status)
        fprintf(stderr, "stage: %s\n", status_message(status));
    const ExitCode code = status_code(status);
    status_free(status);
    return (int)code;
}
