/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of ./pool, printed from answers by hand and compared as text: in 80 columns, and harmless whatever a name
 * contains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/progress.h"
#include "pool/view/view_jobs.h"
#include "pool/view/view_status.h"
#include "pool/view/view_top.h"
#include "pool/view/view_words.h"
#include "tests/fixtures/check.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef Status (*View)(const ViewPage *page, const cJSON *answer);

enum { NOW = 1796071260 }; /* 2026-11-30 20:41 UTC */

/* What `view` prints of the answer, the caller's. No line is wider than the page, ends in a blank or contains a control
 * character but the colours'. */
static char *print_view(View view, const char *json, int columns, bool colour) {
    char *text;
    size_t size;
    cJSON *answer = cJSON_Parse(json);
    assert_non_null(answer);
    ViewPage page = {.out = open_memstream(&text, &size), .columns = columns, .colour = colour, .now = NOW};
    assert_non_null(page.out);
    assert_fine(view(&page, answer));
    assert_int_equal(fclose(page.out), 0);
    cJSON_Delete(answer);
    const char *line = text;
    for (const char *c = text; *c; c++) {
        if (*c == '\n') {
            char *shown = strndup(line, (size_t)(c - line));
            if (!colour && view_columns(shown) > columns)
                fail_msg("%d columns in a page of %d: %s", view_columns(shown), columns, shown);
            assert_true(c == line || c[-1] != ' ');
            free(shown);
            line = c + 1;
        } else if ((unsigned char)*c < ' ') {
            assert_true(colour && *c == '\033');
        }
    }
    return text;
}

static void assert_view(View view, const char *json, const char *wanted) {
    char *text = print_view(view, json, PROGRESS_COLUMNS, false);
    if (strcmp(text, wanted) != 0)
        fail_msg("printed\n%s\ninstead of\n%s", text, wanted);
    free(text);
}

static const char status_answer[] =
    "{\"time\": 1796071260.25, \"node\": \"node1\", \"filler\": \"on\", \"clock\": null,"
    " \"queue\": {\"waiting\": 7, \"running\": 2, \"dry_in_s\": 19230.5, \"paused\": null}, \"no_gauges\": null,"
    " \"gpus\": ["
    "{\"gpu\": 0, \"uuid\": \"GPU-0\", \"lane\": \"brain\", \"state\": \"free\", \"reason\": \"\", \"since\": "
    "1796071200,"
    " \"holder\": null, \"epoch\": null, \"gauges\": {\"util\": 0, \"memory_used\": 1073741824, \"memory_total\": "
    "85899345920, \"celsius\": 32, \"memory_celsius\": 34, \"watts\": 95.4, \"watts_cap\": 700, \"throttle\": []}},"
    "{\"gpu\": 2, \"uuid\": \"GPU-2\", \"lane\": \"pool\", \"state\": \"held\", \"reason\": \"held by ann, job 17; "
    "then drained by root\","
    " \"since\": 1796060000, \"holder\": {\"user\": \"ann\", \"uid\": 1000, \"job\": 17, \"pid\": 4242, \"since\": "
    "1796059740, \"command\": null}, \"epoch\": 31, \"gauges\": {\"util\": 98, \"memory_used\": 65927748000, "
    "\"memory_total\": 85899345920, \"celsius\": 86, \"memory_celsius\": 91, \"watts\": 698.7, \"watts_cap\": 700, "
    "\"throttle\": [\"power cap\"]}},"
    "{\"gpu\": 3, \"uuid\": \"GPU-3\", \"lane\": \"pool\", \"state\": \"foreign\", \"reason\": \"pid 977 of root "
    "(python serve.py --model a-long-name-of-a-model-that-does-not-fit) uses 20.0G since 2026-11-30 18:02\","
    " \"since\": 1796070000, \"holder\": {\"user\": \"root\", \"uid\": 0, \"job\": null, \"pid\": 977, \"since\": "
    "1796061720, \"command\": \"python serve.py\", \"memory\": 21474836480}, \"epoch\": null, \"gauges\": {\"util\": "
    "null, \"memory_used\": 21474836480, \"memory_total\": null, \"celsius\": null, \"memory_celsius\": null, "
    "\"watts\": null, \"watts_cap\": null, \"throttle\": null}},"
    "{\"gpu\": 11, \"uuid\": null, \"lane\": \"pool\", \"state\": \"quarantined\", \"reason\": \"three jobs failed\","
    " \"since\": 1795800000, \"holder\": null, \"epoch\": 8, \"gauges\": {\"util\": null}}]}";

