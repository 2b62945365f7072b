/* SPDX-License-Identifier: Apache-2.0 */
/* A rule in words, whole; and the rule that comes with the program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pool/rule/rule.h"
#include "pool/rule/rule_words.h"
#include "tests/fixtures/check.h"

#include <stdlib.h>
#include <string.h>

static void assert_words(const Rule *rule, uid_t uid, const char *user, const char *wanted) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    rule_print(rule, uid, user, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, wanted);
    free(text);
}

/* The last paragraph: who asks, and what is theirs. */
static void assert_asker(const Rule *rule, uid_t uid, const char *user, const char *wanted) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    rule_print(rule, uid, user, out);
    assert_int_equal(fclose(out), 0);
    const char *last = strstr(text, "\nYou are ");
    assert_non_null(last);
    assert_string_equal(last + 1, wanted);
    free(text);
}

static void the_rule_of_configs(void **state) {
    (void)state;
    Rule rule;
    char *warnings = NULL;
    size_t size;
    FILE *out = open_memstream(&warnings, &size);
    assert_non_null(out);
    assert_fine(rule_read("configs/node.ini", out, &rule));
    assert_int_equal(fclose(out), 0);
    assert_string_equal(warnings, "");
    free(warnings);
    assert_words(&rule, 1001, "ann",
                 "Node node1 has 8 GPUs in 3 lanes.\n"
                 "The rule is configs/node.ini.\n"
                 "The loan lasts from 2026-11-01 to 2026-12-31; at its end jobs stop with a checkpoint.\n"
                 "\n"
                 "Lane brain, GPU 0: a service.\n"
                 "  One server is kept up there, and no job runs there.\n"
                 "Lane aria, GPU 1: engine's alone.\n"
                 "  Only engine leases it, and no waiting job starts there by itself.\n"
                 "Lane pool, GPUs 2 to 7: the pool of all members.\n"
                 "  Members lease them, and waiting jobs start when one is idle.\n"
                 "\n"
                 "A GPU is idle when two looks at it, 5 seconds apart, show no work and no process.\n"
                 "A job that is asked to stop has 60 seconds for its checkpoint.\n"
                 "A job without progress for 15 minutes is stopped and queued again.\n"
                 "From 85 C on a GPU gets no new job; at 90 C its job stops with a checkpoint.\n"
                 "64G of the machine's memory stays free of jobs.\n"
                 "\n"
                 "Admins: root. They act on everybody's jobs, and on GPUs.\n"
                 "Members: everybody. They act on their own jobs.\n"
                 "At most 40 jobs of engine wait at once.\n"
                 "\n"
                 "You are ann, a member: you may use lane pool, GPUs 2 to 7.\n");
    assert_asker(&rule, 0, "root", "You are root, an admin: you may use lane pool, GPUs 2 to 7.\n");
    assert_asker(&rule, 1003, "engine",
                 "You are engine, a member: you may use lane aria, GPU 1, and lane pool, GPUs 2 to 7.\n"
                 "At most 40 of your jobs may wait at once.\n");
}

static void lanes_of_every_shape(void **state) {
    (void)state;
    Rule rule;
    assert_fine(rule_parse("[node]\nname = box\nnotify = tell\ngrace = 2h\nstall = 90\nlook_gap = 0.5\n"
                           "[gpus]\n0 = GPU-0\n1 = cpu\n2 = cpu\n3 = cpu\n5 = GPU-5\n6 = GPU-6\n8 = GPU-8\n9 = cpu\n"
                           "[lanes]\nmixed = pool 0-2, 5\nslots = owner 3 bob\nlast = service 6\n"
                           "[roles]\nadmin = ann, bob\nmember = ann, bob, cleo\n"
                           "[limits]\nbob = queued 1\n* = queued 0\n",
                           "node.ini", NULL, &rule));
    assert_words(&rule, 1009, "dora",
                 "Node box has 4 GPUs and 4 slots without a GPU in 3 lanes.\n"
                 "The rule is node.ini.\n"
                 "\n"
                 "Lane mixed, GPUs 0 to 2 and 5 (2 without a GPU): the pool of all members.\n"
                 "  Members lease them, and waiting jobs start when one is idle.\n"
                 "Lane slots, slot 3 without a GPU: bob's alone.\n"
                 "  Only bob leases it, and no waiting job starts there by itself.\n"
                 "Lane last, GPU 6: a service.\n"
                 "  One server is kept up there, and no job runs there.\n"
                 "In no lane, so that no job runs there: GPUs 8 and 9 (1 without a GPU).\n"
                 "\n"
                 "A GPU is idle when two looks at it, 0.5 seconds apart, show no work and no process.\n"
                 "A job that is asked to stop has 2 hours for its checkpoint.\n"
                 "A job without progress for 90 seconds is stopped and queued again.\n"
                 "From 85 C on a GPU gets no new job; at 90 C its job stops with a checkpoint.\n"
                 "8G of the machine's memory stays free of jobs.\n"
                 "Events go to the program tell.\n"
                 "\n"
                 "Admins: ann and bob. They act on everybody's jobs, and on GPUs.\n"
                 "Members: ann, bob and cleo. They act on their own jobs.\n"
                 "At most 1 job of bob waits at once.\n"
                 "At most 0 jobs of any other user wait at once.\n"
                 "\n"
                 "You are dora, no member: you may use no lane.\n"
                 "At most 0 of your jobs may wait at once.\n");
    assert_asker(&rule, 1002, "bob",
                 "You are bob, an admin: you may use lane mixed, GPUs 0 to 2 and 5 (2 without a GPU), and lane slots, "
                 "slot 3 without a GPU.\nAt most 1 of your jobs may wait at once.\n");
}

static void the_default_rule(void **state) {
    (void)state;
    Rule rule;
    rule_default(NULL, &rule);
    strcpy(rule.node, "laptop");
    char wanted[256];
    snprintf(wanted, sizeof wanted, "You are ann, %s: you may use lane pool, slot 0 without a GPU.\n",
             strcmp(rule.admins[0], "*") == 0 ? "an admin" : "a member");
    assert_asker(&rule, 1001, "ann", wanted);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    rule_print(&rule, 1001, "ann", out);
    assert_int_equal(fclose(out), 0);
    assert_memory_equal(text,
                        "Node laptop has 1 slot without a GPU in 1 lane.\n"
                        "There is no rule file: these are the defaults. configs/node.ini is one to start from.\n",
                        134);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rule_of_configs),
        cmocka_unit_test(lanes_of_every_shape),
        cmocka_unit_test(the_default_rule),
    };
    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
