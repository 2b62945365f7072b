/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "base/safetensors.h"
#include "base/safetensors_write.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

/* Every type, a scalar, an empty one, and sizes that would leave the next tensor unaligned in the order given. */
static const double doubles[3] = {1.5, -2, 1e300};
static const float floats[2][3] = {{1, 2, 3}, {-0.5f, 1e-30f, 4}};
static const uint16_t halves[3] = {0x3f80, 0xbf80, 0x7fc0};
static const int64_t longs[1] = {-(1ll << 60)};
static const int32_t ints[2] = {7, -8};
static const uint8_t bytes[5] = {1, 2, 3, 4, 255};
static const Tensor written[] = {
    {"u8", TYPE_U8, 1, {5}, 5, bytes},           {"f32", TYPE_F32, 2, {2, 3}, 6, floats},
    {"bf16", TYPE_BF16, 1, {3}, 3, halves},      {"scalar \"i64\"\n\xC3\xA9", TYPE_I64, 0, {0}, 1, longs},
    {"f64", TYPE_F64, 3, {1, 3, 1}, 3, doubles}, {"empty", TYPE_F32, 2, {0, 4}, 0, NULL},
    {"i32", TYPE_I32, 1, {2}, 2, ints},
};
enum { WRITTEN = sizeof written / sizeof written[0] };
static const size_t sizes[TENSOR_TYPES] = {
    [TYPE_F64] = 8, [TYPE_F32] = 4, [TYPE_BF16] = 2, [TYPE_I64] = 8, [TYPE_I32] = 4, [TYPE_U8] = 1};
/* The format's own words, and bits of an element. */
static const struct {
    TensorType type;
    const char *name;
    size_t bits;
} types[] = {{TYPE_F64, "F64", 64},
             {TYPE_F32, "F32", 32},
             {TYPE_BF16, "BF16", 16},
             {TYPE_I64, "I64", 64},
             {TYPE_I32, "I32", 32},
             {TYPE_U8, "U8", 8},
             {TYPE_F16, "F16", 16},
             {TYPE_I16, "I16", 16},
             {TYPE_I8, "I8", 8},
             {TYPE_BOOL, "BOOL", 8},
             {TYPE_U64, "U64", 64},
             {TYPE_U32, "U32", 32},
             {TYPE_U16, "U16", 16},
             {TYPE_C64, "C64", 64},
             {TYPE_F8_E4M3, "F8_E4M3", 8},
             {TYPE_F8_E5M2, "F8_E5M2", 8},
             {TYPE_F8_E8M0, "F8_E8M0", 8},
             {TYPE_F8_E4M3FNUZ, "F8_E4M3FNUZ", 8},
             {TYPE_F8_E5M2FNUZ, "F8_E5M2FNUZ", 8},
             {TYPE_F6_E2M3, "F6_E2M3", 6},
             {TYPE_F6_E3M2, "F6_E3M2", 6},
             {TYPE_F4, "F4", 4}};
static const TensorNote notes[] = {{"format", "pt"}, {"steps", "12"}};

/* Four elements of each: 3 bytes in F6, 2 in F4. */
static void every_type_reads_back(void **state) {
    char path[TEMP_PATH * 2];
    Tensor all[TENSOR_TYPES];
    static const uint64_t pattern[4] = {0x0123456789abcdef, 0xfedcba9876543210, 0x1122334455667788, 0x99aabbccddeeff00};
    assert_int_equal(sizeof types / sizeof *types, TENSOR_TYPES);
    for (int i = 0; i < TENSOR_TYPES; i++) {
        assert_string_equal(tensor_type_name(types[i].type), types[i].name);
        assert_int_equal(tensor_type_bits(types[i].type), types[i].bits);
        all[i] = (Tensor){types[i].name, types[i].type, 2, {2, 2}, 4, pattern};
    }
    assert_fine(safetensors_write(temp_path(state, "types", path), all, TENSOR_TYPES, NULL, 0));
    SafeTensors *file;
    assert_fine(safetensors_open(path, &file));
    for (int i = 0; i < TENSOR_TYPES; i++) {
        const Tensor *read = safetensors_find(file, types[i].name);
        assert_non_null(read);
        assert_int_equal(read->type, types[i].type);
        assert_memory_equal(read->data, pattern, 4 * types[i].bits / 8);
    }
    safetensors_close(file);
    /* Three elements of 4 bits end within a byte. */
    const Tensor half = {"half", TYPE_F4, 1, {3}, 3, pattern};
    assert_refused(safetensors_write(path, &half, 1, NULL, 0), EXIT_INTERNAL, "half");
}