static void status_is_a_table(void **state) {
    (void)state;
    assert_view(view_status, status_answer,
                "node1  2026-11-30 20:41  filler on  2 running, 7 waiting  dry in 5h20m\n"
                "GPU  LANE   STATE        USER  JOB    FOR  UTIL       MEMORY   C    W\n"
                "  0  brain  free         -       -     1m     0  1.00G/80.0G  32   95\n"
                "  2  pool   held         ann    17  3h12m    98  61.4G/80.0G  86  699\n"
                "    held by ann, job 17; then drained by root\n"
                "  3  pool   foreign      root    -  2h39m     -        20.0G   -    -\n"
                "    pid 977 of root (python serve.py --model\n"
                "      a-long-name-of-a-model-that-does-not-fit) uses 20.0G since 2026-11-30\n"
                "      18:02\n"
                " 11  pool   quarantined  -       -  3d03h     -            -   -    -\n"
                "    three jobs failed\n");
    assert_view(view_status,
                "{\"time\": 1796071260, \"node\": \"laptop\", \"filler\": \"off\", \"queue\": {\"waiting\": 0, "
                "\"running\": 0, \"dry_in_s\": null, \"paused\": \"job 7 could not write: disk full\"}, "
                "\"no_gauges\": \"libnvidia-ml.so.1 is not installed\", \"gpus\": [{\"gpu\": 0, \"uuid\": null, "
                "\"lane\": \"pool\", \"state\": \"free\", \"reason\": \"\", \"since\": 1796071200, \"holder\": "
                "null, \"epoch\": null, \"gauges\": {}}]}",
                "laptop  2026-11-30 20:41  filler off  0 running, 0 waiting\n"
                "the waiting list is paused: job 7 could not write: disk full\n"
                "no gauges: libnvidia-ml.so.1 is not installed\n"
                "GPU  LANE  STATE  USER  JOB  FOR  UTIL  MEMORY  C  W\n"
                "  0  pool  free   -       -   1m     -       -  -  -\n");
}

static const char jobs_answer[] =
    "[{\"job\": 17, \"name\": \"lr\", \"user\": \"ann\", \"uid\": 1000, \"state\": \"running\", \"exit\": null,"
    " \"reason\": \"\", \"command\": \"./train runs/sweeps/lr/3f2a91/config.ini --resume --set train.micro_batch=8\","
    " \"submitted\": 1796050000, \"lane\": \"pool\", \"gpus\": 2, \"attempts\": ["
    "{\"epoch\": 30, \"gpus\": [2], \"from\": 1796050010, \"to\": 1796050020, \"exit\": 75},"
    "{\"epoch\": 31, \"gpus\": [2, 3], \"from\": 1796059740, \"to\": null, \"exit\": null}]},"
    "{\"job\": 18, \"name\": null, \"user\": \"bob\", \"uid\": 1001, \"state\": \"waiting\", \"exit\": null,"
    " \"reason\": null, \"command\": null, \"submitted\": 1796071200, \"lane\": \"pool\", \"gpus\": 1,"
    " \"attempts\": []},"
    "{\"job\": 9999, \"name\": \"\", \"user\": \"a-very-long-user-name\", \"uid\": 1002, \"state\": \"failed\","
    " \"exit\": 137, \"reason\": \"signal 9 three times\", \"command\": \"python3 run.py\", \"submitted\": 1796000000,"
    " \"lane\": \"pool\", \"gpus\": 1, \"attempts\": ["
    "{\"epoch\": 29, \"gpus\": [4], \"from\": 1796000000, \"to\": 1796000045, \"exit\": null, \"signal\": 9}]}]";

static void jobs_are_a_table(void **state) {
    (void)state;
    assert_view(view_jobs, jobs_answer,
                " JOB  STATE    USER              LANE  GPU    FOR  RUNS  EXIT  COMMAND\n"
                "  17  running  ann               pool  2,3  3h12m     2     -  lr: ./train runs~\n"
                "  18  waiting  bob               pool  x1      1m     0     -  -\n"
                "9999  failed   a-very-long-use~  pool  4      45s     1   137  python3 run.py\n"
                "    signal 9 three times\n");
    assert_view(view_jobs, "[]", "no jobs\n");
}

