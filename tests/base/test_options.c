/* SPDX-License-Identifier: Apache-2.0 */
/* The parser and its help, on a table that has every kind of option. */
#include "base/options.h"
#include "base/options/option_value.h"
#include "base/options/options_help.h"
#include "base/program.h"
#include "tests/fixtures/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    int command;
    bool loud, quick;
    const char *name, *where, *root;
    OptionTexts sets, words;
    int count;
    int64_t many;
    double real, share;
    int colour;
    int runs;
} Arguments;

#define AT(field) offsetof(Arguments, field)
static const char *const colours[] = {"red", "green", "blue", NULL};

/* A program without commands. */
static const Option plain_options[] = {
    {.name = "ROOT", .type = OPTION_PATH, .offset = AT(root), .help = "The root."},
    {.name = "COUNT",
     .type = OPTION_INT,
     .offset = AT(count),
     .min = -5,
     .max = 9,
     .optional = true,
     .help = "How many."},
    {.name = "--loud", .letter = 'l', .type = OPTION_FLAG, .offset = AT(loud), .help = "Speaks."},
    {.name = "--quick", .letter = 'q', .type = OPTION_FLAG, .offset = AT(quick), .help = "Hurries."},
    {.name = "--name",
     .letter = 'n',
     .value = "NAME",
     .type = OPTION_TEXT,
     .offset = AT(name),
     .fallback = "nobody",
     .help = "A name."},
    {.name = "--where", .value = "FILE", .type = OPTION_PATH, .offset = AT(where), .unset = "here", .help = "A place."},
    {.name = "--set", .value = "K=V", .type = OPTION_TEXTS, .offset = AT(sets), .help = "Sets a key."},
    {.name = "--many",
     .value = "N",
     .type = OPTION_INTEGER,
     .offset = AT(many),
     .min = 1,
     .max = OPTION_NO_LIMIT,
     .fallback = "7",
     .help = "A large number."},
    {.name = "--real",
     .value = "X",
     .type = OPTION_REAL,
     .offset = AT(real),
     .min = 0,
     .max = OPTION_NO_LIMIT,
     .above = true,
     .help = "A number."},
    {.name = "--share",
     .value = "X",
     .type = OPTION_SHARE,
     .offset = AT(share),
     .min = 0,
     .max = 1,
     .fallback = "0.5%",
     .help = "A share."},
    {.name = "--colour",
     .type = OPTION_CHOICE,
     .choices = colours,
     .offset = AT(colour),
     .fallback = "green",
     .help = "A colour."},
    {.name = "--title", .type = OPTION_TEXT, .renamed = "--name", .help = "Formerly --name."},
    {0},
};
static const char *const plain_examples[] = {"plain /data 3", NULL};
static const ExitCode plain_exits[] = {EXIT_USAGE, EXIT_IO, EXIT_OK};
static const Program plain = {.name = "plain",
                              .about = "Does nothing.",
                              .options = plain_options,
                              .notes = "That was all.",
                              .examples = plain_examples,
                              .exits = plain_exits};

/* A program with commands, one of which runs another program. */
static const Option many_options[] = {
    {.name = "ROOT", .type = OPTION_PATH, .offset = AT(root), .commands = "add remove", .help = "The root."},
    {.name = "CMD",
     .type = OPTION_TEXTS,
     .offset = AT(words),
     .after_dashes = true,
     .commands = "run",
     .help = "Runs."},
    {.name = "WORD", .type = OPTION_TEXTS, .offset = AT(words), .commands = "list", .optional = true, .help = "Words."},
    {.name = "--out",
     .value = "PACK",
     .type = OPTION_PATH,
     .offset = AT(where),
     .required = true,
     .commands = "add",
     .help = "The target."},
    {.name = "--count",
     .value = "N",
     .type = OPTION_INT,
     .offset = AT(count),
     .min = 0,
     .max = 9,
     .fallback = "4",
     .commands = "add",
     .help = "How many to add."},
    {.name = "--count",
     .value = "N",
     .type = OPTION_INT,
     .offset = AT(count),
     .min = 0,
     .max = 99,
     .fallback = "50",
     .commands = "remove run",
     .help = "How many to remove."},
    {.name = "--loud", .type = OPTION_FLAG, .offset = AT(loud), .help = "Speaks."},
    {.name = "--erase", .type = OPTION_FLAG, .offset = AT(quick), .commands = "remove", .help = "Erases."},
    {0},
};
static const ProgramCommand many_commands[] = {
    {.name = "add", .help = "Adds.", .notes = "An addition."},
    {.name = "remove", .help = "Removes."},
    {.name = "run", .help = "Runs a program."},
    {.name = "list", .help = "Lists words."},
    {0},
};
static const char *const many_examples[] = {"many add /data --out packs", NULL};
static const Program many = {.name = "many",
                             .about = "Does one of four things.",
                             .commands = many_commands,
                             .command_offset = AT(command),
                             .options = many_options,
                             .examples = many_examples,
                             .exits = plain_exits};

