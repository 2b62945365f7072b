/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration engine over a table of its own, with every kind of key and section. ./train's table is tested in
 * tests/train/test_config_keys.c. */
#include "base/config.h"
#include "base/quantity.h"
#include "base/random.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef enum { UP = 3, DOWN = -7 } Direction;

typedef struct {
    ConfigText command, health;
    int64_t port;
} Service;

typedef struct {
    ConfigText name, base;
    ConfigPaths packs;
    Direction direction;
    bool fast;
    double rate;
    int64_t count, budget;
    int64_t host_free;
    double grace;
    ConfigList seeds, rates, words, sides, waits, rungs;
    ConfigEntries gpus, grid, limits;
    ConfigSections services;
} Sweep;

static const ConfigChoice directions[] = {{"up", UP}, {"down", DOWN}, {NULL, 0}};

#define ROW(kind, at, section_, name_, help_)                                                                          \
    .section = section_, .name = name_, .type = kind, .offset = at, .help = help_
#define FIELD(kind, Type, field, section, name, help) ROW(kind, CONFIG_AT(Sweep, field, Type), section, name, help)
#define LIST(kind, field, section, name, help) FIELD(kind, ConfigList, field, section, name, help), .list = true

static const ConfigKey sweep_keys[] = {
    {FIELD(CONFIG_STRING, ConfigText, name, "sweep", "name", "Name."), .text = "trial", .unit = ""},
    {FIELD(CONFIG_STRING, ConfigText, base, "sweep", "base", "File."), .unit = "", .unhashed = true},
    {FIELD(CONFIG_STRING, ConfigPaths, packs, "sweep", "packs", "Folders."), .unit = "", .paths = true},
    {ROW(CONFIG_CHOICE, CONFIG_CHOICE_AT(Sweep, direction), "sweep", "direction", "Way."), .choices = directions,
     .fallback = DOWN, .unit = ""},
    {FIELD(CONFIG_SWITCH, bool, fast, "sweep", "fast", "Speed."), .fallback = 1, .unit = "", .neutral = true},
    {FIELD(CONFIG_REAL, double, rate, "sweep", "rate", "Rate."), .max = 1, .fallback = 0.5, .unit = ""},
    {FIELD(CONFIG_INTEGER, int64_t, count, "sweep", "count", "Trials."), .max = 100, .fallback = 7, .unit = "trials",
     .automatic = true},
    {FIELD(CONFIG_INTEGER, int64_t, budget, "sweep", "budget", "Budget."), .max = 1000, .unit = "",
     .derived = "10 x count"},
    {FIELD(CONFIG_SIZE, int64_t, host_free, "sweep", "host_free", "Memory."), .min = 1024, .max = 1e15,
     .fallback = 8589934592, .unit = ""},
    {FIELD(CONFIG_DURATION, double, grace, "sweep", "grace", "Patience."), .max = 1e6, .fallback = 90, .unit = ""},
    {LIST(CONFIG_INTEGER, seeds, "sweep", "seeds", "Seeds."), .max = 1000, .text = "1, 2", .unit = ""},
    {LIST(CONFIG_REAL, rates, "sweep", "rates", "Rates."), .max = 1, .unit = ""},
    {LIST(CONFIG_STRING, words, "sweep", "words", "Words."), .unit = ""},
    {LIST(CONFIG_CHOICE, sides, "sweep", "sides", "Sides."), .choices = directions, .unit = ""},
    {LIST(CONFIG_DURATION, waits, "sweep", "waits", "Waits."), .max = 1e6, .unit = ""},
    {FIELD(CONFIG_STRING, ConfigEntries, gpus, "gpus", "*", "UUID of GPU N."), .unit = ""},
    {FIELD(CONFIG_REAL, ConfigEntries, grid, "grid", "*", "Values of a key."), .max = 10, .list = true, .unit = ""},
    /* A section with both. */
    {LIST(CONFIG_SIZE, rungs, "limits", "rungs", "Sizes."), .max = 1e15, .unit = ""},
    {FIELD(CONFIG_INTEGER, ConfigEntries, limits, "limits", "*", "Most jobs of a user."), .max = 40, .unit = "jobs"},
};

static const ConfigKey service_keys[] = {
    {ROW(CONFIG_STRING, CONFIG_AT(Service, command, ConfigText), "service", "command", "Command."), .unit = ""},
    {ROW(CONFIG_STRING, CONFIG_AT(Service, health, ConfigText), "service", "health", "Address."), .text = "none",
     .unit = ""},
    {ROW(CONFIG_INTEGER, CONFIG_AT(Service, port, int64_t), "service", "port", "Port."), .min = 1, .max = 65535,
     .fallback = 8000, .unit = ""},
};
static const ConfigTable service_table = {.size = sizeof(Service), .keys = service_keys, .key_count = 3};
static const ConfigNamed named[] = {{"service", &service_table, offsetof(Sweep, services)}};
static const ConfigAlias aliases[] = {{"sweep.tries", "sweep.count"}, {"sweep.old_seeds", "sweep.seeds"}};

static void complete(void *values) {
    Sweep *sweep = values;
    if (!sweep->budget)
        sweep->budget = 10 * sweep->count;
}

static Status check(const void *values, const char *path) {
    const Sweep *sweep = values;
    return sweep->budget < sweep->count ? status_error(EXIT_USAGE, "%s: budget below count", path) : NULL;
}