static void a_wider_page_shows_more_of_a_command(void **state) {
    (void)state;
    char *text = print_view(view_jobs, jobs_answer, 160, false);
    assert_non_null(strstr(text, "lr: ./train runs/sweeps/lr/3f2a91/config.ini --resume --set train.micro_batch=8\n"));
    free(text);
}

static void why_a_job_waits_is_said_in_sentences(void **state) {
    (void)state;
    assert_view(view_why_job,
                "{\"time\": 1796071260, \"job\": 18, \"name\": \"night\", \"user\": \"bob\", \"state\": \"waiting\", "
                "\"reason\": \"waits for 1 of 3 GPUs of lane pool; gpu 1 is held by ann\", \"expected\": 1796074800, "
                "\"gpu\": 3, \"behind\": [5, "
                "16]}",
                "Job 18 (night) of bob waits for 1 of 3 GPUs of lane pool; gpu 1 is held by ann.\n"
                "Before it come jobs 5, 16.\n"
                "Its start is expected at 21:40, in 59m, on gpu 3.\n");
    assert_view(view_why_job,
                "{\"time\": 1796071260, \"job\": 17, \"name\": \"\", \"user\": \"ann\", \"state\": \"running\", "
                "\"reason\": \"running on gpu 2 since 2026-11-30 17:29.\", \"expected\": 1796074800, \"gpu\": null, "
                "\"behind\": []}",
                "Job 17 of ann: running on gpu 2 since 2026-11-30 17:29.\n"
                "Its time ends at 21:40, in 59m.\n");
    assert_view(view_why_job,
                "{\"time\": 1796071260, \"job\": 2, \"name\": \"\", \"user\": \"ann\", \"state\": \"waiting\", "
                "\"reason\": \"gpu 0 is held by bob\", \"expected\": 1796071260.2, \"gpu\": 0, \"behind\": [1]}",
                "Job 2 of ann waits: gpu 0 is held by bob.\n"
                "Before it comes job 1.\n"
                "Its start is expected soon, on gpu 0.\n");
    assert_view(view_why_job,
                "{\"time\": 1796071260, \"job\": 4, \"name\": \"\", \"user\": \"ann\", \"state\": \"failed\", "
                "\"reason\": \"\", \"expected\": null, \"gpu\": null, \"behind\": []}",
                "Job 4 of ann: failed.\n");
}

static void why_a_gpu_is_not_free_says_what_frees_it(void **state) {
    (void)state;
    assert_view(view_why_gpu,
                "{\"time\": 1796071260, \"gpu\": 3, \"uuid\": \"GPU-3\", \"lane\": \"pool\", \"state\": \"foreign\", "
                "\"reason\": \"a process of root uses it\", \"since\": 1796070000, \"expected\": null, \"next_look\": "
                "1796071264.5, \"holder\": {\"user\": \"root\", \"uid\": 0, \"job\": null, \"pid\": 977, \"since\": "
                "1795961720, \"command\": \"python serve.py\", \"memory\": 21474836480}}",
                "gpu 3 of lane pool is foreign since 20:20 (21m): a process of root uses it.\n"
                "Its next look is in 4s.\n");
    assert_view(view_why_gpu,
                "{\"time\": 1796071260, \"gpu\": 2, \"uuid\": null, \"lane\": \"pool\", \"state\": \"held\", "
                "\"reason\": \"held by ann, job 17; then drained by root\", \"since\": 1796070000, \"expected\": "
                "1796071290, \"next_look\": null, \"holder\": "
                "{\"user\": \"ann\", \"uid\": 1000, \"job\": 17, \"pid\": 4242, \"since\": 1796070000, \"command\": "
                "null}}",
                "gpu 2 of lane pool is held since 20:20 (21m): then drained by root.\n"
                "It is leased to ann, pid 4242, job 17, since 20:20 (21m).\n"
                "It is free when the job's processes have ended and its gauges show it clear.\n"
                "A change is expected at 20:41, in 30s.\n");
    assert_view(view_why_gpu,
                "{\"time\": 1796071260, \"gpu\": 11, \"uuid\": null, \"lane\": null, \"state\": \"quarantined\", "
                "\"reason\": \"jobs 3, 4 and 5 failed soon after their start; an admin clears it: pool gpu 11 clear\", "
                "\"since\": 1796070000, \"expected\": "
                "null, \"next_look\": null, \"holder\": null}",
                "gpu 11 is quarantined since 20:20 (21m): jobs 3, 4 and 5 failed soon after their\n"
                "  start; an admin clears it: pool gpu 11 clear.\n");
}

