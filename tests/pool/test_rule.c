/* SPDX-License-Identifier: Apache-2.0 */
/* Rule files: what they say, and each way in which they can be wrong, by file, line and key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pool/rule/rule.h"
#include "tests/fixtures/fake_gpus.h"

#include <time.h>

static const char EIGHT[] = "[node]\n"
                            "name = node1\n"
                            "loan = 2026-11-01 2026-12-31 ; the clock\n"
                            "look_every = 7\n"
                            "look_gap = 2\n"
                            "grace = 2m\n"
                            "stall = 1h\n"
                            "warn_celsius = 80\n"
                            "stop_celsius = 88.5\n"
                            "host_free = 32G\n"
                            "notify = tools/notify\n"
                            "[gpus]\n"
                            "0 = GPU-00\n1 = GPU-11\n7 = 0000:e3:00.0\n2 = cpu\n3 = cpu\n4 = 4\n5 = MIG-55\n6 = cpu\n"
                            "[lanes]\n"
                            "brain = service 0\n"
                            "aria = owner 1 engine\n"
                            "pool = pool 2, 4-6 3\n"
                            "[roles]\n"
                            "admin = root, ann\n"
                            "member = ann, bob, cleo\n"
                            "[limits]\n"
                            "engine = queued 40\n"
                            "* = queued 5\n"
                            "[service.brain]\n"
                            "command = serve --port 8000\n"
                            "health = http://127.0.0.1:8000/health\n"
                            "words = http://127.0.0.1:8000/metrics generation_tokens_total\n"
                            "[board]\n"
                            "words_rate = 2.50\n";

/* The warnings of a rule that is well; the caller's. */
static char *parse_well(const char *text, Rule *rule) {
    char *warnings = NULL;
    size_t size;
    FILE *out = open_memstream(&warnings, &size);
    assert_non_null(out);
    assert_fine(rule_parse(text, "node.ini", out, rule));
    assert_int_equal(fclose(out), 0);
    return warnings;
}

static void a_rule_is_read(void **state) {
    (void)state;
    Rule rule;
    char *warnings = parse_well(EIGHT, &rule);
    assert_string_equal(warnings,
                        "warning: node.ini:18: gpus.4 = 4: an index can name another GPU after a restart; give "
                        "its UUID, which nvidia-smi -L prints\n"
                        "warning: node.ini:15: gpus.7: in no lane, so that no job will use it\n");
    free(warnings);
    assert_string_equal(rule.node, "node1");
    assert_true(rule.loan_from == 1793491200 && rule.loan_to == 1798761600); /* date -u -d 2026-11-01, 2027-01-01 */
    assert_true(rule.look_every == 7 && rule.look_gap == 2 && rule.grace == 120 && rule.stall == 3600);
    assert_true(rule.warn_celsius == 80 && rule.stop_celsius == 88.5 && rule.host_free == INT64_C(32) << 30);
    assert_string_equal(rule.notify, "tools/notify");
    static const int lanes[] = {0, 1, 2, 2, 2, 2, 2, -1};
    assert_int_equal(rule.gpu_count, 8);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(rule.gpus[i].number, i);
        assert_int_equal(rule.gpus[i].lane, lanes[i]);
        assert_int_equal(rule.gpus[i].cpu, i == 2 || i == 3 || i == 6);
    }
    assert_string_equal(rule.gpus[1].id, "GPU-11");
    assert_string_equal(rule.gpus[2].id, "");
    assert_string_equal(rule.gpus[7].id, "0000:e3:00.0");
    assert_int_equal(rule.lane_count, 3);
    assert_int_equal(rule.lanes[0].kind, LANE_SERVICE);
    assert_int_equal(rule.lanes[1].kind, LANE_OWNER);
    assert_string_equal(rule.lanes[1].owner, "engine");
    assert_int_equal(rule.lanes[2].kind, LANE_POOL);
    assert_int_equal(rule.service_count, 1);
    assert_int_equal(rule_gpu(&rule, 7), 7);
    assert_int_equal(rule_gpu(&rule, 8), -1);
    assert_int_equal(rule_lane(&rule, "pool"), 2);
    assert_int_equal(rule_lane(&rule, "pol"), -1);
}

