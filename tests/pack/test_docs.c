/* SPDX-License-Identifier: Apache-2.0 */
/* docs/pack-format.md beside what the writer writes: every field of pack.json, every dataset and every attribute of a
 * shard is on the page with its type and shape, and the page has no others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "tests/fixtures/pack_sample.h"

#include <cJSON.h>
/* H5Ovisit() has another argument in later versions of the library. */
#define H5_USE_110_API
#include <hdf5.h>

static const char PAGE[] = "docs/pack-format.md";
enum { MAX_LINES = 64, LINE = 128 };

/* Lines "name | type" or "name | type | shape", in backticks as in the page's tables. */
typedef struct {
    char lines[MAX_LINES][LINE];
    int count;
} Lines;

static void add_line(Lines *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_line(Lines *lines, const char *format, ...) {
    char line[LINE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (int i = 0; i < lines->count; i++)
        if (strcmp(lines->lines[i], line) == 0)
            return;
    assert_true(lines->count < MAX_LINES);
    strcpy(lines->lines[lines->count++], line);
}

static bool has_line(const Lines *lines, const char *line) {
    for (int i = 0; i < lines->count; i++)
        if (strcmp(lines->lines[i], line) == 0)
            return true;
    return false;
}

static void expect_equal(const Lines *written, const Lines *page, const char *heading) {
    for (int i = 0; i < written->count; i++)
        if (!has_line(page, written->lines[i]))
            fail_msg("%s lacks under \"%s\": %s", PAGE, heading, written->lines[i]);
    for (int i = 0; i < page->count; i++)
        if (!has_line(written, page->lines[i]))
            fail_msg("%s has under \"%s\" what is not written: %s", PAGE, heading, page->lines[i]);
}

/* The first `columns` columns of the table under a heading of the page, from its third line on. */
static void read_page(const char *heading, int columns, Lines *lines) {
    char *text;
    size_t size;
    *lines = (Lines){.count = 0};
    assert_ok(files_read(PAGE, &text, &size));
    char *at = strstr(text, heading);
    if (!at || !(at = strstr(at, "\n|---")))
        fail_msg("%s has no table under \"%s\"", PAGE, heading);
    for (at = strchr(at + 1, '\n') + 1; strncmp(at, "| ", 2) == 0; at = strchr(at, '\n') + 1) {
        const char *end = at + 2;
        for (int column = 0; column < columns; column++)
            end = strstr(column ? end + 3 : end, " | ");
        add_line(lines, "%.*s", (int)(end - at) - 2, at + 2);
    }
    free(text);
}

/* --- pack.json --- */

static const char *json_type(const cJSON *item) {
    return cJSON_IsString(item)   ? "text"
           : cJSON_IsNumber(item) ? "integer"
           : cJSON_IsBool(item)   ? "boolean"
           : cJSON_IsArray(item)  ? "list"
                                  : "object";
}

static void list_fields(const cJSON *object, const char *prefix, Lines *lines) {
    const cJSON *item, *element;
    cJSON_ArrayForEach(item, object) {
        add_line(lines, "`%s%s` | %s", prefix, item->string, json_type(item));
        if (cJSON_IsArray(item))
            cJSON_ArrayForEach(element, item) if (cJSON_IsObject(element)) {
                char inner[LINE];
                snprintf(inner, sizeof inner, "%s%s.", prefix, item->string);
                list_fields(element, inner, lines);
            }
    }
}

static void fields_of_the_manifest(void **state) {
    const Case *it = *state;
    Lines written = {.count = 0}, page;
    char *path = scratch_path(it->pack, "pack.json"), *text;
    size_t size;
    assert_ok(files_read(path, &text, &size));
    cJSON *json = cJSON_Parse(text);
    list_fields(json, "", &written);
    read_page("## pack.json", 2, &page);
    expect_equal(&written, &page, "pack.json");
    cJSON_Delete(json);
    free(text);
    free(path);
}

/* --- A shard --- */

static const char *type_name(hid_t type) {
    if (H5Tget_class(type) == H5T_STRING) {
        assert_true(H5Tis_variable_str(type) == 0);
        assert_int_equal(H5Tget_strpad(type), H5T_STR_NULLPAD);
        assert_int_equal(H5Tget_cset(type), H5T_CSET_UTF8);
        return "text";
    }
    return H5Tequal(type, H5T_STD_U8LE) > 0     ? "uint8"
           : H5Tequal(type, H5T_STD_U32LE) > 0  ? "uint32"
           : H5Tequal(type, H5T_STD_U64LE) > 0  ? "uint64"
           : H5Tequal(type, H5T_STD_I32LE) > 0  ? "int32"
           : H5Tequal(type, H5T_IEEE_F32LE) > 0 ? "float32"
                                                : "unknown";
}

/* The first size is the records' number N; those of image_size are S. */
static void print_shape(hid_t dataset, hsize_t records, char text[LINE]) {
    hsize_t sizes[4];
    hid_t space = H5Dget_space(dataset);
    const int rank = H5Sget_simple_extent_dims(space, sizes, NULL);
    size_t used = 0;
    assert_true(rank >= 1 && sizes[0] == records);
    for (int i = 0; i < rank; i++)
        used += (size_t)(i == 0                    ? snprintf(text + used, LINE - used, "[N]")
                         : sizes[i] == SAMPLE_SIDE ? snprintf(text + used, LINE - used, "[S]")
                                                   : snprintf(text + used, LINE - used, "[%d]", (int)sizes[i]));
    H5Sclose(space);
}

typedef struct {
    Lines lines;
    hsize_t records;
} Listing;

static herr_t list_object(hid_t file, const char *name, const H5O_info_t *info, void *context) {
    Listing *listing = context;
    if (info->type == H5O_TYPE_GROUP) {
        assert_true(strcmp(name, ".") == 0 || strcmp(name, "labels") == 0);
        return 0;
    }
    assert_int_equal(info->type, H5O_TYPE_DATASET);
    char shape[LINE];
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), type = H5Dget_type(dataset);
    print_shape(dataset, listing->records, shape);
    add_line(&listing->lines, "`%s` | %s | %s", strncmp(name, "labels/", 7) == 0 ? "labels/NAME" : name,
             type_name(type), shape);
    H5Tclose(type);
    H5Dclose(dataset);
    return 0;
}

static herr_t list_attribute(hid_t file, const char *name, const H5A_info_t *info, void *context) {
    (void)info;
    Lines *lines = context;
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT), type = H5Aget_type(attribute);
    add_line(lines, "`%s` | %s", name, type_name(type));
    H5Tclose(type);
    H5Aclose(attribute);
    return 0;
}

static void datasets_and_attributes_of_a_shard(void **state) {
    const Case *it = *state;
    Lines page, attributes = {.count = 0};
    Listing listing = {.records = (hsize_t)it->sample.entries[1].records};
    hid_t file = H5Fopen(it->shard, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    assert_true(H5Ovisit(file, H5_INDEX_NAME, H5_ITER_NATIVE, list_object, &listing) >= 0);
    read_page("### Datasets", 3, &page);
    expect_equal(&listing.lines, &page, "Datasets");
    assert_true(H5Aiterate2(file, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, list_attribute, &attributes) >= 0);
    read_page("### Attributes", 2, &page);
    expect_equal(&attributes, &page, "Attributes");
    H5Fclose(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fields_of_the_manifest, sample_setup, sample_teardown),
        cmocka_unit_test_setup_teardown(datasets_and_attributes_of_a_shard, sample_setup, sample_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