static void top_shows_every_gauge_and_warnings_in_words(void **state) {
    (void)state;
    assert_view(view_top,
                "{\"time\": 1796071260, \"no_gauges\": null, \"gpus\": [{\"gpu\": 2, \"job\": 17, \"gauges\": "
                "{\"util\": 98, \"memory_used\": 65927748000, \"memory_total\": 85899345920, \"celsius\": 91, "
                "\"memory_celsius\": 96, \"watts\": 698.7, \"watts_cap\": 700, \"pcie_to_gpu\": 12884901888, "
                "\"pcie_from_gpu\": 52428800}, \"speed\": {\"step\": 12000, \"images_per_s\": 10342.4, \"mfu\": 0.412, "
                "\"data_wait\": 0.31}, \"warnings\": [\"is at 91 C: the rule warns from 85 C; look after its "
                "cooling\", \"waits for data 31 % of its "
                "job's time: give it more cores or a faster disk\"]}, {\"gpu\": 11, \"job\": null, \"gauges\": "
                "{\"util\": null}, \"speed\": null, \"warnings\": []}]}",
                "GPU  JOB  UTIL       MEMORY   C  MC     WATT   TO/s  FROM/s  IMG/s  MFU  WAIT\n"
                "  2   17    98  61.4G/80.0G  91  96  699/700  12.0G   50.0M  10342   41    31\n"
                "    gpu 2 is at 91 C: the rule warns from 85 C; look after its cooling\n"
                "    gpu 2 waits for data 31 % of its job's time: give it more cores or a faster\n"
                "      disk\n"
                " 11    -     -            -   -   -        -      -       -      -    -     -\n"
                "C: temperature, MC: of the memory, of the VRM: n/a. TO/s, FROM/s: over PCIe.\n"
                "  MFU: % of the peak. WAIT: % of the time for data.\n");
    assert_view(view_top,
                "{\"no_gauges\": \"libnvidia-ml.so.1 is not installed\", \"gpus\": [{\"gpu\": 0, \"job\": 1, "
                "\"gauges\": {}, \"speed\": null, \"warnings\": []}, {\"gpu\": 1, \"job\": 2, \"gauges\": {}, "
                "\"speed\": {\"images_per_s\": 512.5, \"mfu\": null, \"data_wait\": 0.01}, \"warnings\": []}]}",
                "no gauges: libnvidia-ml.so.1 is not installed\n"
                "GPU  JOB  UTIL  MEMORY  C  MC  WATT  TO/s  FROM/s  IMG/s  MFU  WAIT\n"
                "  1    2     -       -  -   -     -     -       -    512    -     1\n"
                "C: temperature, MC: of the memory, of the VRM: n/a. TO/s, FROM/s: over PCIe.\n"
                "  MFU: % of the peak. WAIT: % of the time for data.\n");
}

static void the_clock_is_bars(void **state) {
    (void)state;
    assert_view(view_clock,
                "{\"time\": 1796071260, \"total_s\": 31104000, \"busy_s\": 13996800, \"held_s\": 1555200, \"idle_s\": "
                "3110400, \"left_s\": 12441600, \"from\": 1793491200, \"to\": 1798761600, \"dry_in_s\": 19230.5, "
                "\"late\": [12, 15]}",
                "loan 2026-11-01 to 2026-12-31: 8640.0 GPU-hours\n"
                "at work  ####################.........................  45.0%     3888.0\n"
                "held     ##...........................................   5.0%      432.0\n"
                "idle     #####........................................  10.0%      864.0\n"
                "left     ##################...........................  40.0%     3456.0\n"
                "The waiting list runs dry in 5h20m.\n"
                "Jobs that wait and cannot end before the loan does: 12, 15.\n");
    assert_view(view_clock,
                "{\"time\": 1796071260, \"total_s\": 7200, \"busy_s\": 0, \"held_s\": 3600, \"idle_s\": 3600, "
                "\"left_s\": null, \"dry_in_s\": null, \"late\": []}",
                "The rule gives no loan: GPU-hours since the ledger began.\n"
                "at work  .............................................   0.0%        0.0\n"
                "held     #######################......................  50.0%        1.0\n"
                "idle     #######################......................  50.0%        1.0\n");
}