static Status explain_topic(const char *topic, FILE *out) {
    if (topic && strcmp(topic, "one"))
        return status_error(EXIT_USAGE, "no topic %s", topic);
    fprintf(out, "topic %s\n", topic ? topic : "all");
    return NULL;
}
static const Program topical = {
    .name = "topical",
    .options = many_options + 6,
    .about = "Explains.",
    .exits = plain_exits,
    .topics = {.name = "TOPIC", .title = "topics", .help = "Explains a topic.", .explain = explain_topic}};

/* The parsed values, and the warnings. */
typedef struct {
    Arguments arguments;
    OptionsCall call;
    char *warnings;
    const Program *program;
} Parsed;

enum { MAX_WORDS = 16 };

/* Parses `line`, words between blanks. The words live until the next call. */
static Status parse_line(Parsed *parsed, const Program *program, const char *line) {
    static char words[MAX_WORDS][100];
    char *argv[MAX_WORDS] = {"program"};
    int argc = 1;
    for (const char *at = line; *at; at += *at == ' ') {
        const size_t length = strcspn(at, " ");
        assert_true(argc < MAX_WORDS && length < sizeof words[0]);
        memcpy(words[argc], at, length);
        words[argc][length] = '\0';
        argv[argc] = words[argc];
        argc++;
        at += length;
    }
    size_t size;
    *parsed = (Parsed){.program = program};
    FILE *warnings = open_memstream(&parsed->warnings, &size);
    assert_non_null(warnings);
    Status status = options_parse(program, argc, argv, &parsed->arguments, warnings, &parsed->call);
    fclose(warnings);
    return status;
}

static void forget_line(Parsed *parsed) {
    options_free(parsed->program, &parsed->arguments);
    assert_null(parsed->arguments.sets.list);
    assert_null(parsed->arguments.words.list);
    free(parsed->warnings);
}

static void refuse_line(const Program *program, const char *line, const char *message) {
    Parsed parsed;
    assert_refused(parse_line(&parsed, program, line), EXIT_USAGE, message);
    forget_line(&parsed);
}

static void defaults_are_set(void **state) {
    (void)state;
    Parsed parsed;
    assert_fine(parse_line(&parsed, &plain, "here"));
    const Arguments *a = &parsed.arguments;
    assert_int_equal(parsed.call.request, OPTIONS_RUN);
    assert_string_equal(a->root, "here");
    assert_string_equal(a->name, "nobody");
    assert_null(a->where);
    assert_true(a->many == 7 && a->share == 0.005 && a->colour == 1 && a->sets.count == 0 && !a->loud);
    forget_line(&parsed);
}

static void values_are_read_in_each_form(void **state) {
    (void)state;
    Parsed parsed;
    assert_fine(parse_line(&parsed, &plain,
                           "--set a=1 here --set=b=2 -n Ada --many=9007199254740993 --real 2.5e-3 --share 12% "
                           "--colour=blue -lq --where="));
    const Arguments *a = &parsed.arguments;
    assert_string_equal(a->root, "here");
    assert_int_equal(a->sets.count, 2);
    assert_string_equal(a->sets.list[0], "a=1");
    assert_string_equal(a->sets.list[1], "b=2");
    assert_string_equal(a->name, "Ada");
    assert_string_equal(a->where, "");
    assert_true(a->many == 9007199254740993 && a->real == 2.5e-3 && a->share == 0.12 && a->colour == 2);
    assert_true(a->loud && a->quick);
    assert_string_equal(parsed.warnings, "");
    forget_line(&parsed);
    assert_fine(parse_line(&parsed, &plain, "-lnEve here --name Bob --share 0.25"));
    assert_string_equal(parsed.arguments.name, "Bob");
    assert_true(parsed.arguments.loud && parsed.arguments.share == 0.25);
    forget_line(&parsed);
    assert_fine(parse_line(&parsed, &plain, "here -nEve"));
    assert_string_equal(parsed.arguments.name, "Eve");
    forget_line(&parsed);
    /* A value may look like an option. */
    assert_fine(parse_line(&parsed, &plain, "here --name --loud"));
    assert_string_equal(parsed.arguments.name, "--loud");
    assert_false(parsed.arguments.loud);
    forget_line(&parsed);
}