static const ConfigTable table = {.size = sizeof(Sweep),
                                  .keys = sweep_keys,
                                  .key_count = sizeof sweep_keys / sizeof sweep_keys[0],
                                  .named = named,
                                  .named_count = 1,
                                  .aliases = aliases,
                                  .alias_count = 2,
                                  .help_command = "./sweep --help",
                                  .complete = complete,
                                  .check = check};

static const char *write_bytes(void **state, const char *text, size_t size, char path[TEMP_PATH * 2]) {
    assert_fine(files_write(temp_path(state, "test.ini", path), text, size));
    return path;
}

/* Loads `text` with at most one override. */
static Status load(void **state, Sweep *sweep, const char *text, const char *set) {
    char path[TEMP_PATH * 2];
    char *sets[] = {(char *)set};
    return config_load(&table, sweep, write_bytes(state, text, strlen(text), path), sets, set != NULL, NULL);
}

static uint64_t hash_of(const Sweep *sweep) {
    uint64_t hash;
    assert_fine(config_hash(&table, sweep, &hash));
    return hash;
}

/* The printed configuration reads back as the same configuration. Returns it; the caller frees. */
static char *assert_reads_back(void **state, const Sweep *sweep) {
    Sweep again;
    char *text, *text_again;
    assert_fine(config_text(&table, sweep, &text));
    assert_fine(load(state, &again, text, NULL));
    assert_fine(config_text(&table, &again, &text_again));
    assert_string_equal(text, text_again);
    assert_true(hash_of(sweep) == hash_of(&again));
    config_free(&table, &again);
    free(text_again);
    return text;
}

static void assert_prints(void **state, const Sweep *sweep, const char *part) {
    char *text = assert_reads_back(state, sweep);
    if (!strstr(text, part))
        fail_msg("%s is not in:\n%s", part, text);
    free(text);
}

static void assert_bad(void **state, const char *text, const char *set, const char *message) {
    Sweep sweep;
    assert_refused(load(state, &sweep, text, set), EXIT_USAGE, message);
}

static void every_key_has_its_default(void **state) {
    Sweep sweep;
    assert_fine(load(state, &sweep, "", NULL));
    char *text = assert_reads_back(state, &sweep);
    assert_string_equal(text,
                        "[sweep]\nname = trial\nbase =\npacks =\ndirection = down\nfast = on\nrate = 0.5\ncount = 7\n"
                        "budget = 70\nhost_free = 8G\ngrace = 90\nseeds = 1, 2\nrates =\nwords =\nsides =\n"
                        "waits =\n\n[limits]\nrungs =\n");
    assert_int_equal(sweep.direction, DOWN);
    assert_int_equal(sweep.seeds.count, 2);
    assert_int_equal(sweep.gpus.count + sweep.services.count, 0);
    free(text);
    config_free(&table, &sweep);
}

static void lists_are_read(void **state) {
    Sweep sweep;
    assert_fine(load(state, &sweep,
                     "[sweep]\nseeds = 3\nrates = 1e-4,3e-4 ,\t0.5 ; the last is large\nwords = a b, c;d,e\n"
                     "sides = up, down\nwaits = 90, 90m, 2h, 1d\n",
                     NULL));
    assert_int_equal(sweep.seeds.count, 1);
    assert_int_equal(sweep.seeds.values[0].integer, 3);
    assert_int_equal(sweep.rates.count, 3);
    assert_true(sweep.rates.values[0].real == 1e-4 && sweep.rates.values[2].real == 0.5);
    assert_int_equal(sweep.words.count, 3);
    assert_string_equal(sweep.words.values[0].text, "a b");
    assert_string_equal(sweep.words.values[1].text, "c;d");
    assert_int_equal(sweep.sides.values[0].choice, UP);
    assert_int_equal(sweep.sides.values[1].choice, DOWN);
    assert_true(sweep.waits.values[1].real == 5400 && sweep.waits.values[3].real == 86400);
    assert_prints(state, &sweep, "seeds = 3\nrates = 0.0001, 0.0003, 0.5\nwords = a b, c;d, e\nsides = up, down\n");
    assert_prints(state, &sweep, "waits = 90, 90m, 2h, 1d\n");
    config_free(&table, &sweep);

    assert_fine(load(state, &sweep, "[sweep]\nseeds = 1\n", "sweep.seeds = 4,5,6"));
    assert_int_equal(sweep.seeds.count, 3);
    config_free(&table, &sweep);

    assert_bad(state, "[sweep]\nseeds = 1,,2\n", NULL, "test.ini:2: sweep.seeds = 1,,2: an empty list element");
    assert_bad(state, "[sweep]\nseeds = 1,\n", NULL, "an empty list element");
    assert_bad(state, "[sweep]\nwords = , a\n", NULL, "an empty list element");
    assert_bad(state, "[sweep]\nseeds =\n", NULL, "an empty list");
    assert_bad(state, "[sweep]\nseeds = 1 2\n", NULL, "not a whole number; expected integers: 0 to 1000, separated");
    assert_bad(state, "[sweep]\nseeds = 1, 1001\n", NULL, "out of range");
    assert_bad(state, "[sweep]\nsides = up, left\n", NULL, "unknown choice");
}