static void ghosts_name_who_has_a_gpu_open(void **state) {
    (void)state;
    assert_view(view_ghosts, "{\"ghosts\": [], \"nodes\": []}",
                "no memory without a process\n"
                "no process has a GPU's device open\n");
    assert_view(view_ghosts,
                "{\"ghosts\": [{\"gpu\": 3, \"state\": \"ghost\", \"memory\": 65927748000, \"reason\": \"no process "
                "shows\"}], \"nodes\": [{\"path\": \"/dev/nvidia3\", \"pid\": 4242, \"uid\": 1000, \"user\": \"ann\", "
                "\"since\": 1796070000, \"job\": 17, \"command\": \"./train a.ini\"}, {\"path\": \"/dev/nvidia-uvm\", "
                "\"pid\": 977, \"uid\": 0, \"user\": \"root\", \"since\": 1795070000, \"job\": null, \"command\": "
                "\"python serve.py --with --very --many --arguments --that --do --not --fit --here\"}]}",
                "gpu 3: 61.4G of memory in use, ghost: no process shows\n"
                "DEVICE            PID  USER     FOR  JOB  COMMAND\n"
                "/dev/nvidia3     4242  ann      21m   17  ./train a.ini\n"
                "/dev/nvidia-uvm   977  root  11d14h    -  python serve.py --with --very --many ~\n");
}

/* A terminal obeys none of these: escapes (also the one of C1 as UTF-8), line ends, a carriage return, marks that turn
 * the direction, bytes that are not UTF-8. */
static void names_are_harmless(void **state) {
    (void)state;
    assert_view(
        view_jobs,
        "[{\"job\": 1, \"name\": \"\\u001b[31mred\\u001b[0m\\r\\nroot\\tx\", \"user\": \"<b>&\\\"\", \"state\": "
        "\"held\", \"exit\": null, \"reason\": \"\\u009b2J\\u202egnp.exe\\u202c \xff\xc3=\", \"command\": "
        "\"\\u7f51\\u819c e\\u0301 \\u200b\", \"submitted\": 1796071200, \"lane\": \"pool\", \"gpus\": 1, "
        "\"attempts\": []}]",
        "JOB  STATE  USER   LANE  GPU  FOR  RUNS  EXIT  COMMAND\n"
        "  1  held   <b>&\"  pool  x1    1m     0     -  ?[31mred?[0m  root x: 网膜 é ?\n"
        "    ?2J?gnp.exe? ?\?=\n");
}

static void wide_characters_are_cut_in_their_columns(void **state) {
    (void)state;
    assert_view(view_jobs,
                "[{\"job\": 1, \"name\": \"\", \"user\": \"ann\", \"state\": \"waiting\", \"reason\": "
                "\"\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c"
                "\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c"
                "\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c\", "
                "\"command\": "
                "\"\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c"
                "\\u7f51\\u819c\\u7f51\\u819c\\u7f51\\u819c\", \"submitted\": 1796071200, \"lane\": \"pool\", "
                "\"gpus\": 1, \"attempts\": []}]",
                "JOB  STATE    USER  LANE  GPU  FOR  RUNS  EXIT  COMMAND\n"
                "  1  waiting  ann   pool  x1    1m     0     -  网膜网膜网膜网膜网膜网膜网膜网~\n"
                "    网膜网膜网膜网膜网膜网膜网膜网膜网膜网膜网膜网膜网膜网膜网膜网膜网膜网膜网膜\n"
                "      网膜网膜\n");
}

static void colours_are_for_terminals(void **state) {
    (void)state;
    char *text = print_view(view_status, status_answer, PROGRESS_COLUMNS, true);
    assert_non_null(strstr(text, "\033[32mheld\033[0m"));
    assert_non_null(strstr(text, "\033[31mquarantined\033[0m"));
    assert_true(strncmp(text, "node1  ", 7) == 0); /* what has no style has no codes */
    free(text);
    ViewPage page;
    FILE *file = tmpfile();
    assert_non_null(file);
    view_page(&page, file);
    assert_false(page.colour);
    assert_int_equal(page.columns, PROGRESS_COLUMNS);
    fclose(file);
    /* a terminal */
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    FILE *terminal = fopen(ptsname(master), "r+e");
    assert_non_null(terminal);
    struct winsize size = {.ws_row = 50, .ws_col = 132};
    assert_int_equal(ioctl(master, TIOCSWINSZ, &size), 0);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    view_page(&page, terminal);
    assert_true(page.colour);
    assert_int_equal(page.columns, 132);
    setenv("NO_COLOR", "1", 1);
    view_page(&page, terminal);
    assert_false(page.colour);
    fclose(terminal);
    close(master);
}