static void words_that_are_operands(void **state) {
    (void)state;
    Parsed parsed;
    assert_fine(parse_line(&parsed, &plain, "- -4"));
    assert_string_equal(parsed.arguments.root, "-");
    assert_int_equal(parsed.arguments.count, -4);
    forget_line(&parsed);
    assert_fine(parse_line(&parsed, &plain, "--loud -- --name 3"));
    assert_string_equal(parsed.arguments.root, "--name");
    assert_int_equal(parsed.arguments.count, 3);
    assert_true(parsed.arguments.loud);
    forget_line(&parsed);
    refuse_line(&plain, "a 1 b", "unexpected argument 'b' (plain --help lists what it takes)");
    refuse_line(&plain, "a 10", "COUNT takes a whole number from -5 to 9, not '10'");
    refuse_line(&plain, "--loud", "missing ROOT; for example: plain /data 3");
    refuse_line(&plain, "", "missing ROOT");
}

static void unknown_options_name_the_nearest(void **state) {
    (void)state;
    refuse_line(&plain, "a --colur red", "unknown option --colur; the nearest is --colour (plain --help lists");
    refuse_line(&plain, "a --wher=x", "unknown option --wher; the nearest is --where");
    refuse_line(&plain, "a --hepl", "the nearest is --help");
    refuse_line(&plain, "a --versoin", "the nearest is --version");
    refuse_line(&plain, "a --titel", "the nearest is --"); /* never a former name */
    refuse_line(&plain, "a -x", "unknown option -x");
    refuse_line(&plain, "a -lx", "unknown option -lx");
    Parsed parsed;
    Status status = parse_line(&parsed, &plain, "a --titel");
    assert_null(strstr(status_message(status), "--title"));
    status_free(status);
    forget_line(&parsed);
    /* A beginning is not enough. */
    refuse_line(&plain, "a --col red", "unknown option --col;");
}

static void values_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"a --name", "--name needs a value: --name NAME"},
        {"a -n", "--name needs a value: --name NAME"},
        {"a --colour", "--colour needs a value: --colour red|green|blue"},
        {"a --loud=yes", "--loud takes no value: drop =yes"},
        {"a --version=2", "--version takes no value"},
        {"a --many 0", "--many takes a whole number from 1, not '0'"},
        {"a --many=", "--many takes a whole number from 1, not ''"},
        {"a --many 1.5", "not '1.5'"},
        {"a --many 1x", "not '1x'"},
        {"a --many 99999999999999999999", "not '99999999999999999999'"},
        {"a --real 0", "--real takes a number above 0, not '0'"},
        {"a --real inf", "not 'inf'"},
        {"a --real nan", "not 'nan'"},
        {"a --real -1", "not '-1'"},
        {"a --share 101%", "--share takes a share from 0 to 1, not '101%'"},
        {"a --share 0.1%x", "not '0.1%x'"},
        {"a --share %", "not '%'"},
        {"a --colour pink", "--colour takes red, green or blue, not 'pink'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuse_line(&plain, cases[i].line, cases[i].message);
}

static void former_names_warn_once(void **state) {
    (void)state;
    Parsed parsed;
    assert_fine(parse_line(&parsed, &plain, "a --title Ada --title=Eve"));
    assert_string_equal(parsed.arguments.name, "Eve");
    assert_string_equal(parsed.warnings, "plain: --title is now called --name; the old name will be removed\n");
    forget_line(&parsed);
}

static void commands_have_their_own_options(void **state) {
    (void)state;
    Parsed parsed;
    assert_fine(parse_line(&parsed, &many, "add /data --out packs"));
    assert_int_equal(parsed.arguments.command, 0);
    assert_int_equal(parsed.arguments.count, 4);
    assert_string_equal(parsed.arguments.where, "packs");
    forget_line(&parsed);
    assert_fine(parse_line(&parsed, &many, "remove --erase /data"));
    assert_int_equal(parsed.arguments.command, 1);
    assert_int_equal(parsed.arguments.count, 50);
    assert_true(parsed.arguments.quick);
    forget_line(&parsed);
    assert_fine(parse_line(&parsed, &many, "remove /data --count 99"));
    forget_line(&parsed);
    refuse_line(&many, "add /data --out x --count 99", "--count takes a whole number from 0 to 9, not '99'");
    refuse_line(&many, "add /data --out x --erase", "many add takes no --erase: it is an option of many remove");
    refuse_line(&many, "list --count 1", "many list takes no --count");
    refuse_line(&many, "add /data", "missing --out PACK; for example: many add /data --out packs");
    refuse_line(&many, "remove", "missing ROOT (many remove --help lists what it takes)");
    refuse_line(&many, "", "missing command: add, remove, run or list (many --help explains them)");
    refuse_line(&many, "remvoe /data",
                "unknown command remvoe; the nearest is remove (many --help lists the commands)");
    refuse_line(&many, "add remove", "missing --out PACK"); /* an operand may be called as a command */
    refuse_line(&many, "remove /data --eraze", "the nearest is --erase (many remove --help");
}