static void sizes_and_durations_have_units(void **state) {
    static const struct {
        const char *text;
        int64_t bytes;
    } sizes[] = {{"1024", 1024}, {"1K", 1024}, {"3M", 3 << 20}, {"8G", 8LL << 30}, {"2T", 2LL << 40}, {"1025", 1025}};
    static const struct {
        const char *text;
        double seconds;
    } durations[] = {{"0", 0},      {"90", 90},   {"90s", 90},     {"1.5", 1.5},
                     {"90m", 5400}, {"2h", 7200}, {"0.5d", 43200}, {"7d", 604800}};
    static const char *const bad_sizes[] = {"8g",   "8GB",  "8 G", "G",   "-1K", "+1K",
                                            "1.5G", "0x10", "",    "8G8", "1P",  "8KM"};
    static const char *const bad_durations[] = {"90x", "m",    "2 h", "-1", "+1",  "1h30m", "nan",
                                                "inf", "0x10", "",    "1e", "2hs", "1..5",  "1e999"};
    Sweep sweep;
    char set[64];
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        snprintf(set, sizeof set, "sweep.host_free=%s", sizes[i].text);
        assert_fine(load(state, &sweep, "", set));
        assert_int_equal(sweep.host_free, sizes[i].bytes);
        free(assert_reads_back(state, &sweep));
        config_free(&table, &sweep);
    }
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        snprintf(set, sizeof set, "sweep.grace=%s", durations[i].text);
        assert_fine(load(state, &sweep, "", set));
        assert_true(sweep.grace == durations[i].seconds);
        free(assert_reads_back(state, &sweep));
        config_free(&table, &sweep);
    }
    for (size_t i = 0; i < sizeof bad_sizes / sizeof bad_sizes[0]; i++) {
        snprintf(set, sizeof set, "sweep.host_free=%s", bad_sizes[i]);
        assert_bad(state, "", set, "not a size; expected size: 1K to");
    }
    for (size_t i = 0; i < sizeof bad_durations / sizeof bad_durations[0]; i++) {
        snprintf(set, sizeof set, "sweep.grace=%s", bad_durations[i]);
        assert_bad(state, "", set, "not a duration; expected duration: 0 to");
    }
    assert_bad(state, "", "sweep.host_free=1023", "out of range");
    assert_bad(state, "", "sweep.host_free=9999999999T", "not a size");
    assert_bad(state, "", "sweep.host_free=99999999999999999999", "not a size");
    assert_bad(state, "", "sweep.grace=12d", "out of range");
    assert_string_equal(quantity_size(0).text, "0");
    assert_string_equal(quantity_size(1536).text, "1536");
    assert_string_equal(quantity_size(3 << 19).text, "1536K");
    assert_string_equal(quantity_duration(61).text, "61");
    assert_string_equal(quantity_duration(1e-5).text, "1e-05");
}

static void sections_may_have_keys_of_any_name(void **state) {
    Sweep sweep;
    assert_fine(load(state, &sweep,
                     "[gpus]\n0 = GPU-5d1b ; the first\n2=cpu\n[grid]\noptim.base_lr = 1e-4, 3e-4\nx = 1\n"
                     "[limits]\nengine = 40\nrungs = 1K, 2M\n* = 3\n",
                     NULL));
    assert_int_equal(sweep.gpus.count, 2);
    assert_string_equal(sweep.gpus.entries[0].name, "0");
    assert_string_equal(sweep.gpus.entries[0].list.values[0].text, "GPU-5d1b");
    assert_int_equal(sweep.gpus.entries[1].line, 3);
    assert_string_equal(sweep.grid.entries[0].name, "optim.base_lr");
    assert_int_equal(sweep.grid.entries[0].list.count, 2);
    assert_true(sweep.grid.entries[0].list.values[1].real == 3e-4);
    assert_int_equal(sweep.limits.count, 2); /* rungs is a key of its own */
    assert_int_equal(sweep.rungs.values[1].integer, 2 << 20);
    assert_int_equal(sweep.limits.entries[1].list.values[0].integer, 3);
    assert_prints(state, &sweep,
                  "\n\n[gpus]\n0 = GPU-5d1b\n2 = cpu\n\n[grid]\noptim.base_lr = 0.0001, 0.0003\nx = 1\n\n"
                  "[limits]\nrungs = 1K, 2M\nengine = 40\n* = 3\n");
    config_free(&table, &sweep);

    /* An override replaces, or adds. */
    assert_fine(load(state, &sweep, "[grid]\noptim.base_lr = 1\n", "grid.optim.base_lr = 2, 3"));
    assert_int_equal(sweep.grid.count, 1);
    assert_int_equal(sweep.grid.entries[0].list.count, 2);
    assert_int_equal(sweep.grid.entries[0].line, 0);
    config_free(&table, &sweep);
    assert_fine(load(state, &sweep, "[gpus]\n0 = a\n", "gpus.1 ="));
    assert_int_equal(sweep.gpus.count, 2);
    assert_prints(state, &sweep, "0 = a\n1 =\n");
    config_free(&table, &sweep);

    assert_bad(state, "[gpus]\n0 = a\n1 = b\n0 = c\n", NULL, "test.ini:4: key gpus.0 is set twice, first on line 2");
    assert_bad(state, "[limits]\nrungs = 1\nrungs = 2\n", NULL, "key limits.rungs is set twice");
    assert_bad(state, "[grid]\noptim.base_lr = 1, 11\n", NULL, "test.ini:2: grid.optim.base_lr = 1, 11: out of range");
    assert_bad(state, "[grid]\nlr = 1, ,2\n", NULL, "grid.lr = 1, ,2: an empty list element");
    assert_bad(state, "[limits]\nengine = many\n", NULL, "expected integer: 0 to 40 (./sweep --help limits.*)");
    assert_bad(state, "[gpus]\na b = x\n", NULL, "letters, digits");
    assert_bad(state, "[gpus]\n= x\n", NULL, "unknown key gpus.");
    assert_bad(state, "", "gpus.[x=1", "letters, digits");
    assert_bad(state, "[grid.optim]\nbase_lr = 1\n", NULL, "unknown section [grid.optim]");
    char longest[400] = "gpus.";
    memset(longest + 5, 'x', 300);
    strcpy(longest + 305, "=1");
    assert_bad(state, "", longest, "unknown key gpus.xxx");
}