static void values_are_read_by_people(void **state) {
    (void)state;
    static const struct {
        double bytes;
        const char *text;
    } sizes[] = {{0, "0"},
                 {999, "999"},
                 {1000, "0.98K"},
                 {1536, "1.50K"},
                 {10.0 * 1024, "10.0K"},
                 {1e6, "977K"},
                 {1023.6 * 1048576, "1.00G"},
                 {85899345920, "80.0G"},
                 {9.9999 * 1073741824, "10.0G"},
                 {NAN, "-"},
                 {-1, "-"}};
    static const struct {
        double seconds;
        const char *text;
    } durations[] = {{-5, "0s"},       {59.9, "59s"},      {60, "1m"}, {3599, "59m"},  {3660, "1h01m"},
                     {86400, "1d00h"}, {1e9, "11574d01h"}, {NAN, "-"}, {INFINITY, "-"}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_string_equal(view_size(sizes[i].bytes).text, sizes[i].text);
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++)
        assert_string_equal(view_duration(durations[i].seconds).text, durations[i].text);
    assert_string_equal(view_time(NOW, NOW + 3600).text, "20:41");
    assert_string_equal(view_time(NOW, NOW + 86400).text, "2026-11-30 20:41");
    assert_string_equal(view_time(NAN, NOW).text, "-");
}

/* Answers of a newer or a broken daemon: what is missing or of another type is not known. */
static void a_strange_answer_is_printed(void **state) {
    (void)state;
    static const View views[] = {view_status, view_jobs, view_why_job, view_why_gpu, view_top, view_ghosts, view_clock};
    static const char *const answers[] = {
        "{}",
        "[]",
        "null",
        "7",
        "[7, null, {}]",
        "{\"gpus\": [7, {}, null], \"nodes\": [7, {}], \"ghosts\": [{}], \"late\": [\"x\", null], \"behind\": [\"x\"],"
        " \"total_s\": -5, \"busy_s\": 1e300, \"held_s\": -1e300, \"time\": 1e300, \"expected\": 1e300, \"since\": "
        "-1e300, \"holder\": {\"since\": 1e300, \"memory\": 1e300}, \"state\": [], \"queue\": 7}"};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        for (size_t j = 0; j < sizeof answers / sizeof *answers; j++)
            free(print_view(views[i], answers[j], PROGRESS_COLUMNS, false));
}

