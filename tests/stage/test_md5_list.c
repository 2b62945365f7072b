/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of MD5 sums as the programs that make them write them, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stage/checksums/md5_list.h"
#include "tests/fixtures/tree.h"

#define A "retinal_photography/cfp/triton/1/1_l.dcm"
#define B "retinal_photography/cfp/triton/1/1_r.dcm"
#define HEX_A "00112233445566778899aabbccddeeff"
#define HEX_B "0123456789abcdef0123456789abcdef"
#define BASE64_A "ABEiM0RVZneImaq7zN3u/w=="
#define BASE64_B "ASNFZ4mrze8BI0VniavN7w=="

/* What `list` gives A and B, "" for nothing; the status is the caller's. */
typedef struct {
    char md5[2][33];
    Status status;
} Sums;

static Sums read_sums(const char *root, const char *list, size_t size) {
    scratch_write(root, "list", list, size);
    char *path = scratch_path(root, "list");
    Sums sums = {0};
    Md5File files[2] = {{A, sums.md5[0], false}, {B, sums.md5[1], false}};
    sums.status = md5_list_read(path, files, 2);
    free(path);
    return sums;
}

static void expect(const char *root, const char *list, const char *a, const char *b) {
    Sums sums = read_sums(root, list, strlen(list));
    if (sums.status || strcmp(sums.md5[0], a) != 0 || strcmp(sums.md5[1], b) != 0)
        fail_msg("%s\ngave %s and %s, not %s and %s: %s", list, sums.md5[0], sums.md5[1], a, b,
                 status_message(sums.status));
}

static void expect_bad(const char *root, const char *list, const char *part) {
    Sums sums = read_sums(root, list, strlen(list));
    if (!sums.status)
        fail_msg("%s\nwas taken", list);
    assert_fails(sums.status, EXIT_DATA, part);
}

static void lines_of_md5sum(void **state) {
    expect(*state, HEX_A "  " A "\n" HEX_B " *./" B "\n", HEX_A, HEX_B);
    expect(*state, "\n00112233445566778899AABBCCDDEEFF  /data/v3/" A "\r\n\r\n" HEX_B "  " B, HEX_A, HEX_B);
    expect(*state, "\xEF\xBB\xBF" HEX_A "  " A "\n" HEX_B "  other\n", HEX_A, "");
    expect(*state, "MD5 (" A ") = " HEX_A "\nMD5 (./" B ") = " HEX_B "\n", HEX_A, HEX_B);
    expect(*state, "\\" HEX_B "  a\\\\b\\nc\n" HEX_A "  " A "\n", HEX_A, "");
    expect(*state, BASE64_A "  " A "\n" BASE64_B "  " B "\n", HEX_A, HEX_B); /* rclone md5sum --base64 */
}

/* With the remarks that stand around them. */
static void lines_of_azcopy(void **state) {
    expect(*state,
           "INFO: Authenticating to source using Azure AD\nINFO: \nINFO: v3/; ContentMD5: ;  Content Length: 0.00 B\n"
           "INFO: v3/" A "; ContentMD5: " BASE64_A ";  Content Length: 1.86 MiB\n"
           "INFO: v3/" B "; LastModifiedTime: 2024-11-08 01:02:03 +0000 GMT; ContentMD5: " BASE64_B
           "; LeaseState: available;  Content Length: 5\nINFO: \nINFO: File count: 2\nINFO: Total file size: 3.7 MiB\n",
           HEX_A, HEX_B);
    expect(*state,
           A "; BlobType: BlockBlob; ContentMD5: " BASE64_A "; Content Length: 7\n" B
             "; BlobType: BlockBlob; ContentMD5: ; Content Length: 7\n\nFile count: 2\nTotal file size: 14\n",
           HEX_A, "");
    expect(*state, "INFO: " A "; Content MD5: " BASE64_A "; Content Length: 7\n", HEX_A, "");
    expect(*state, "INFO: " A ";  Content Length: 7; Content-MD5: " HEX_A "\n", HEX_A, "");
}