static const Service *service(const Sweep *sweep, int i, const char *name) {
    assert_string_equal(sweep->services.sections[i].name, name);
    return sweep->services.sections[i].values;
}

static void sections_may_be_named(void **state) {
    Sweep sweep;
    assert_fine(load(state, &sweep,
                     "[service.brain]\ncommand = serve --port 8000 ; kept up\n[sweep]\ncount = 1\n[service.eye]\n"
                     "port=1\n[service.bare]\n",
                     NULL));
    assert_int_equal(sweep.services.count, 3);
    assert_string_equal(service(&sweep, 0, "brain")->command, "serve --port 8000");
    assert_string_equal(service(&sweep, 0, "brain")->health, "none");
    assert_int_equal(service(&sweep, 0, "brain")->port, 8000);
    assert_int_equal(service(&sweep, 1, "eye")->port, 1);
    assert_string_equal(service(&sweep, 2, "bare")->command, "");
    assert_int_equal(sweep.services.sections[1].line, 5);
    assert_prints(state, &sweep,
                  "\n\n[service.brain]\ncommand = serve --port 8000\nhealth = none\nport = 8000\n\n"
                  "[service.eye]\ncommand =\n");
    config_free(&table, &sweep);

    assert_fine(load(state, &sweep, "[service.brain]\nport = 2\n", "service.brain.port = 3"));
    assert_int_equal(sweep.services.count, 1);
    assert_int_equal(service(&sweep, 0, "brain")->port, 3);
    config_free(&table, &sweep);
    assert_fine(load(state, &sweep, "", "service.new.port = 3"));
    assert_int_equal(service(&sweep, 0, "new")->port, 3);
    config_free(&table, &sweep);

    assert_bad(state, "[service.brain]\n[service.brain]\n", NULL, "test.ini:2: section [service.brain] appears twice");
    assert_bad(state, "[service.a]\nport = 1\nport = 1\n", NULL, "key service.a.port is set twice");
    assert_bad(state, "[service.a]\nprot = 1\n", NULL, "unknown key service.a.prot; the nearest is service.NAME.port");
    assert_bad(state, "[service.a]\nport = 0\n", NULL, "test.ini:2: service.a.port = 0: out of range");
    assert_bad(state, "[service]\nport = 1\n", NULL, "unknown section [service]; the nearest is [service.NAME]");
    assert_bad(state, "[service.]\nport = 1\n", NULL, "unknown section [service.]");
    assert_bad(state, "[service.a.b]\nport = 1\n", NULL, "unknown section [service.a.b]");
    assert_bad(state, "[service.a b]\nport = 1\n", NULL, "letters, digits");
    assert_bad(state, "", "service.port=1", "unknown key service.port");
}

static void a_comment_starts_after_a_blank(void **state) {
    Sweep sweep;
    assert_fine(load(state, &sweep,
                     "; first\n# second\n  ; third\n[sweep] ; fourth\nname = a;b#c ; fifth ; sixth\nbase =\t;seventh\n"
                     "count = 3\t; eighth\n",
                     NULL));
    assert_string_equal(sweep.name, "a;b#c");
    assert_string_equal(sweep.base, "");
    assert_int_equal(sweep.count, 3);
    free(assert_reads_back(state, &sweep));
    config_free(&table, &sweep);
    assert_bad(state, "[sweep]\ncount = 3;4\n", NULL, "count = 3;4: not a whole number");
    assert_bad(state, "[sweep]\ncount = 3 # four\n", NULL, "count = 3 # four: not a whole number");
    assert_bad(state, "[sweep]\nname ; = 0\n", NULL, "test.ini:2: neither [section] nor key = value");
}

/* Some readers of INI files have a buffer of 200 bytes and take a line that fills it for two; others have 4096. */
static const int lengths[] = {180,
                              190,
                              191,
                              192,
                              193,
                              194,
                              195,
                              196,
                              197,
                              198,
                              199,
                              200,
                              201,
                              255,
                              256,
                              1023,
                              3000,
                              CONFIG_TEXT - 8,
                              CONFIG_TEXT - 1};
enum { LENGTHS = sizeof lengths / sizeof lengths[0] };