static void what_is_written_reads_back(void **state) {
    char path[TEMP_PATH * 2];
    assert_fine(safetensors_write(temp_path(state, "all", path), written, WRITTEN, notes, 2));
    SafeTensors *file;
    assert_fine(safetensors_open(path, &file));
    assert_int_equal(safetensors_count(file), WRITTEN);
    for (int i = 0; i < WRITTEN; i++) {
        const Tensor *read = safetensors_find(file, written[i].name);
        assert_non_null(read);
        assert_int_equal(read->type, written[i].type);
        assert_int_equal(read->dims, written[i].dims);
        for (int d = 0; d < read->dims; d++)
            assert_int_equal(read->shape[d], written[i].shape[d]);
        assert_int_equal(read->count, written[i].count);
        assert_int_equal((uintptr_t)read->data % sizes[read->type], 0);
        if (read->count)
            assert_memory_equal(read->data, written[i].data, (size_t)read->count * sizes[read->type]);
        assert_ptr_equal(safetensors_find(file, safetensors_at(file, i)->name), safetensors_at(file, i));
    }
    assert_string_equal(safetensors_note(file, "format"), "pt");
    assert_string_equal(safetensors_note(file, "steps"), "12");
    assert_null(safetensors_note(file, "Format"));
    assert_int_equal(safetensors_note_count(file), 2);
    assert_string_equal(safetensors_note_key(file, 1), "steps");
    assert_null(safetensors_note_key(file, 2));
    assert_null(safetensors_find(file, "F32"));
    assert_null(safetensors_find(file, "__metadata__"));
    safetensors_close(file);
    safetensors_close(NULL);
}

/* The layout that other readers rely on: length in little endian, header padded to 8, tensors aligned in the file. */
static void the_file_is_laid_out_as_the_format_says(void **state) {
    char path[TEMP_PATH * 2];
    char *data;
    size_t size;
    static const Tensor two[] = {{"b", TYPE_U8, 1, {3}, 3, bytes}, {"a", TYPE_F32, 1, {1}, 1, floats}};
    assert_fine(safetensors_write(temp_path(state, "two", path), two, 2, NULL, 0));
    assert_fine(files_read(path, &data, &size));
    static const char header[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                                 "\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[4,7]}}";
    size_t padded = (sizeof header - 1 + 7) / 8 * 8;
    assert_int_equal(size, 8 + padded + 7);
    assert_int_equal((unsigned char)data[0] + 256 * (unsigned char)data[1], padded);
    assert_memory_equal(data + 2, "\0\0\0\0\0\0", 6);
    assert_memory_equal(data + 8, header, sizeof header - 1);
    for (size_t i = sizeof header - 1; i < padded; i++)
        assert_int_equal(data[8 + i], ' ');
    assert_memory_equal(data + 8 + padded, floats, 4);
    assert_memory_equal(data + 8 + padded + 4, bytes, 3);
    free(data);

    SafeTensors *file;
    assert_fine(safetensors_write(path, NULL, 0, NULL, 0));
    assert_fine(safetensors_open(path, &file));
    assert_int_equal(safetensors_count(file), 0);
    assert_null(safetensors_note(file, "format"));
    safetensors_close(file);
}

static void write_raw(const char *path, const void *start, size_t start_size, const void *rest, size_t rest_size) {
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(start, 1, start_size, out), start_size);
    assert_int_equal(fwrite(rest, 1, rest_size, out), rest_size);
    assert_int_equal(fclose(out), 0);
}