#define MESSAGE(type, content)                                                                                         \
    "{\"TimeStamp\":\"2025-01-01T00:00:00Z\",\"MessageType\":\"" type "\",\"MessageContent\":\"" content               \
    "\",\"PromptDetails\":{\"PromptType\":\"\",\"ResponseOptions\":null}}\n"
#define OBJECT(path, more)                                                                                             \
    MESSAGE("ListObject", "{\\\"Path\\\":\\\"" path "\\\"" more ",\\\"ContentLength\\\":\\\"7\\\"}")

static void messages_of_azcopy(void **state) {
    expect(*state,
           MESSAGE("Init", "started") OBJECT("v3/", "") OBJECT("v3/" A, ",\\\"ContentMD5\\\":\\\"" BASE64_A "\\\"")
               OBJECT(B, ",\\\"BlobType\\\":\\\"BlockBlob\\\",\\\"ContentMD5\\\":\\\"" BASE64_B "\\\"")
                   MESSAGE("ListSummary", "{\\\"FileCount\\\":\\\"2\\\"}") MESSAGE("EndOfJob", ""),
           HEX_A, HEX_B);
    expect(*state, MESSAGE("Info", A "; ContentMD5: " BASE64_A ";  Content Length: 7 B") MESSAGE("EndOfJob", ""), HEX_A,
           "");
    expect_bad(*state, OBJECT(A, ",\\\"ContentMD5\\\":\\\"" BASE64_A "\\\"") MESSAGE("Error", "cannot go on"),
               "list:2: not a line of md5sum");
    expect_bad(*state, OBJECT(A, ",\\\"ContentMD5\\\":\\\"AAAA\\\""), "list:1: not a line of md5sum");
    expect_bad(*state, OBJECT(B, ",\\\"ContentMD5\\\":\\\"" BASE64_A "\\\"") "{\"MessageType\":\"ListObj", "list:2: ");
    expect_bad(*state, OBJECT(A, "") OBJECT(B, ""), "--properties ContentMD5");
}

static void tables_with_any_columns(void **state) {
    expect(*state, "Name,Content-MD5\n" A "," BASE64_A "\n" B "," HEX_B "\n", HEX_A, HEX_B);
    expect(*state, "\xEF\xBB\xBF\"Name\";\"Last Modified\";\"MD5\"\r\n\"" A "\";\"2024\";\"" BASE64_A "\"\r\n", HEX_A,
           "");
    /* A blob inventory: names open with the container's. */
    expect(*state,
           "Name,Creation-Time,Content-Length,Content-MD5,Etag\naireadi/v3/" A ",2024-11-08T00:00:00Z,5," BASE64_A
           ",0x8DCFF\naireadi/v3/other,2024,0,,0x8DD00\n",
           HEX_A, "");
    /* Without a header: az storage blob list --query "[].[name, properties.contentSettings.contentMd5]" -o tsv */
    expect(*state, A "\t" BASE64_A "\n" B "\t" BASE64_B "\n", HEX_A, HEX_B);
    expect(*state, BASE64_B "," B "\n", "", HEX_B);
    /* Two columns of what may be sums: the one that says so. */
    expect(*state, "ETag,md5,path\n" HEX_B "," HEX_A "," A "\n", HEX_A, "");
}