static void long_values_are_read(void **state) {
    char *file = malloc(5 * CONFIG_TEXT), *value = malloc(2 * CONFIG_TEXT);
    char *set = malloc(2 * CONFIG_TEXT);
    Sweep sweep;
    assert_true(file && value && set && CONFIG_TEXT >= PATH_MAX);
    for (size_t i = 0; i < LENGTHS; i++) {
        memset(value, 'p', (size_t)lengths[i]);
        value[lengths[i]] = '\0';
        snprintf(file, 5 * CONFIG_TEXT, "# %0*d\n[sweep] ; %0*d\r\nname = %s ; comment\r\ncount = 2\n", 5000, 0, 300, 0,
                 value);
        assert_fine(load(state, &sweep, file, NULL));
        assert_string_equal(sweep.name, value);
        assert_int_equal(sweep.count, 2);
        free(assert_reads_back(state, &sweep));
        config_free(&table, &sweep);
        snprintf(set, 2 * CONFIG_TEXT, "sweep.words=%s, b", value);
        assert_fine(load(state, &sweep, "", set));
        assert_string_equal(sweep.words.values[0].text, value);
        free(assert_reads_back(state, &sweep));
        config_free(&table, &sweep);
    }
    memset(value, 'p', CONFIG_TEXT);
    value[CONFIG_TEXT] = '\0';
    snprintf(set, 2 * CONFIG_TEXT, "sweep.name=%s", value);
    assert_bad(state, "", set, "too long; use a shorter path, or a link; expected text: up to 4095 bytes");
    snprintf(file, 5 * CONFIG_TEXT, "[sweep]\n\nname=%s\n", value);
    assert_bad(state, file, NULL, "test.ini:3: sweep.name = ppp");
    free(file);
    free(value);
    free(set);
}

/* Whole lines, values and comments, of every length from 190 to 300 bytes and about 5000, with the key that follows. */
static void lines_of_any_length_are_read(void **state) {
    char file[12000], line[5100];
    Sweep sweep;
    for (int length = 190; length <= 5010; length += length == 300 ? 4690 : 1) {
        if (length < CONFIG_TEXT) {
            snprintf(line, sizeof line, "name=%0*d", length - 5, 7);
            snprintf(file, sizeof file, "[sweep]\n%s\ncount = 2\n", line);
            assert_fine(load(state, &sweep, file, NULL));
            assert_string_equal(sweep.name, line + 5);
            assert_int_equal(sweep.count, 2);
            config_free(&table, &sweep);
        }
        snprintf(line, sizeof line, "#%0*d", length - 1, 7);
        snprintf(file, sizeof file, "%s\n[sweep]\n%s\ncount = 3\n", line, line);
        assert_fine(load(state, &sweep, file, NULL));
        assert_int_equal(sweep.count, 3);
        config_free(&table, &sweep);
    }
}

static void a_list_of_paths_is_as_long_as_an_argument(void **state) {
    char *set = malloc(2 * CONFIG_PATHS);
    Sweep sweep;
    assert_non_null(set);
    for (int over = 0; over < 2; over++) {
        memset(set, 'p', CONFIG_PATHS + 32);
        memcpy(set, "sweep.packs=", 12);
        set[12 + CONFIG_PATHS - 1 + over] = '\0';
        if (over) {
            assert_bad(state, "", set, "expected text: up to 131071 bytes");
            continue;
        }
        assert_fine(load(state, &sweep, "", set));
        assert_string_equal(sweep.packs, set + 12);
        free(assert_reads_back(state, &sweep));
        config_free(&table, &sweep);
    }
    free(set);
}

static void texts_that_a_file_could_not_hold_are_refused(void **state) {
    assert_bad(state, "", "sweep.name=a\nb", "control character");
    assert_bad(state, "", "sweep.name=a\tb", "control character");
    assert_bad(state, "", "sweep.name=a ;b", "comment");
    assert_bad(state, "", "sweep.name=;b", "comment");
    assert_bad(state, "[sweep]\nname = a # b\n", NULL, "comment");
    assert_bad(state, "[sweep]\nname =;b\n", NULL, "comment");
    assert_bad(state, "", "sweep.words=a, #b", "comment");
}