static void who_may_do_what(void **state) {
    (void)state;
    Rule rule;
    free(parse_well(EIGHT, &rule));
    assert_true(rule_is_admin(&rule, 1001, "ann"));
    assert_true(rule_is_admin(&rule, 0, "root"));
    assert_false(rule_is_admin(&rule, 1002, "bob"));
    assert_true(rule_is_member(&rule, 1002, "bob"));
    assert_false(rule_is_member(&rule, 1003, "engine"));
    assert_true(rule_may_use(&rule, 2, 1002, "bob"));
    assert_false(rule_may_use(&rule, 2, 1003, "engine"));
    assert_true(rule_may_use(&rule, 1, 1003, "engine"));
    assert_false(rule_may_use(&rule, 1, 1001, "ann")); /* not an admin either: it is the owner's alone */
    assert_false(rule_may_use(&rule, 0, 0, "root"));
    assert_int_equal(rule_queued_limit(&rule, "engine"), 40);
    assert_int_equal(rule_queued_limit(&rule, "bob"), 5);
    free(parse_well("[gpus]\n0 = cpu\n[lanes]\npool = pool 0\n[roles]\nadmin = ann\n[node]\nwarn_celsius = 90\n",
                    &rule));
    assert_true(rule_is_admin(&rule, 0, "root")); /* by its number, whatever the file says */
    assert_true(rule.warn_celsius == rule.stop_celsius);
    free(parse_well("[gpus]\n0 = cpu\n[lanes]\npool = pool 0\n", &rule));
    assert_true(rule_is_member(&rule, 1234, "anybody"));
    assert_false(rule_is_admin(&rule, 1234, "anybody"));
    assert_int_equal(rule_queued_limit(&rule, "anybody"), -1);
    assert_true(rule.grace == 60 && rule.stall == 900 && rule.look_every == 5 && rule.look_gap == 5);
    assert_true(rule.warn_celsius == 85 && rule.stop_celsius == 90 && rule.host_free == INT64_C(8) << 30);
    assert_true(rule.loan_from == 0 && rule.loan_to == 0 && !*rule.notify && *rule.node);
}