static void what_is_not_clear_is_refused_with_its_line(void **state) {
    expect_bad(*state, "a,b\n" A ",1\n", "no column contains MD5 sums");
    expect_bad(*state, "a,b\nx," HEX_A "\n", "no column contains paths");
    expect_bad(*state, "a,b\n" A "," BASE64_A "\n" B ",ASNFZ4mrze8BI0VniavN7w=\n", "list:3: \"ASNF");
    expect_bad(*state, "a,b\n" A "," BASE64_A "\n" B ",ASNFZ4mrze8BI0VniavN7x==\n", "list:3: \"ASNF");
    expect_bad(*state, "a,b\n" A "," BASE64_A "\n" B "," HEX_B "0\n", "list:3: \"0123");
    expect_bad(*state, "a,b\n" A "," HEX_A "\nv3/" A "," BASE64_B "\n", "list:3: a second, different sum for " A);
    expect_bad(*state, "x,y,path\n" HEX_A "," HEX_B "," A "\n", "2 columns contain what may be MD5 sums, such as x");
    expect_bad(*state, "md5,old_md5,path\n" HEX_A "," HEX_B "," A "\n", "2 columns contain what may be MD5 sums");
    expect_bad(*state, HEX_A "  " A "\nx\n", "list:2: not a line of md5sum");
    expect_bad(*state, HEX_A "  \n", "no column contains paths");
    expect_bad(*state, HEX_A "  elsewhere\n", "for none of the 2 files");
    expect_bad(*state, "MD5 (" A ") = " HEX_A "\nSHA256 (" B ") = " HEX_B HEX_B "\n", "list:2: not a line of md5sum");
    expect_bad(*state, A "; ContentMD5: " BASE64_A ";  Content Length: 1\n" B "; ContentMD5: ASNF; Content Length: 1\n",
               "list:2: not a line of md5sum");
    expect_bad(*state, A "; ContentMD5: " BASE64_A ";  Content Length: 1\nfailed to traverse container\n",
               "list:2: not a line of md5sum");
    expect_bad(*state, "INFO: " A ";  Content Length: 1\n", "--properties ContentMD5");
    expect_bad(*state, A "; ContentMD5: " HEX_A HEX_A "; Content Length: 1\n", "list:1: not a line of md5sum");
    expect_bad(*state, "MD5 (" A ") = " BASE64_A "=\n", "list:1: not a line of md5sum");
    expect_bad(*state, "", "no line has an MD5 sum");
    /* As a shell of Windows redirects it. */
    Sums sums = read_sums(*state, "\xFF\xFEI\0N\0F\0O\0:\0 \0", 14);
    assert_fails(sums.status, EXIT_DATA, "save it as UTF-8 (UTF-16?)");
}

/* Of pieces of all the forms: each list is taken or refused, and a sum is one of the two that occur. */
static void any_list_is_taken_or_refused(void **state) {
    static const char *const pieces[] = {A,
                                         B,
                                         HEX_A,
                                         HEX_B,
                                         BASE64_A,
                                         "  ",
                                         " *",
                                         "\n",
                                         "\n",
                                         "\t",
                                         ",",
                                         "; ",
                                         "MD5 (",
                                         ") = ",
                                         "INFO: ",
                                         "; ContentMD5: ",
                                         ";  Content Length: 7\n",
                                         "\\",
                                         "\"",
                                         "{",
                                         "{\"MessageType\":\"ListObject\",\"MessageContent\":\"",
                                         "\\\"Path\\\":\\\"",
                                         "\\\",\\\"ContentMD5\\\":\\\"",
                                         "\\\"}\"}\n",
                                         "\r\n",
                                         "=",
                                         "name,md5\n"};
    uint64_t random = 1;
    int taken = 0, rounds = getenv("FOVEA_LONG") ? 20000 : 600;
    for (int i = 0; i < rounds; i++) {
        char list[2048];
        strcpy(list, i % 2 ? HEX_A "  " A "\n" : "");
        do {
            random = random * 6364136223846793005u + 1442695040888963407u;
            strcat(list, pieces[(random >> 33) % (sizeof pieces / sizeof *pieces)]);
        } while (strlen(list) < sizeof list - 200 && (random >> 60) > 1);
        Sums sums = read_sums(*state, list, strlen(list));
        taken += !sums.status;
        assert_true(!sums.status || status_code(sums.status) == EXIT_DATA);
        for (int f = 0; f < 2 && !sums.status; f++)
            assert_true(!*sums.md5[f] || !strcmp(sums.md5[f], HEX_A) || !strcmp(sums.md5[f], HEX_B));
        status_free(sums.status);
    }
    assert_true(taken > 0 && taken < rounds);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_of_md5sum, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(lines_of_azcopy, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(messages_of_azcopy, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(tables_with_any_columns, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(what_is_not_clear_is_refused_with_its_line, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(any_list_is_taken_or_refused, tree_setup, tree_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