static void words_behind_dashes(void **state) {
    (void)state;
    Parsed parsed;
    assert_fine(parse_line(&parsed, &many, "run --count 3 -- train c.ini --loud -x"));
    assert_int_equal(parsed.arguments.words.count, 4);
    assert_string_equal(parsed.arguments.words.list[2], "--loud");
    assert_string_equal(parsed.arguments.words.list[3], "-x");
    assert_int_equal(parsed.arguments.count, 3);
    assert_false(parsed.arguments.loud);
    forget_line(&parsed);
    refuse_line(&many, "run train", "unexpected argument 'train'");
    refuse_line(&many, "run", "missing -- CMD");
    assert_fine(parse_line(&parsed, &many, "list a -- --b"));
    assert_int_equal(parsed.arguments.words.count, 2);
    assert_string_equal(parsed.arguments.words.list[1], "--b");
    forget_line(&parsed);
    assert_fine(parse_line(&parsed, &many, "list"));
    forget_line(&parsed);
}

static void help_and_version_end_the_reading(void **state) {
    (void)state;
    static const struct {
        const Program *program;
        const char *line, *topic;
        OptionsRequest request;
        int command;
    } cases[] = {
        {&plain, "--help", NULL, OPTIONS_HELP, -1},         {&plain, "-h", NULL, OPTIONS_HELP, -1},
        {&plain, "--help --bogus", NULL, OPTIONS_HELP, -1}, {&plain, "--version", NULL, OPTIONS_VERSION, -1},
        {&many, "--help", NULL, OPTIONS_HELP, -1},          {&many, "add --help", NULL, OPTIONS_HELP, 0},
        {&many, "--help remove", NULL, OPTIONS_HELP, 1},    {&many, "--help=run", NULL, OPTIONS_HELP, 2},
        {&many, "add /data -h", NULL, OPTIONS_HELP, 0},     {&topical, "--help one", "one", OPTIONS_HELP, -1},
        {&topical, "--help=two", "two", OPTIONS_HELP, -1},  {&topical, "--help --loud", NULL, OPTIONS_HELP, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Parsed parsed;
        assert_fine(parse_line(&parsed, cases[i].program, cases[i].line));
        assert_int_equal(parsed.call.request, cases[i].request);
        assert_int_equal(parsed.call.command, cases[i].command);
        if (cases[i].topic)
            assert_string_equal(parsed.call.topic, cases[i].topic);
        else
            assert_null(parsed.call.topic);
        forget_line(&parsed);
    }
    refuse_line(&many, "--help remvoe", "unknown command remvoe; the nearest is remove");
    refuse_line(&plain, "--bogus --help", "unknown option --bogus");
}

static void assert_page(const Program *program, int command, const char *expected) {
    char *page;
    size_t size;
    FILE *out = open_memstream(&page, &size);
    assert_non_null(out);
    options_help_print(program, command, out);
    fclose(out);
    assert_string_equal(page, expected);
    free(page);
}

static void help_is_printed_from_the_table(void **state) {
    (void)state;
    assert_page(&plain, -1,
                "usage: plain ROOT [COUNT] [OPTION]...\n"
                "\n"
                "Does nothing.\n"
                "\n"
                "  ROOT                         The root.\n"
                "  COUNT                        How many.\n"
                "  -l, --loud                   Speaks.\n"
                "  -q, --quick                  Hurries.\n"
                "  -n, --name NAME              A name (default: nobody).\n"
                "      --where FILE             A place (default: here).\n"
                "      --set K=V                Sets a key.\n"
                "      --many N                 A large number (default: 7).\n"
                "      --real X                 A number.\n"
                "      --share X                A share (default: 0.5%).\n"
                "      --colour red|green|blue  A colour (default: green).\n"
                "  -h, --help                   Prints help.\n"
                "      --version                Prints the version.\n"
                "\n"
                "That was all.\n"
                "\n"
                "examples:\n"
                "  plain /data 3\n"
                "\n"
                "exit codes:\n"
                "   0  done\n"
                "  64  wrong usage or configuration\n"
                "  74  a file cannot be read or written, or the disk is full\n");
    assert_page(&many, 0,
                "usage: many add ROOT --out PACK [--count N] [--loud]\n"
                "\n"
                "Adds.\n"
                "\n"
                "  ROOT            The root.\n"
                "      --out PACK  The target.\n"
                "      --count N   How many to add (default: 4).\n"
                "      --loud      Speaks.\n"
                "  -h, --help      Prints help; after a command, help for that command.\n"
                "      --version   Prints the version.\n"
                "\n"
                "An addition.\n"
                "\n"
                "examples:\n"
                "  many add /data --out packs\n"
                "\n"
                "exit codes:\n"
                "   0  done\n"
                "  64  wrong usage or configuration\n"
                "  74  a file cannot be read or written, or the disk is full\n");
    assert_page(&many, -1,
                "usage: many add ROOT --out PACK [--count N] [--loud]\n"
                "       many remove ROOT [--count N] [--loud] [--erase]\n"
                "       many run [--count N] [--loud] -- CMD...\n"
                "       many list [WORD...] [--loud]\n"
                "\n"
                "Does one of four things.\n"
                "\n"
                "commands:\n"
                "  add     Adds.\n"
                "  remove  Removes.\n"
                "  run     Runs a program.\n"
                "  list    Lists words.\n"
                "\n"
                "      --loud     Speaks.\n"
                "  -h, --help     Prints help; after a command, help for that command.\n"
                "      --version  Prints the version.\n"
                "\n"
                "examples:\n"
                "  many add /data --out packs\n"
                "\n"
                "exit codes:\n"
                "   0  done\n"
                "  64  wrong usage or configuration\n"
                "  74  a file cannot be read or written, or the disk is full\n");
}

/* Words of every length: no line is over 100 columns, no word is lost. */
static void help_is_wrapped(void **state) {
    (void)state;
    char text[1200] = "";
    for (int i = 0; i < 60; i++)
        sprintf(text + strlen(text), "%.*s ", 1 + i % 23, "abcdefghijklmnopqrstuvwxyz");
    strcat(text, "end");
    const Option options[] = {{.name = "--long-option-whose-name-needs-a-line",
                               .value = "VALUE",
                               .type = OPTION_TEXT,
                               .offset = AT(name),
                               .help = text},
                              {0}};
    const Program program = {.name = "wide", .about = text, .options = options};
    char *page;
    size_t size;
    FILE *out = open_memstream(&page, &size);
    assert_non_null(out);
    options_help_print(&program, -1, out);
    fclose(out);
    int words = 0;
    for (char *line = page, *end; (end = strchr(line, '\n')); line = end + 1) {
        assert_true(end - line <= 100);
        assert_true(end == line || end[-1] != ' ');
        for (const char *at = line; (at = strstr(at, "abcdefghijklmnopqrstuvw")) && at < end; at++)
            words++;
    }
    assert_int_equal(words, 4); /* twice two of the longest words */
    free(page);
}

static Status count_run(void *context) {
    Arguments *a = context;
    a->runs++;
    return a->quick ? status_error(EXIT_DATA, "bad data") : NULL;
}

static void a_program_runs_or_reports(void **state) {
    (void)state;
    Arguments a = {0};
    char *fine[] = {"plain", "here", "--set", "a"}, *failing[] = {"plain", "here", "-q"}, *wrong[] = {"plain"};
    assert_int_equal(program_main(&plain, 4, fine, &a, count_run), 0);
    assert_int_equal(a.runs, 1);
    assert_null(a.sets.list);
    assert_int_equal(program_main(&plain, 3, failing, &a, count_run), EXIT_DATA);
    assert_int_equal(a.runs, 2);
    assert_int_equal(program_main(&plain, 1, wrong, &a, count_run), EXIT_USAGE);
    assert_int_equal(a.runs, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_set),
        cmocka_unit_test(values_are_read_in_each_form),
        cmocka_unit_test(words_that_are_operands),
        cmocka_unit_test(unknown_options_name_the_nearest),
        cmocka_unit_test(values_are_checked),
        cmocka_unit_test(former_names_warn_once),
        cmocka_unit_test(commands_have_their_own_options),
        cmocka_unit_test(words_behind_dashes),
        cmocka_unit_test(help_and_version_end_the_reading),
        cmocka_unit_test(help_is_printed_from_the_table),
        cmocka_unit_test(help_is_wrapped),
        cmocka_unit_test(a_program_runs_or_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