/* A file of this header and `data_size` bytes of data. */
static void write_header(const char *path, const char *header, size_t data_size) {
    char file[4096] = {0};
    size_t length = strlen(header);
    assert_true(8 + length + data_size <= sizeof file);
    file[0] = (char)(length & 255);
    file[1] = (char)(length >> 8);
    memcpy(file + 8, header, length);
    write_raw(path, file, 8 + length + data_size, "", 0);
}

static void a_written_by_hand_header_is_taken(void **state) {
    char path[TEMP_PATH * 2];
    SafeTensors *file;
    /* An odd header length and a tensor at an odd place: valid, and handed out aligned. */
    write_header(temp_path(state, "odd", path),
                 "{\"x\":{\"data_offsets\":[1,9],\"shape\":[2],\"dtype\":\"I32\"},"
                 "\"y\": {\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}  ",
                 9);
    assert_fine(safetensors_open(path, &file));
    const Tensor *tensor = safetensors_find(file, "x");
    assert_int_equal((uintptr_t)tensor->data % 4, 0);
    assert_int_equal(((const int32_t *)tensor->data)[1], 0);
    assert_int_equal(safetensors_find(file, "y")->count, 1);
    safetensors_close(file);
    write_header(path, "{\"x\":{\"data_offsets\":[0,8],\"shape\":[1],\"dtype\":\"F64\"}}", 8);
    assert_fine(safetensors_open(path, &file));
    assert_int_equal((uintptr_t)safetensors_find(file, "x")->data % 8, 0);
    assert_true(*(const double *)safetensors_find(file, "x")->data == 0);
    safetensors_close(file);
}

