/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/manual/man.h"

#include "base/options/options_help.h"
#include "base/version.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 300, SENTENCE = 1200 };

/* What several programs read and write; the page of a program has the rows that name it. */
typedef struct {
    const char *programs, *name, *text;
} Shared;

static const Shared environment[] = {
    {"train", "CUDA_VISIBLE_DEVICES", "The GPUs that the program may use, as for any CUDA program."},
    {"train", "LD_LIBRARY_PATH",
     "Folders of the CUDA libraries (libcublasLt, libcudnn) where the system's loader does not find them."},
    {"train", "GOMP_SPINCOUNT, OMP_WAIT_POLICY",
     "How OpenMP threads wait. Without either the program sets GOMP_SPINCOUNT to 1000, so that idle threads sleep."},
    {"train", "FOVEA_LEASE",
     "FILE:EPOCH of the pool's lease: no checkpoint is written once FILE contains another number."},
    {"pool", "FOVEA_POOL", "Folder of the pool's state, unless --state names one."},
    {"pool", "NO_COLOR", "Set to anything, it takes the colours out of tables; only terminals get them."},
    {"pool", "CUDA_VISIBLE_DEVICES, CUDA_DEVICE_ORDER, FOVEA_LEASE, FOVEA_JOB, FOVEA_GPUS",
     "Set for each job: the UUIDs of its GPUs (none in a slot without a GPU), PCI_BUS_ID, FILE:EPOCH of its lease, its "
     "number, and its GPUs' numbers in the rule."},
    {NULL, NULL, NULL},
};

static const Shared files[] = {
    {"train", "runs/NAME/", "Run directory of NAME.ini, unless run.dir names another."},
    {"train", "libfovea_cuda.so", "CUDA backend; looked up beside the program's file and in the two folders above it."},
    {"train", "PREFIX/share/fovea/configs/", "Configurations to start from, after make install PREFIX=PREFIX."},
    {"stage", "PACK/pack.json, PACK/shards/", "The records that train reads."},
    {"stage", "PACK/card.md, PACK/findings.tsv, PACK/quarantine.tsv",
     "What the pack contains, what was found in the download, and the files that were quarantined."},
    {"eval", "TASK.reads.jsonl", "A line for each checkpoint that was tested on the task, beside its file."},
    {"eval", "RUN/eval/features-HASH.h5", "Features that were computed before; they may be removed."},
    {"convert", "runs/NAME/ckpt/best/", "A folder that IN may be: a checkpoint of train."},
    {"convert", "FOLDER/model.safetensors, FOLDER/model.safetensors.index.json, FOLDER/pytorch_model.bin",
     "What is read of another folder; the index names its shards."},
    {"pool", "STATE/rule.ini", "The rule of a daemon that is started without --rule."},
    {"pool", "STATE/pool.db, STATE/pool.db.bak", "The database, and its copy of the day."},
    {"pool", "STATE/jobs/JOB/log", "What a submitted job wrote; read by pool logs."},
    {"pool", "STATE/socket", "Where the daemon answers."},
    {"pool", "STATE/lock", "The number of the daemon's process, which holds it."},
    {"pool", "STATE/daemon.log", "The messages of a daemon that started by itself."},
    {"pool", "runs/sweeps/NAME/", "The trials of a sweep: a run directory each."},
    {"synth", "OUT/labels.csv, OUT/truth.tsv", "What was drawn, and the mistakes that were planted."},
    {NULL, NULL, NULL},
};

/* Text as it is: no character is taken for a request, and hyphens can be copied. */
static void print_bytes(const char *text, size_t length, FILE *out) {
    for (size_t i = 0; i < length; i++) {
        if ((i == 0 || text[i - 1] == '\n') && (text[i] == '.' || text[i] == '\''))
            fputs("\\&", out);
        if (text[i] == '\\')
            fputs("\\e", out);
        else if (text[i] == '-')
            fputs("\\-", out);
        else
            fputc(text[i], out);
    }
}

static void print_text(const char *text, FILE *out) {
    print_bytes(text, strlen(text), out);
}

static void print_styled(const char *style, const char *text, FILE *out) {
    fprintf(out, "\\f%s", style);
    print_text(text, out);
    fputs("\\fP", out);
}

static void print_section(const char *name, FILE *out) {
    fprintf(out, ".SH %s\n", name);
}

/* Paragraphs, one a line of `text`. */
static void print_paragraphs(const char *text, FILE *out) {
    for (const char *at = text; at && *at;) {
        const size_t length = strcspn(at, "\n");
        fputs(".PP\n", out);
        print_bytes(at, length, out);
        fputc('\n', out);
        at += length + (at[length] == '\n');
    }
}

static void print_usage(const Program *program, int command, FILE *out) {
    char usage[SENTENCE];
    options_help_usage(program, command, usage, sizeof usage);
    fputs(".B ", out);
    print_text(usage, out);
    fputs("\n.br\n", out);
}