/* The widest values that there can be, in every table. */
static void the_widest_values_fit_in_80_columns(void **state) {
    (void)state;
#define LONG "a-name-of-63-bytes-is-the-longest-that-a-rule-or-a-machine-allows"
    static const char gauges[] = "{\"util\": 100, \"memory_used\": 1045000000000, \"memory_total\": 1046000000000, "
                                 "\"celsius\": 100, \"memory_celsius\": 100, \"watts\": 1000, \"watts_cap\": 1200, "
                                 "\"pcie_to_gpu\": 1e11, \"pcie_from_gpu\": 1e11}";
    char json[4096];
    snprintf(json, sizeof json,
             "{\"time\": 1796071260, \"node\": \"" LONG "\", \"queue\": {\"waiting\": 999999, \"running\": 9999, "
             "\"dry_in_s\": 1e9}, \"gpus\": [{\"gpu\": 9999, \"job\": 9999999, \"lane\": \"" LONG
             "\", \"state\": \"quarantined\", \"since\": 796071260, \"holder\": {\"user\": \"" LONG
             "\", \"job\": 9999999, \"since\": 796071260}, \"gauges\": %s, \"speed\": {\"images_per_s\": 999999, "
             "\"mfu\": 1, \"data_wait\": 1}, \"warnings\": [\"" LONG " " LONG "\"]}]}",
             gauges);
    free(print_view(view_status, json, PROGRESS_COLUMNS, false));
    free(print_view(view_top, json, PROGRESS_COLUMNS, false));
    free(print_view(view_jobs,
                    "[{\"job\": 9999999, \"name\": \"" LONG "\", \"user\": \"" LONG "\", \"lane\": \"" LONG
                    "\", \"state\": \"cancelled\", \"exit\": 137, \"reason\": \"" LONG LONG
                    "\", \"command\": \"" LONG LONG "\", \"attempts\": [{\"gpus\": [10, 11, 12, 13, 14, 15, 16, "
                    "17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30], \"from\": 0, \"to\": 1e9}]}]",
                    PROGRESS_COLUMNS, false));
    free(print_view(view_ghosts,
                    "{\"ghosts\": [{\"gpu\": 9999, \"state\": \"quarantined\", \"memory\": 1e12, \"reason\": \"" LONG
                    "\"}], \"hidden\": 99999, \"nodes\": [{\"path\": \"/dev/nvidia-caps/nvidia-cap1234567890\", "
                    "\"pid\": 4194304, \"user\": \"" LONG "\", \"since\": 0, \"job\": 9999999, \"command\": \"" LONG
                    "\"}]}",
                    PROGRESS_COLUMNS, false));
    free(print_view(view_clock,
                    "{\"total_s\": 3.6e9, \"busy_s\": 3.6e9, \"held_s\": 0, \"idle_s\": 0, \"left_s\": 0, \"from\": "
                    "1793491200, \"to\": 1798761600, \"dry_in_s\": 1e9, \"late\": [1000001, 1000002, 1000003, "
                    "1000004, 1000005, 1000006, 1000007, 1000008, 1000009, 1000010, 1000011, 1000012]}",
                    PROGRESS_COLUMNS, false));
#undef LONG
}

static void wake(int signal) {
    (void)signal;
}

static Status draw_thrice(void *context, const ViewPage *page) {
    int *drawn = context;
    fprintf(page->out, "page %d\n", ++*drawn);
    return *drawn < 3 ? NULL : status_error(EXIT_MISSING, "the daemon is gone");
}

/* Watches with `descriptor` as the standard output, in a process of its own; its exit code. */
static int watch_on(int descriptor) {
    int drawn = 0, code;
    pid_t child = fork();
    if (!child) {
        dup2(descriptor, STDOUT_FILENO);
        /* the timer's signals cut the waits between pages short */
        sigaction(SIGALRM, &(struct sigaction){.sa_handler = wake}, NULL);
        setitimer(ITIMER_REAL, &(struct itimerval){{0, 5000}, {0, 5000}}, NULL);
        _exit(status_code(view_watch(true, draw_thrice, &drawn)));
    }
    close(descriptor);
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_true(WIFEXITED(code));
    return WEXITSTATUS(code);
}

static void a_page_is_drawn_again_in_place(void **state) {
    (void)state;
    char text[256];
    assert_int_equal(watch_on(open("/dev/null", O_WRONLY | O_CLOEXEC)), EXIT_USAGE);
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY), kept = dup(terminal);
    assert_true(terminal >= 0 && kept >= 0);
    assert_int_equal(watch_on(terminal), EXIT_MISSING);
    ssize_t length = read(master, text, sizeof text - 1);
    assert_true(length > 0);
    text[length] = 0;
    assert_string_equal(text, "\033[H\033[2Jpage 1\r\n\033[H\033[2Jpage 2\r\n");
    close(kept);
    close(master);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_is_a_table),
        cmocka_unit_test(jobs_are_a_table),
        cmocka_unit_test(a_wider_page_shows_more_of_a_command),
        cmocka_unit_test(why_a_job_waits_is_said_in_sentences),
        cmocka_unit_test(why_a_gpu_is_not_free_says_what_frees_it),
        cmocka_unit_test(top_shows_every_gauge_and_warnings_in_words),
        cmocka_unit_test(the_clock_is_bars),
        cmocka_unit_test(ghosts_name_who_has_a_gpu_open),
        cmocka_unit_test(names_are_harmless),
        cmocka_unit_test(wide_characters_are_cut_in_their_columns),
        cmocka_unit_test(colours_are_for_terminals),
        cmocka_unit_test(values_are_read_by_people),
        cmocka_unit_test(a_strange_answer_is_printed),
        cmocka_unit_test(the_widest_values_fit_in_80_columns),
        cmocka_unit_test(a_page_is_drawn_again_in_place),
    };
    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