static void every_malformed_header_is_refused(void **state) {
    char path[TEMP_PATH * 2];
    SafeTensors *file;
    temp_path(state, "bad", path);
#define ENTRY(name, dtype, shape, offsets)                                                                             \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" offsets "]}"
    static const struct {
        const char *header, *part;
        size_t data;
    } cases[] = {
        {"", "not a JSON object", 0},
        {"[]", "not a JSON object", 0},
        {"7", "not a JSON object", 0},
        {" {}", "not a JSON object", 0},
        {"{", "not a JSON object", 0},
        {"{\"x\":}", "not a JSON object", 0},
        {"{\"x\":1,}", "not a JSON object", 0},
        {"{'x':1}", "not a JSON object", 0},
        {"{}x", "continues after", 0},
        {"{}{}", "continues after", 0},
        {"{}\n", "continues after", 0},
        {"{\"x\":1}", "must have dtype, shape and data_offsets, and nothing else", 0},
        {"{\"x\":null}", "and nothing else", 0},
        {"{\"x\":{}}", "and nothing else", 0},
        {"{\"x\":{\"dtype\":\"U8\",\"shape\":[1]}}", "and nothing else", 1},
        {"{\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"more\":1}}", "and nothing else", 1},
        {"{\"x\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", "must have dtype", 1},
        {"{\"x\":{\"dtype\":3,\"shape\":[1],\"data_offsets\":[0,1]}}", "must have dtype", 1},
        {"{\"x\":{\"dtype\":\"U8\",\"shape\":1,\"data_offsets\":[0,1]}}", "must have dtype", 1},
        {"{" ENTRY("x", "U8", "1", "0") "}", "must have dtype", 1},
        {"{" ENTRY("x", "U8", "1", "0,1,1") "}", "must have dtype", 1},
        {"{" ENTRY("x", "F128", "1", "0,2") "}", "type F128", 2},
        {"{" ENTRY("x", "u8", "1", "0,1") "}", "type u8", 1},
        {"{" ENTRY("x", "", "1", "0,1") "}", "type ", 1},
        {"{" ENTRY("x", "U8", "-1", "0,1") "}", "side of its shape", 1},
        {"{" ENTRY("x", "U8", "1.5", "0,1") "}", "side of its shape", 1},
        {"{" ENTRY("x", "U8", "\"1\"", "0,1") "}", "side of its shape", 1},
        {"{" ENTRY("x", "U8", "1e300", "0,1") "}", "side of its shape", 1},
        {"{" ENTRY("x", "U8", "1,1,1,1,1,1,1,1,1", "0,1") "}", "9 dimensions", 1},
        {"{" ENTRY("x", "U8", "4294967296,4294967296", "0,0") "}", "too large", 0},
        {"{" ENTRY("x", "F64", "2305843009213693952", "0,0") "}", "side of its shape", 0},
        {"{" ENTRY("x", "F64", "2251799813685248,1024", "0,0") "}", "does not fit", 0},
        {"{" ENTRY("x", "U8", "1", "-1,1") "}", "not a whole number", 1},
        {"{" ENTRY("x", "U8", "1", "0,1.5") "}", "not a whole number", 1},
        {"{" ENTRY("x", "U8", "1", "0,null") "}", "not a whole number", 1},
        {"{" ENTRY("x", "U8", "1", "1,0") "}", "not within", 1},
        {"{" ENTRY("x", "U8", "1", "0,1") "}", "not within", 0},
        {"{" ENTRY("x", "U8", "2", "0,9007199254740992") "}", "not within", 2},
        {"{" ENTRY("x", "U8", "2", "0,1") "}", "does not fit its 1 bytes", 1},
        {"{" ENTRY("x", "F32", "1", "0,1") "}", "does not fit", 1},
        {"{" ENTRY("x", "U8", "0", "0,1") "}", "does not fit", 1},
        {"{" ENTRY("x", "U8", "1", "1,2") "}", "hole", 2},
        {"{" ENTRY("x", "U8", "1", "0,1") "," ENTRY("y", "U8", "1", "2,3") "}", "hole", 3},
        {"{" ENTRY("x", "U8", "2", "0,2") "," ENTRY("y", "U8", "2", "1,3") "}", "overlap", 3},
        {"{" ENTRY("x", "U8", "2", "0,2") "," ENTRY("y", "U8", "2", "0,2") "}", "overlap", 2},
        {"{" ENTRY("x", "U8", "1", "0,1") "}", "1 bytes follow", 2},
        {"{}", "1 bytes follow", 1},
        {"{" ENTRY("x", "U8", "1", "0,1") "," ENTRY("x", "U8", "1", "1,2") "}", "named \"x\"", 2},
        {"{\"__metadata__\":1}", "not an object", 0},
        {"{\"__metadata__\":{\"a\":1}}", "not a text", 0},
        {"{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", "appears twice", 0},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", "__metadata__ appears twice", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_header(path, cases[i].header, cases[i].data);
        assert_refused(safetensors_open(path, &file), EXIT_DATA, cases[i].part);
        assert_null(file);
        assert_refused(safetensors_open(path, &file), EXIT_DATA, path);
    }
}

/* JSON takes 30 times its bytes in memory where values are short, and looking for equal keys goes through all pairs. */
static void a_header_of_too_many_values_is_refused(void **state) {
    char path[TEMP_PATH * 2];
    SafeTensors *file;
    const int count = 300000;
    char *header = malloc((size_t)count * 16);
    assert_non_null(header);
    for (int i = 0; i < 2; i++) {
        size_t length = (size_t)sprintf(header, "        {\"%s\":%c", i ? "__metadata__" : "a", i ? '{' : '[');
        for (int j = 0; j < (i ? 5000 : count); j++)
            length += (size_t)sprintf(header + length, i ? "%s\"%d\":\"\"" : "%s%d", j ? "," : "", i ? j : j % 10);
        length += (size_t)sprintf(header + length, i ? "}}" : "]}");
        for (int j = 0; j < 8; j++)
            header[j] = (char)((length - 8) >> 8 * j);
        write_raw(temp_path(state, "values", path), header, length, "", 0);
        assert_refused(safetensors_open(path, &file), EXIT_DATA,
                       i ? "__metadata__ has 5000 entries" : "its header has 300002 values");
    }
    free(header);
}