/* Each after "[gpus]\n0 = GPU-0\n1 = GPU-1\n2 = cpu\n" (lines 1 to 4), with what the message contains. */
static const struct {
    const char *text, *message;
} faults[] = {
    {"[lanes]\npool = pool 0-2\n[nodes]\n", "node.ini:7: unknown section [nodes]; the nearest is [node]"},
    {"[lanes]\npool = pool 0-2\n[node]\ngrase = 5\n", "node.ini:8: unknown key node.grase; the nearest is node.grace"},
    {"[lanes]\npool = pool 0-2\n[node]\ngrace = 5\ngrace = 6\n",
     "node.ini:9: key node.grace is set twice, first on line 8"},
    {"[lanes]\npool = pool 0\npool = pool 1\n", "node.ini:7: key lanes.pool is set twice, first on line 6"},
    {"2 = GPU-2\n", "node.ini:5: key gpus.2 is set twice, first on line 4"},
    {"02 = GPU-2\n", "node.ini:5: gpus.02: GPU 2 is on line 4 already"},
    {"x = GPU-2\n", "node.ini:5: gpus.x: a GPU's key is its number"},
    {"10000 = GPU-2\n", "node.ini:5: gpus.10000: a GPU's key is its number"},
    {"3 = gpu-0\n", "node.ini:5: gpus.3: gpu-0 is neither a UUID"},
    {"3 = GPU-\n", "node.ini:5: gpus.3: GPU- is neither a UUID"},
    {"3 = 3b:00\n", "node.ini:5: gpus.3: 3b:00 is neither a UUID"},
    {"3 = GPU-0\n", "node.ini:5: gpus.3: GPU-0 is GPU 0 already, on line 2"},
    {"3 = GPU-ab\n4 = GPU-AB\n", "node.ini:6: gpus.4: GPU-AB is GPU 3 already, on line 5"},
    {"3 = 0000:3B:00.0\n4 = 3b:00.0\n", "node.ini:6: gpus.4: 3b:00.0 is GPU 3 already, on line 5"},
    {"3 = 00000001:3b:00.0\n4 = 0001:3b:00.0\n", "node.ini:6: gpus.4: 0001:3b:00.0 is GPU 3 already, on line 5"},
    {"3 = 1\n4 = 01\n", "node.ini:6: gpus.4: 01 is GPU 3 already, on line 5"},
    {"", "node.ini: lanes: the section has no lane"},
    {"[lanes]\n", "node.ini: lanes: the section has no lane"},
    {"[lanes]\npool =\n", "node.ini:6: lanes.pool: there is no kind"},
    {"[lanes]\npool = poll 0\n", "node.ini:6: lanes.pool: there is no kind poll; the nearest is pool"},
    {"[lanes]\npool = 0-2\n", "node.ini:6: lanes.pool: there is no kind 0-2"},
    {"[lanes]\npool = pool\n", "node.ini:6: lanes.pool: the lane has no GPUs"},
    {"[lanes]\na = owner ann\n", "node.ini:6: lanes.a: the lane has no GPUs"},
    {"[lanes]\na = owner 0\n", "node.ini:6: lanes.a: the owner is missing"},
    {"[lanes]\na = owner 0 ann bob\n", "node.ini:6: lanes.a: bob: a lane of the kind owner has one user"},
    {"[lanes]\na = owner 0 <b>\n", "node.ini:6: lanes.a: <b>: a lane of the kind owner has one user"},
    {"[lanes]\na = pool 0 ann\n", "node.ini:6: lanes.a: ann: GPUs are numbers and ranges"},
    {"[lanes]\na = pool 2-0\n", "node.ini:6: lanes.a: 2-0: the range is reversed"},
    {"[lanes]\na = pool 0-\n", "node.ini:6: lanes.a: 0-: GPUs are numbers and ranges"},
    {"[lanes]\na = pool -1\n", "node.ini:6: lanes.a: -1: GPUs are numbers and ranges"},
    {"[lanes]\na = pool 0-1-2\n", "node.ini:6: lanes.a: 0-1-2: GPUs are numbers and ranges"},
    {"[lanes]\na = pool 0-99999999999\n", "node.ini:6: lanes.a: 0-99999999999: GPUs are numbers and ranges"},
    {"[lanes]\na = pool 0-9999\n", "node.ini:6: lanes.a: 0-9999: there are more than 64 GPUs"},
    {"[lanes]\na = pool 0 0-1\n", "node.ini:6: lanes.a: 0-1: a GPU is named twice"},
    {"[lanes]\na = pool 0-3\n", "node.ini:6: lanes.a: [gpus] has no GPU 3"},
    {"[lanes]\na = pool 0\nb = owner 1, 0 ann\n", "node.ini:7: lanes.b: GPU 0 is in lane a already, on line 6"},
    {"[lanes]\n-a = pool 0\n", "node.ini:6: lanes.-a: a name has up to 63 letters"},
    {"[lanes]\n<b> = pool 0\n", "node.ini:6: lanes.<b>: a key's name consists of letters"},
    {"[lanes]\na = pool 0\n[node]\nname = <b>\n", "node.ini:8: node.name: a name has up to 63 letters"},
    {"[lanes]\na = pool 0\n[node]\nname = a\xffz\n",
     "node.ini:8: a control character, or a byte that is not UTF-8 (0xff)"},
    {"[lanes]\na = pool 0\n[node]\nname = a\033[2J\n",
     "node.ini:8: a control character, or a byte that is not UTF-8 (0x1b)"},
    {"[lanes]\na = pool 0\n; \x7f\n", "node.ini:7: a control character, or a byte that is not UTF-8 (0x7f)"},
    {"[lanes]\na = pool 0\n[node]\n  name = a\n", "node.ini:8:   name = a: an indented line"},
    {"[lanes]\na = pool 0\n[node]\nloan = 2026-11-01\n",
     "node.ini:8: node.loan: 2026-11-01: a loan is its first and last"},
    {"[lanes]\na = pool 0\n[node]\nloan = 2026-11-01 2026-12-31 x\n",
     "node.ini:8: node.loan: 2026-11-01 2026-12-31 x: a l"},
    {"[lanes]\na = pool 0\n[node]\nloan = 2026-02-29 2026-12-31\n",
     "node.ini:8: node.loan: 2026-02-29 2026-12-31: a loan"},
    {"[lanes]\na = pool 0\n[node]\nloan = 1.11.2026 31.12.2026\n",
     "node.ini:8: node.loan: 1.11.2026 31.12.2026: a loan"},
    {"[lanes]\na = pool 0\n[node]\nloan = 2026-12-31 2026-11-01\n", "the loan ends before it begins"},
    {"[lanes]\na = pool 0\n[node]\nwarn_celsius = 91\n", "node.ini:8: node.warn_celsius: 91 is above stop_celsius, 90"},
    {"[lanes]\na = pool 0\n[node]\nstop_celsius = 84\n", "node.ini:8: node.warn_celsius: 85 is above stop_celsius, 84"},
    {"[lanes]\na = pool 0\n[node]\nlook_every = 0\n", "node.ini:8: node.look_every = 0: "},
    {"[lanes]\na = pool 0\n[node]\nhost_free = 8 GB\n", "node.ini:8: node.host_free = 8 GB: "},
    {"[lanes]\na = pool 0\n[roles]\nadmin = root, -x\n", "node.ini:8: roles.admin: -x is no name of a user"},
    {"[lanes]\na = pool 0\n[roles]\nmember =\n", "node.ini:8: roles.member = : an empty list"},
    {"[lanes]\na = pool 0\n[roles]\nmembers = a\n",
     "node.ini:8: unknown key roles.members; the nearest is roles.member"},
    {"[lanes]\na = pool 0\n[roles]\nmember = a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q\n",
     "roles.member: a role has at most 16"},
    {"[lanes]\na = pool 0\n[limits]\nann = 40\n", "node.ini:8: limits.ann: 40: a limit is queued N"},
    {"[lanes]\na = pool 0\n[limits]\nann = queued\n", "node.ini:8: limits.ann: queued: a limit is queued N"},
    {"[lanes]\na = pool 0\n[limits]\nann = queued -1\n", "node.ini:8: limits.ann: queued -1: a limit is queued N"},
    {"[lanes]\na = pool 0\n[limits]\nann = queued40\n", "node.ini:8: limits.ann: queued40: a limit is queued N"},
    {"[lanes]\na = pool 0\n[limits]\nann/b = queued 4\n", "node.ini:8: limits.ann/b: no name of a user"},
    {"[lanes]\na = pool 0\n[service.a]\ncommand = x\n",
     "node.ini:7: service.a: [lanes] has no lane a of the kind service"},
    {"[lanes]\na = pool 0\n[service.b]\ncommand = x\n",
     "node.ini:7: service.b: [lanes] has no lane b of the kind service"},
    {"[lanes]\na = service 0\n[service.a]\n", "node.ini:7: service.a.command: the command is missing"},
    {"[lanes]\na = service 0\n[service.a]\ncommand = x\nhealth = y\n", "node.ini:9: service.a.health: y is no address"},
    {"[lanes]\na = service 0\n[service.a]\ncommand = x\nwords = http://y\n",
     "node.ini:9: service.a.words: http://y: give an"},
    {"[lanes]\na = service 0\n[service.a]\nport = 1\n", "node.ini:8: unknown key service.a.port"},
    {"[lanes]\na = pool 0\n[board]\nwords_rate = x\n", "node.ini:8: board.words_rate = x: "},
};