static void print_option(const Program *program, const Option *option, FILE *out) {
    char entry[WORDS], sentence[SENTENCE];
    options_help_entry(program, option, entry, sizeof entry);
    options_help_sentence(program, option, sentence, sizeof sentence);
    fputs(".TP\n", out);
    print_styled("B", entry + strspn(entry, " "), out);
    fputc('\n', out);
    print_text(sentence, out);
    if (option->commands) {
        fputs(" Commands: ", out);
        for (const char *at = option->commands; *at; at++)
            fputs(*at == ' ' ? ", " : (char[]){*at, '\0'}, out);
        fputc('.', out);
    }
    fputc('\n', out);
}

static void print_options(const Program *program, FILE *out) {
    print_section("OPTIONS", out);
    for (const Option *option = program->options; option->name; option++)
        if (!option->renamed)
            print_option(program, option, out);
    for (const Option *option = options_common; option->name; option++)
        print_option(program, option, out);
}

static void print_commands(const Program *program, FILE *out) {
    print_section("COMMANDS", out);
    for (const ProgramCommand *command = program->commands; command->name; command++) {
        fputs(".TP\n", out);
        print_styled("B", command->name, out);
        fputc('\n', out);
        print_text(command->help, out);
        if (command->notes) {
            fputc(' ', out);
            print_text(command->notes, out);
        }
        fputc('\n', out);
    }
}

/* Topics as --help prints them: a line that starts in the first column is a name, indented lines are its text. */
static Status print_topics(const Program *program, FILE *out) {
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    Status status = memory ? program->topics.explain(NULL, memory) : status_no_memory("a man page", WORDS);
    if (memory && fclose(memory) && !status)
        status = status_no_memory("a man page", size);
    for (const char *c = program->topics.title; !status && *c; c++)
        fprintf(out, "%s%c", c == program->topics.title ? ".SH " : "", toupper((unsigned char)*c));
    char *rest = NULL;
    for (char *line = strtok_r(status ? NULL : text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (*line == ' ') {
            fputc('\n', out);
            print_text(line + strspn(line, " "), out);
            continue;
        }
        const size_t name = strcspn(line, " ");
        fputs("\n.TP\n", out);
        fputs("\\fB", out);
        print_bytes(line, name, out);
        fputs("\\fP", out);
        const char *kind = line + name + strspn(line + name, " ");
        fputs(*kind ? " " : "", out);
        print_text(kind, out);
    }
    fputs(status ? "" : "\n", out);
    free(text);
    return status;
}

static void print_examples(const Program *program, FILE *out) {
    print_section("EXAMPLES", out);
    fputs(".nf\n", out);
    for (const char *const *example = program->examples; example && *example; example++) {
        print_text(*example, out);
        fputc('\n', out);
    }
    fputs(".fi\n", out);
}

static void print_exit(ExitCode code, FILE *out) {
    fprintf(out, ".TP\n.B %d\n", (int)code);
    print_text(options_help_exit(code), out);
    fputc('\n', out);
}

static void print_exits(const Program *program, FILE *out) {
    print_section("EXIT STATUS", out);
    print_exit(EXIT_OK, out);
    for (const ExitCode *code = program->exits; code && *code; code++)
        print_exit(*code, out);
}

static void print_shared(const char *name, const Program *program, const Shared *rows, FILE *out) {
    bool any = false;
    for (const Shared *row = rows; row->name; row++) {
        if (strcmp(row->programs, program->name))
            continue;
        if (!any)
            print_section(name, out);
        any = true;
        fputs(".TP\n", out);
        print_styled("B", row->name, out);
        fputc('\n', out);
        print_text(row->text, out);
        fputc('\n', out);
    }
}

static void print_others(const Program *program, const Program *const *others, FILE *out) {
    print_section("SEE ALSO", out);
    const char *separator = "";
    for (const Program *const *other = others; *other; other++) {
        if (*other == program)
            continue;
        fprintf(out, "%s\\fB%s\\fP(1)", separator, (*other)->name);
        separator = ", ";
    }
    fputc('\n', out);
}

Status man_print(const Program *program, const Program *const *others, FILE *out) {
    fputs(".TH ", out);
    for (const char *c = program->name; *c; c++)
        fputc(toupper((unsigned char)*c), out);
    fprintf(out, " 1 \"\" \"fovea %s\" \"fovea\"\n", FOVEA_VERSION);
    print_section("NAME", out);
    fprintf(out, "%s \\- ", program->name);
    print_text(program->summary, out);
    fputc('\n', out);
    print_section("SYNOPSIS", out);
    if (!program->commands)
        print_usage(program, -1, out);
    for (int i = 0; program->commands && program->commands[i].name; i++)
        print_usage(program, i, out);
    print_section("DESCRIPTION", out);
    print_paragraphs(program->about, out);
    print_paragraphs(program->notes, out);
    if (program->commands)
        print_commands(program, out);
    print_options(program, out);
    if (program->topics.explain)
        TRY(print_topics(program, out));
    print_examples(program, out);
    print_exits(program, out);
    print_shared("ENVIRONMENT", program, environment, out);
    print_shared("FILES", program, files, out);
    print_others(program, others, out);
    return NULL;
}