static void a_cut_off_file_is_refused(void **state) {
    char path[TEMP_PATH * 2], whole[TEMP_PATH * 2];
    char *data;
    size_t size;
    SafeTensors *file;
    assert_fine(safetensors_write(temp_path(state, "whole", whole), written, WRITTEN, notes, 2));
    assert_fine(files_read(whole, &data, &size));
    temp_path(state, "cut", path);
    for (size_t length = 0; length < size; length++) {
        write_raw(path, data, length, "", 0);
        assert_refused(safetensors_open(path, &file), EXIT_DATA, path);
    }
    write_raw(path, data, size, "x", 1);
    assert_refused(safetensors_open(path, &file), EXIT_DATA, "1 bytes follow");

    /* A NUL within a name would cut it, so that two names could look alike. */
    static const char nul[] = "\x37\0\0\0\0\0\0\0{\"x\0y\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}";
    write_raw(path, nul, sizeof nul - 1, "", 0);
    assert_refused(safetensors_open(path, &file), EXIT_DATA, "not a JSON object");
    free(data);
}

static void an_impossible_header_length_is_refused(void **state) {
    char path[TEMP_PATH * 2];
    SafeTensors *file;
    static const unsigned char lengths[][8] = {{255, 255, 255, 255, 255, 255, 255, 255},
                                               {0, 0, 0, 0, 0, 0, 0, 128},
                                               {248, 255, 255, 255, 255, 255, 255, 255},
                                               {3, 0, 0, 0, 0, 0, 0, 0}};
    temp_path(state, "length", path);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        write_raw(path, lengths[i], 8, "{}", 2);
        assert_refused(safetensors_open(path, &file), EXIT_DATA, "cut off");
    }
    /* One byte more than the format's 100 MB, in a file that does hold it (as a hole, so it costs no disk). */
    static const unsigned char above[8] = {0x01, 0xE1, 0xF5, 0x05};
    write_raw(path, above, 8, "{}", 2);
    assert_int_equal(truncate(path, 8 + 100000001), 0);
    assert_refused(safetensors_open(path, &file), EXIT_DATA, "cut off");
}

static void a_file_that_cannot_be_opened_is_named(void **state) {
    char path[TEMP_PATH * 2];
    SafeTensors *file;
    assert_refused(safetensors_open(temp_path(state, "none", path), &file), EXIT_IO, path);
    assert_null(file);
    assert_refused(safetensors_write(temp_path(state, "none/below", path), written, 1, NULL, 0), EXIT_IO, path);
}