static void each_fault_is_named_with_its_line(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char text[1024];
        Rule rule;
        snprintf(text, sizeof text, "[gpus]\n0 = GPU-0\n1 = GPU-1\n2 = cpu\n%s", faults[i].text);
        Status status = rule_parse(text, "node.ini", NULL, &rule);
        if (status_code(status) != EXIT_DATA || !strstr(status_message(status), faults[i].message))
            fail_msg("%s\ngave %d \"%s\", not \"%s\"", faults[i].text, (int)status_code(status), status_message(status),
                     faults[i].message);
        status_free(status);
    }
    Rule rule;
    assert_refused(rule_parse("[lanes]\na = pool 0\n", "node.ini", NULL, &rule), EXIT_DATA,
                   "node.ini: gpus: the section lists no GPU");
}

static void too_much_is_refused(void **state) {
    (void)state;
    char text[8192] = "[gpus]\n";
    Rule rule;
    for (int i = 0; i <= POOL_GPUS; i++)
        snprintf(text + strlen(text), 32, "%d = cpu\n", i);
    assert_refused(rule_parse(text, "n", NULL, &rule), EXIT_DATA, "n:66: gpus.64: a rule has at most 64 GPUs");
    strcpy(text, "[gpus]\n");
    for (int i = 0; i < POOL_GPUS; i++)
        snprintf(text + strlen(text), 32, "%d = cpu\n", i);
    strcat(text, "[lanes]\n");
    for (int i = 0; i <= POOL_LANES; i++)
        snprintf(text + strlen(text), 32, "lane%d = pool %d\n", i, i);
    assert_refused(rule_parse(text, "n", NULL, &rule), EXIT_DATA, "n:83: lanes.lane16: a rule has at most 16 lanes");
    strcpy(text, "[gpus]\n0 = cpu\n[lanes]\npool = pool 0\n[limits]\n");
    for (int i = 0; i <= POOL_LANES; i++)
        snprintf(text + strlen(text), 32, "user%d = queued 1\n", i);
    assert_refused(rule_parse(text, "n", NULL, &rule), EXIT_DATA, "n:22: limits.user16: a rule has at most 16 limits");
    snprintf(text, sizeof text, "[gpus]\n0 = cpu\n[lanes]\n%070d = pool 0\n", 1);
    assert_refused(rule_parse(text, "n", NULL, &rule), EXIT_DATA, "n:4: lanes.000");
    snprintf(text, sizeof text, "[gpus]\n0 = GPU-%0120d\n[lanes]\na = pool 0\n", 1);
    assert_refused(rule_parse(text, "n", NULL, &rule), EXIT_DATA, "n:2: gpus.0: GPU-000");
}