/* Everything that can be wrong in a file, with what the message must contain. */
static void bad_files_are_refused_with_place_and_remedy(void **state) {
    static const struct {
        const char *text, *parts[3];
    } cases[] = {
        {"[sweep]\nconut = 4\n",
         {"test.ini:2: unknown key sweep.conut", "nearest is sweep.count", "./sweep --help sweep.count"}},
        {"[sweep]\n\n; x\nfree = 1\n", {"test.ini:4: unknown key sweep.free", "sweep.host_free"}},
        {"[sweep]\nCount = 4\n", {"unknown key sweep.Count", "sweep.count"}},
        {"[sweep]\n= 4\n", {"test.ini:2: unknown key sweep."}},
        {"[swep]\ncount = 4\n", {"test.ini:1: unknown section [swep]", "nearest is [sweep]", "./sweep --help lists"}},
        {"[]\n", {"test.ini:1: unknown section []"}},
        {"[ sweep ]\n", {"unknown section [ sweep ]", "nearest is [sweep]"}},
        {"[sweep\ncount = 4\n", {"test.ini:1: [sweep: a section is [name]"}},
        {"[sweep] count = 4\n", {"test.ini:1: [sweep] count = 4: a section is [name]"}},
        {"[sweep]\n[grid]\n[sweep]\n", {"test.ini:3: section [sweep] appears twice", "first on line 1"}},
        {"\xEF\xBB\xBF[sweep]\n[sweep]\n", {"test.ini:2: section [sweep] appears twice"}},
        {"[sweep]\nrate = 0\ncount = 2\nrate = 0\n", {"test.ini:4: key sweep.rate is set twice", "first on line 2"}},
        {"count = 4\n", {"test.ini:1: key count is outside any section", "[sweep]"}},
        {"[sweep]\nrate = 0\n count = 2\n", {"test.ini:3:", "indented", "first column"}},
        {"[sweep]\nrate = 0\n\tcount = 2\n", {"test.ini:3:", "indented"}},
        {" [sweep]\n", {"test.ini:1:", "indented"}},
        {"[sweep]\nrate\n", {"test.ini:2: neither [section] nor key = value"}},
        {"[sweep]\nrate\nconut = 2\n", {"test.ini:2: neither"}},
        {"[sweep]\nconut = 2\nrate\n", {"test.ini:2: unknown key sweep.conut"}},
        {"[sweep]\nrate = 0\rcount = 2\n", {"test.ini:2:", "carriage return"}},
        {"[sweep]\ncount = many\n",
         {"test.ini:2: sweep.count = many: not a whole number", "expected integer: 0 to 100 | auto"}},
        {"[sweep]\ncount = 101\n", {"sweep.count = 101: out of range"}},
        {"[sweep]\ncount =\n", {"test.ini:2: sweep.count = : not a whole number"}},
        {"[sweep]\ncount = 2.0\n", {"not a whole number"}},
        {"[sweep]\ncount = 99999999999999999999\n", {"out of range"}},
        {"[sweep]\nrate = 0.5x\n", {"sweep.rate = 0.5x: not a number"}},
        {"[sweep]\nrate = nan\n", {"not a number"}},
        {"[sweep]\nrate = 1e999\n", {"out of range"}},
        {"[sweep]\nfast = 1\n", {"neither on nor off", "on | off"}},
        {"[sweep]\ndirection = left\n", {"unknown choice", "up | down"}},
        {"[sweep]\nbudget = 1\n", {"test.ini: budget below count"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int part = 0; part < 3 && cases[i].parts[part]; part++)
            assert_bad(state, cases[i].text, NULL, cases[i].parts[part]);
}

static void bytes_that_are_no_text_are_refused(void **state) {
    char path[TEMP_PATH * 2];
    Sweep sweep;
    write_bytes(state, "[sweep]\nra\0te = 0\n", 18, path);
    assert_refused(config_load(&table, &sweep, path, NULL, 0, NULL), EXIT_USAGE, "test.ini:2: not a text file");
}

static void a_missing_file_is_a_usage_error(void **state) {
    char path[TEMP_PATH * 2];
    Sweep sweep;
    const char *none = temp_path(state, "none.ini", path);
    assert_refused(config_load(&table, &sweep, none, NULL, 0, NULL), EXIT_USAGE, path);
    assert_refused(config_load(&table, &sweep, none, NULL, 0, NULL), EXIT_USAGE, "No such file");
    assert_refused(config_load(&table, &sweep, ((Temp *)*state)->root, NULL, 0, NULL), EXIT_USAGE, "directory");
}

static void harmless_forms_are_read(void **state) {
    Sweep sweep, zero;
    /* No newline at the end, Windows line ends, blank and indented comment lines, a comment after a section, a colon.
     */
    assert_fine(load(state, &sweep,
                     "\n\t\n  ; note\n# note\r\n[sweep] ; here\r\nrate=0.25\r\n\r\n[grid]\nx: 1\ny = +1.5E0", NULL));
    assert_true(sweep.rate == 0.25);
    assert_true(sweep.grid.entries[1].list.values[0].real == 1.5);
    config_free(&table, &sweep);
    /* -0 and 0 are one value, so one hash. */
    assert_fine(load(state, &sweep, "", "sweep.rate=-0"));
    assert_fine(load(state, &zero, "", "sweep.rate=0"));
    assert_true(hash_of(&sweep) == hash_of(&zero));
    config_free(&table, &sweep);
    config_free(&table, &zero);
}

static void overrides_win_the_later_the_more(void **state) {
    char path[TEMP_PATH * 2];
    Sweep sweep;
    static const char text[] = "[sweep]\ncount = 1\n";
    write_bytes(state, text, sizeof text - 1, path);
    char *sets[] = {"sweep.count=2", " sweep.rate = 0.75 ", "sweep.count=3"};
    assert_fine(config_load(&table, &sweep, path, sets, 3, NULL));
    assert_int_equal(sweep.count, 3);
    assert_true(sweep.rate == 0.75);
    config_free(&table, &sweep);
    assert_fine(config_load(&table, &sweep, path, NULL, 0, NULL));
    assert_int_equal(sweep.count, 1);
    config_free(&table, &sweep);
}

static void bad_overrides_name_the_argument(void **state) {
    assert_bad(state, "", "sweep.conut=4", "--set sweep.conut=4: unknown key sweep.conut");
    assert_bad(state, "", "sweep.count=300", "--set sweep.count=300: sweep.count = 300: out of range");
    assert_bad(state, "", "sweep.count", "--set sweep.count: write section.key=value (./sweep --help lists all keys)");
    assert_bad(state, "", "count=4", "unknown key count; the nearest is sweep.count");
    assert_bad(state, "", "=4", "--set =4: unknown key");
    assert_bad(state, "", "", "write section.key=value");
    assert_bad(state, "", ".", "write section.key=value");
    char longer[3000] = "sweep.";
    memset(longer + 6, 'x', sizeof longer - 10);
    strcpy(longer + sizeof longer - 4, "=1");
    assert_bad(state, "", longer, "unknown key sweep.xxx");
}

static void renamed_keys_warn_once_each(void **state) {
    char path[TEMP_PATH * 2], *warnings;
    size_t size;
    Sweep sweep, present;
    static const char text[] = "[sweep]\ntries = 5\n";
    char *sets[] = {"sweep.old_seeds=3"};
    FILE *out = open_memstream(&warnings, &size);
    assert_non_null(out);
    assert_fine(config_load(&table, &sweep, write_bytes(state, text, sizeof text - 1, path), sets, 1, out));
    assert_int_equal(fclose(out), 0);
    assert_string_equal(
        strstr(warnings, "test.ini:2:"),
        "test.ini:2: sweep.tries is now called sweep.count; the old name works in this version only\n"
        "warning: --set sweep.old_seeds=3: sweep.old_seeds is now called sweep.seeds; the old name works "
        "in this version only\n");
    assert_fine(load(state, &present, "[sweep]\ncount = 5\nseeds = 3\n", NULL));
    assert_true(hash_of(&sweep) == hash_of(&present));
    free(assert_reads_back(state, &sweep));
    config_free(&table, &sweep);
    config_free(&table, &present);
    free(warnings);
    assert_bad(state, "[sweep]\ntries = 1\ncount = 1\n", NULL, "key sweep.count is set twice, first on line 2");
    assert_bad(state, "[sweep]\ntries = x\n", NULL, "sweep.count = x: not a whole number");
}

static void hashes_leave_out_what_they_are_to(void **state) {
    Sweep sweep;
    assert_fine(load(state, &sweep, "", NULL));
    const uint64_t hash = hash_of(&sweep);
    uint64_t results;
    assert_fine(config_hash_results(&table, &sweep, &results));
    config_free(&table, &sweep);
    static const struct {
        const char *set;
        bool same, same_results;
    } cases[] = {{"sweep.base=x", true, true},
                 {"sweep.name=x", false, false},
                 {"sweep.fast=off", false, true},
                 {"gpus.0=x", false, false},
                 {"service.a.port=8000", false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t other;
        assert_fine(load(state, &sweep, "", cases[i].set));
        assert_int_equal(hash_of(&sweep) == hash, cases[i].same);
        assert_fine(config_hash_results(&table, &sweep, &other));
        assert_int_equal(other == results, cases[i].same_results);
        config_free(&table, &sweep);
    }
}

static void reals_print_so_that_they_read_back_equal(void **state) {
    Random random;
    random_start(&random, 1, RANDOM_TEST, 0, 0);
    for (int i = 0; i < 300; i++) {
        Sweep sweep, again;
        char set[64], *text;
        double value = random_between(&random, 0, 1e-3) * (i % 3 ? 1 : 1e-6);
        snprintf(set, sizeof set, "sweep.%s=%.17g", i % 2 ? "rate" : "grace", value);
        assert_fine(load(state, &sweep, "", set));
        assert_true((i % 2 ? sweep.rate : sweep.grace) == value);
        assert_fine(config_text(&table, &sweep, &text));
        assert_fine(load(state, &again, text, NULL));
        assert_true((i % 2 ? again.rate : again.grace) == value);
        config_free(&table, &sweep);
        config_free(&table, &again);
        free(text);
    }
}

static char *help_of(const char *key, Status *status) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    *status = config_help(&table, key, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void help_explains_each_kind_of_key(void **state) {
    (void)state;
    static const struct {
        const char *key, *text;
    } cases[] = {
        {"sweep.name", "sweep.name           text     up to 4095 bytes; default trial\n    Name.\n"},
        {"sweep.base", "sweep.base           text     up to 4095 bytes; default empty\n    File.\n"},
        {"sweep.packs", "sweep.packs          text     up to 131071 bytes; default empty\n    Folders.\n"},
        {"sweep.tries", "sweep.count          integer  0 to 100 | auto trials; default 7\n    Trials.\n"},
        {"sweep.budget", "sweep.budget         integer  0 to 1000; default 10 x count\n    Budget.\n"},
        {"sweep.seeds", "sweep.seeds          integers 0 to 1000, separated by commas; default 1, 2\n    Seeds.\n"},
        {"sweep.rates", "sweep.rates          reals    0 to 1, separated by commas; default empty\n    Rates.\n"},
        {"sweep.grace",
         "sweep.grace          duration 0 to 1000000, in seconds or with m, h, d; default 90\n    Patience.\n"},
        {"gpus", "gpus.*               text     up to 4095 bytes; default none\n    UUID of GPU N.\n"},
        {"gpus.3", "gpus.*               text     up to 4095 bytes; default none\n    UUID of GPU N.\n"},
        {"service.brain.port", "service.NAME.port    integer  1 to 65535; default 8000\n    Port.\n"},
        {"service.NAME.port", "service.NAME.port    integer  1 to 65535; default 8000\n    Port.\n"},
    };
    Status status;
    char *all = help_of(NULL, &status);
    assert_fine(status);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = help_of(cases[i].key, &status);
        assert_fine(status);
        assert_string_equal(text, cases[i].text);
        assert_non_null(strstr(all, text));
        free(text);
    }
    char *whole = help_of("service", &status), *one = help_of("service.brain", &status);
    assert_non_null(strstr(whole, "service.NAME.command"));
    assert_non_null(strstr(whole, "service.NAME.port"));
    assert_null(strstr(whole, "sweep."));
    assert_string_equal(whole, one);
    free(whole);
    free(one);
    free(all);
    char *text = help_of("sweep.conut", &status);
    assert_refused(status, EXIT_USAGE, "nearest is sweep.count");
    assert_string_equal(text, "");
    free(text);
    assert_string_equal(config_choice_name(&table, "sweep.direction", UP), "up");
    assert_string_equal(config_choice_name(&table, "sweep.direction", 4), "");
    assert_string_equal(config_choice_name(&table, "sweep.count", 4), "");
}

static size_t mutate(char *mutant, size_t length, size_t capacity, uint64_t round) {
    static const char likely[] = "[]=;# \n\r\t.-+,*eE0123456789:KGmh";
    Random random;
    random_start(&random, 2, RANDOM_TEST, 0, round);
    for (uint32_t change = random_below(&random, 3) + 1; change; change--) {
        size_t place = random_below(&random, (uint32_t)length), run = random_below(&random, 40) + 1;
        run = run < length - place ? run : length - place;
        switch (random_below(&random, 4)) {
        case 0:
            mutant[place] = (char)random_u32(&random);
            break;
        case 1:
            mutant[place] = likely[random_below(&random, sizeof likely - 1)];
            break;
        case 2: /* taken out */
            memmove(mutant + place, mutant + place + run, length - place - run);
            length -= run;
            break;
        default: /* doubled */
            if (length + run <= capacity) {
                memmove(mutant + place + run, mutant + place, length - place);
                length += run;
            }
        }
    }
    return length;
}

/* Any file is refused with a usage error that names it, or read; what is read reads back the same. */
static void mutated_files_do_no_harm(void **state) {
    static const char whole[] = "[sweep]\nname = a;b ; c\ncount = 3\nhost_free = 8G\ngrace = 90m\nseeds = 1, 2\n"
                                "words = a b, c\nsides = up, down\n[gpus]\n0 = cpu\n1 = GPU-1\n[grid]\n"
                                "optim.base_lr = 1e-4, 3e-4\n[limits]\n* = 3\nrungs = 1K, 2M\n[service.brain]\n"
                                "command = serve\nport = 80\n[service.eye]\n";
    int rounds = getenv("FOVEA_LONG") ? 50000 : 4000, read = 0;
    for (int round = 0; round < rounds; round++) {
        char mutant[2 * sizeof whole], path[TEMP_PATH * 2];
        memcpy(mutant, whole, sizeof whole);
        size_t length = mutate(mutant, sizeof whole - 1, sizeof mutant, (uint64_t)round);
        FILE *out = fopen(temp_path(state, "mutant.ini", path), "w");
        assert_non_null(out);
        assert_int_equal(fwrite(mutant, 1, length, out), length);
        assert_int_equal(fclose(out), 0);
        Sweep sweep;
        Status status = config_load(&table, &sweep, path, NULL, 0, NULL);
        if (!status) {
            read++;
            free(assert_reads_back(state, &sweep));
            config_free(&table, &sweep);
        } else {
            assert_int_equal(status_code(status), EXIT_USAGE);
            assert_non_null(strstr(status_message(status), "mutant.ini"));
        }
        status_free(status);
    }
    assert_true(read > rounds / 100 && read < rounds / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_has_its_default),
        cmocka_unit_test(lists_are_read),
        cmocka_unit_test(sizes_and_durations_have_units),
        cmocka_unit_test(sections_may_have_keys_of_any_name),
        cmocka_unit_test(sections_may_be_named),
        cmocka_unit_test(a_comment_starts_after_a_blank),
        cmocka_unit_test(long_values_are_read),
        cmocka_unit_test(lines_of_any_length_are_read),
        cmocka_unit_test(a_list_of_paths_is_as_long_as_an_argument),
        cmocka_unit_test(texts_that_a_file_could_not_hold_are_refused),
        cmocka_unit_test(bad_files_are_refused_with_place_and_remedy),
        cmocka_unit_test(bytes_that_are_no_text_are_refused),
        cmocka_unit_test(a_missing_file_is_a_usage_error),
        cmocka_unit_test(harmless_forms_are_read),
        cmocka_unit_test(overrides_win_the_later_the_more),
        cmocka_unit_test(bad_overrides_name_the_argument),
        cmocka_unit_test(renamed_keys_warn_once_each),
        cmocka_unit_test(hashes_leave_out_what_they_are_to),
        cmocka_unit_test(reals_print_so_that_they_read_back_equal),
        cmocka_unit_test(help_explains_each_kind_of_key),
        cmocka_unit_test(mutated_files_do_no_harm),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