static void nothing_is_written_that_could_not_be_read(void **state) {
    char path[TEMP_PATH * 2];
    temp_path(state, "refused", path);
    static const struct {
        Tensor tensors[2];
        int count;
    } cases[] = {
        {{{"a", TYPE_U8, 1, {5}, 5, bytes}, {"a", TYPE_U8, 1, {5}, 5, bytes}}, 2},
        {{{"__metadata__", TYPE_U8, 1, {5}, 5, bytes}}, 1},
        {{{"a", TYPE_U8, 1, {5}, 4, bytes}}, 1},
        {{{"a", TYPE_U8, 1, {-1}, -1, bytes}}, 1},
        {{{"a", TYPE_U8, 1, {5}, 5, NULL}}, 1},
        {{{"a", TYPE_U8, TENSOR_MAX_DIMS + 1, {1}, 0, bytes}}, 1},
        {{{"a", (TensorType)TENSOR_TYPES, 1, {5}, 5, bytes}}, 1},
        {{{"a", TYPE_U8, 2, {1ll << 40, 1ll << 40}, 0, bytes}}, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_refused(safetensors_write(path, cases[i].tensors, cases[i].count, NULL, 0), EXIT_INTERNAL, path);
        assert_false(files_exists(path));
    }
}

/* Bytes changed, put in, taken out or doubled: refused or read, never a fault (the sanitizers watch), and what is read
 * stays within the file. */
static void mutated_files_do_no_harm(void **state) {
    char path[TEMP_PATH * 2], whole[TEMP_PATH * 2];
    char *data;
    size_t size;
    int rounds = getenv("FOVEA_LONG") ? 100000 : 5000, read = 0;
    assert_fine(safetensors_write(temp_path(state, "whole", whole), written, WRITTEN, notes, 2));
    assert_fine(files_read(whole, &data, &size));
    temp_path(state, "mutated", path);
    char *mutant = malloc(2 * size);
    assert_non_null(mutant);
    static const char likely[] = "{}[]\",:0123456789-.eE \\untf";
    for (int round = 0; round < rounds; round++) {
        Random random;
        random_start(&random, 1, RANDOM_TEST, 0, (uint64_t)round);
        size_t length = size, header = (unsigned char)data[0] + 256u * (unsigned char)data[1];
        memcpy(mutant, data, size);
        for (uint32_t change = random_below(&random, 4) + 1; change; change--) {
            size_t place = random_below(&random, (uint32_t)(random_below(&random, 8) ? 8 + header : length));
            size_t run = random_below(&random, 6) + 1;
            if (place >= length)
                continue;
            switch (random_below(&random, 4)) {
            case 0:
                mutant[place] = (char)random_u32(&random);
                break;
            case 1:
                mutant[place] = likely[random_below(&random, sizeof likely - 1)];
                break;
            case 2: /* taken out */
                run = run < length - place ? run : length - place;
                memmove(mutant + place, mutant + place + run, length - place - run);
                length -= run;
                break;
            default: /* doubled */
                run = run < length - place ? run : length - place;
                if (length + run <= 2 * size) {
                    memmove(mutant + place + run, mutant + place, length - place);
                    length += run;
                }
            }
        }
        /* Half of them with a length that fits again, so that the JSON is reached. */
        if (random_below(&random, 2) && length + header >= size) {
            size_t fits = header + length - size;
            mutant[0] = (char)fits;
            mutant[1] = (char)(fits >> 8);
        }
        write_raw(path, mutant, length, "", 0);
        SafeTensors *file;
        Status status = safetensors_open(path, &file);
        if (!status) {
            read++;
            unsigned sum = 0;
            for (int i = 0; i < safetensors_count(file); i++) {
                const Tensor *tensor = safetensors_at(file, i);
                for (size_t b = 0; b < (size_t)tensor->count * sizes[tensor->type]; b++)
                    sum += ((const unsigned char *)tensor->data)[b];
            }
            assert_true(sum < 255 * size);
            safetensors_close(file);
        } else
            assert_int_equal(status_code(status), EXIT_DATA);
        status_free(status);
    }
    /* Some survive (a changed name, a changed value), most do not. */
    assert_true(read > rounds / 100 && read < rounds / 2);
    free(mutant);
    free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_reads_back),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(the_file_is_laid_out_as_the_format_says),
        cmocka_unit_test(a_written_by_hand_header_is_taken),
        cmocka_unit_test(every_malformed_header_is_refused),
        cmocka_unit_test(a_header_of_too_many_values_is_refused),
        cmocka_unit_test(a_cut_off_file_is_refused),
        cmocka_unit_test(an_impossible_header_length_is_refused),
        cmocka_unit_test(a_file_that_cannot_be_opened_is_named),
        cmocka_unit_test(nothing_is_written_that_could_not_be_read),
        cmocka_unit_test(mutated_files_do_no_harm),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