static void a_file_is_read_and_a_missing_one_named(void **state) {
    char path[TEMP_PATH * 2];
    Rule rule;
    temp_path(state, "node.ini", path);
    assert_refused(rule_read(path, NULL, &rule), EXIT_DATA, "there is no such rule; configs/node.ini");
    assert_fine(files_write(path, EIGHT, sizeof EIGHT - 1));
    assert_fine(rule_read(path, NULL, &rule));
    assert_string_equal(rule.path, path);
    assert_fine(files_write(path, EIGHT, sizeof EIGHT));
    assert_refused(rule_read(path, NULL, &rule), EXIT_DATA, "not a text file: it contains a NUL");
    char *linked = NULL;
    assert_true(asprintf(&linked, "\xEF\xBB\xBF%s", EIGHT) > 0); /* an editor's byte order mark */
    assert_fine(files_write(path, linked, strlen(linked)));
    assert_fine(rule_read(path, NULL, &rule));
    free(linked);
}

/* --- The machine's GPUs ------------------------------------------------------------------------------------------- */

static void *loaded;

static int load_fake(void **state) {
    (void)state;
    loaded = fake_gpus_load(".");
    return 0;
}

static int unload_fake(void **state) {
    (void)state;
    unsetenv("FOVEA_FAKE_NVML");
    return dlclose(loaded);
}

static Gauges *open_two(void **state) {
    Gauges *gauges;
    fake_gpus_set(state,
                  "uuid=GPU-aa pci=0000:3b:00.0 name=NVIDIA_H200\nuuid=GPU-bb pci=0000:5e:00.0 name=NVIDIA_H200\n");
    assert_fine(gauges_open(&gauges));
    assert_int_equal(gauges_count(gauges), 2);
    return gauges;
}

static void gpus_are_matched_with_the_machine(void **state) {
    Gauges *gauges = open_two(state);
    Rule rule;
    int devices[POOL_GPUS];
    static const char lanes[] = "[lanes]\npool = pool 0\n";
    char text[256];
    snprintf(text, sizeof text, "[gpus]\n0 = GPU-bb\n1 = cpu\n2 = 3B:00.0\n%s", lanes);
    free(parse_well(text, &rule));
    assert_fine(rule_match(&rule, gauges, devices));
    assert_true(devices[0] == 1 && devices[1] == -1 && devices[2] == 0);
    snprintf(text, sizeof text, "[gpus]\n0 = 1\n%s", lanes);
    free(parse_well(text, &rule));
    assert_fine(rule_match(&rule, gauges, devices));
    assert_int_equal(devices[0], 1);
    snprintf(text, sizeof text, "[gpus]\n0 = GPU-bb\n1 = GPU-cc\n%s", lanes);
    free(parse_well(text, &rule));
    assert_refused(rule_match(&rule, gauges, devices), EXIT_DATA,
                   "node.ini:3: gpus.1: GPU-cc is not on this machine, which has GPU-aa (NVIDIA H200, 0000:3b:00.0), "
                   "GPU-bb (NVIDIA H200, 0000:5e:00.0)");
    snprintf(text, sizeof text, "[gpus]\n0 = 2\n%s", lanes);
    free(parse_well(text, &rule));
    assert_refused(rule_match(&rule, gauges, devices), EXIT_DATA, "node.ini:2: gpus.0: 2 is not on this machine");
    snprintf(text, sizeof text, "[gpus]\n0 = GPU-bb\n5 = 5e:00.0\n%s", lanes);
    free(parse_well(text, &rule));
    assert_refused(rule_match(&rule, gauges, devices), EXIT_DATA,
                   "node.ini:3: gpus.5: 5e:00.0 is GPU 0 already, which line 2 calls GPU-bb");
    gauges_close(gauges);
}

static void without_a_rule_all_gpus_are_in_one_pool(void **state) {
    Gauges *gauges = open_two(state);
    Rule rule;
    int devices[POOL_GPUS];
    rule_default(gauges, &rule);
    assert_int_equal(rule.gpu_count, 2);
    assert_string_equal(rule.gpus[1].id, "GPU-bb");
    assert_true(rule.gpus[1].lane == 0 && !rule.gpus[1].cpu && rule.gpus[1].number == 1);
    assert_fine(rule_match(&rule, gauges, devices));
    assert_true(devices[0] == 0 && devices[1] == 1);
    gauges_close(gauges);
    unsetenv("FOVEA_FAKE_NVML");
    assert_fine(gauges_open(&gauges));
    rule_default(gauges, &rule);
    assert_true(rule.gpu_count == 1 && rule.gpus[0].cpu && rule.gpus[0].lane == 0);
    assert_true(rule_may_use(&rule, 0, 1234, "anybody"));
    assert_int_equal(rule_is_admin(&rule, 1234, "anybody"), geteuid() != 0);
    /* Its numbers are the defaults of a file. */
    Rule file;
    free(parse_well("[gpus]\n0 = cpu\n[lanes]\npool = pool 0\n", &file));
    assert_true(rule.look_every == file.look_every && rule.look_gap == file.look_gap && rule.grace == file.grace);
    assert_true(rule.stall == file.stall && rule.host_free == file.host_free && rule.warn_celsius == file.warn_celsius);
    assert_true(rule.stop_celsius == file.stop_celsius);
    assert_string_equal(rule.node, file.node);
    free(parse_well("[gpus]\n0 = GPU-aa\n[lanes]\npool = pool 0\n", &file));
    assert_refused(rule_match(&file, gauges, devices), EXIT_DATA, "node.ini:2: gpus.0: GPU-aa cannot be found: ");
    gauges_close(gauges);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_is_read),
        cmocka_unit_test(who_may_do_what),
        cmocka_unit_test(each_fault_is_named_with_its_line),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(a_file_is_read_and_a_missing_one_named),
        cmocka_unit_test_setup_teardown(gpus_are_matched_with_the_machine, load_fake, unload_fake),
        cmocka_unit_test_setup_teardown(without_a_rule_all_gpus_are_in_one_pool, load_fake, unload_fake),
    };
    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
