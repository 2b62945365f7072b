/* SPDX-License-Identifier: Apache-2.0 */
/* Weights of other programs (tests/cases/pth, tests/cases/import), compared bit for bit with what those programs have
 * in memory; archives that are damaged; what is written for others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/safetensors.h"
#include "base/safetensors_write.h"
#include "checkpoint/import/zip.h"
#include "checkpoint/weights.h"
#include "checkpoint/weights_write.h"
#include "tests/fixtures/damage.h"
#include "tests/fixtures/temp.h"
#include "tests/fixtures/torch_make.h"

#include <sys/stat.h>

#define BYTES(literal) literal, sizeof(literal) - 1

static void assert_same_tensor(const Tensor *tensor, const Tensor *expected) {
    uint64_t bytes;
    assert_non_null(tensor);
    assert_int_equal(tensor->type, expected->type);
    assert_int_equal(tensor->dims, expected->dims);
    for (int d = 0; d < tensor->dims; d++)
        assert_int_equal(tensor->shape[d], expected->shape[d]);
    assert_true(tensor_type_bytes(expected->type, (uint64_t)expected->count, &bytes));
    if (bytes)
        assert_memory_equal(tensor->data, expected->data, bytes);
}

/* The tensors of `file` whose names begin with `prefix`, without it, are all that `weights` has. */
static void assert_same_weights(const Weights *weights, const char *file, const char *prefix) {
    SafeTensors *expected;
    int count = 0;
    assert_fine(safetensors_open(file, &expected));
    for (int i = 0; i < safetensors_count(expected); i++) {
        const Tensor *tensor = safetensors_at(expected, i);
        if (strncmp(tensor->name, prefix, strlen(prefix)) != 0)
            continue;
        assert_same_tensor(weights_find(weights, tensor->name + strlen(prefix)), tensor);
        count++;
    }
    assert_int_equal(weights_count(weights), count);
    safetensors_close(expected);
}

#define CASES "tests/cases/"

static void weights_of_other_programs_are_read(void **state) {
    (void)state;
    static const struct {
        const char *path, *expected, *prefix;
        WeightsSource source;
    } cases[] = {
        {CASES "pth/types.pth", CASES "pth/types.expected.safetensors", "", WEIGHTS_OF_MAE},
        {CASES "mae_micro.pth", CASES "mae_micro.safetensors", "weights.", WEIGHTS_OF_MAE},
        {CASES "import/hf_hub", CASES "import/hf_hub.safetensors", "weights.", WEIGHTS_OF_HUGGING_FACE},
        {CASES "import/hf_saved5", CASES "import/hf_saved5.safetensors", "weights.", WEIGHTS_OF_HUGGING_FACE},
        {CASES "import/hf_memory.pth", CASES "import/hf_hub.safetensors", "weights.", WEIGHTS_OF_HUGGING_FACE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Weights *weights;
        assert_fine(weights_open(cases[i].path, NULL, &weights));
        assert_same_weights(weights, cases[i].expected, cases[i].prefix);
        assert_int_equal(weights_source(weights), cases[i].source);
        assert_fine(weights_check_parts(weights));
        weights_close(weights);
    }
}

/* Wrappers' prefixes are stripped; names that are timm's already stay. */
static void wrapped_models_are_read(void **state) {
    (void)state;
    static const struct {
        const char *path, *name, *origin;
        int count;
        WeightsSource source;
    } cases[] = {
        {CASES "import/dinov2_teacher.pth", "blocks.1.ls2.gamma", "backbone.blocks.1.ls2.gamma", 36, WEIGHTS_OF_DINOV2},
        {CASES "import/retfound_ft.pth", "fc_norm.weight", "module.fc_norm.weight", 32, WEIGHTS_OF_MAE},
        {CASES "import/timm_vit.pth", "head.bias", "head.bias", 32, WEIGHTS_OF_TIMM},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Weights *weights;
        int found = -1;
        assert_fine(weights_open(cases[i].path, NULL, &weights));
        assert_int_equal(weights_count(weights), cases[i].count);
        for (int j = 0; j < weights_count(weights); j++)
            if (strcmp(weights_at(weights, j)->name, cases[i].name) == 0)
                found = j;
        assert_true(found >= 0);
        assert_string_equal(weights_origin(weights, found), cases[i].origin);
        assert_int_equal(weights_source(weights), cases[i].source);
        weights_close(weights);
    }
}

static void names_are_mapped(void **state) {
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"module._orig_mod.cls_token", "cls_token"},
        {"_orig_mod.module.backbone.norm.weight", "norm.weight"},
        {"backbone.blocks.2.17.mlp.fc1.bias", "blocks.17.mlp.fc1.bias"},
        {"blocks.2.mlp.fc1.bias", "blocks.2.mlp.fc1.bias"},
        {"embeddings.position_embeddings", "pos_embed"},
        {"vit.layernorm.weight", "norm.weight"},
        {"vit.layers.10.mlp.fc2.weight", "blocks.10.mlp.fc2.weight"},
        {"decoder.decoder_encoder.layer.3.layernorm_after.bias", "decoder_blocks.3.norm2.bias"},
        {"decoder.decoder_pos_embed", "decoder_pos_embed"},
        {"decoder_pos_embed_2", "decoder_pos_embed_2"},
        {"vit.layers.x.mlp.fc2.weight", "vit.layers.x.mlp.fc2.weight"},
        {"vit.pooler.dense.weight", "vit.pooler.dense.weight"},
        {"module.", "module."},
    };
    enum { COUNT = sizeof cases / sizeof *cases };
    Tensor tensors[COUNT];
    const float value = 1;
    char path[TEMP_PATH * 2];
    for (int i = 0; i < COUNT; i++)
        tensors[i] = (Tensor){cases[i].from, TYPE_F32, 1, {1}, 1, &value};
    Weights *weights;
    /* Two become norm.weight. */
    assert_fine(safetensors_write(temp_path(state, "names.safetensors", path), tensors, COUNT, NULL, 0));
    assert_refused(weights_open(path, NULL, &weights), EXIT_DATA, "are both norm.weight");
    for (int i = 0; i < COUNT; i++) {
        assert_fine(safetensors_write(path, &tensors[i], 1, NULL, 0));
        assert_fine(weights_open(path, NULL, &weights));
        assert_string_equal(weights_at(weights, 0)->name, cases[i].to);
        weights_close(weights);
    }
}

static void parts_that_no_model_here_has_are_refused(void **state) {
    static const struct {
        const char *name, *part;
    } cases[] = {
        {"reg_token", "\"reg_token\" belongs to register tokens"},
        {"embeddings.register_tokens", "register tokens"},
        {"blocks.0.mlp.w12.weight", "a gated MLP"},
        {"blocks.3.mlp.w3.bias", "a gated MLP"},
        {"blocks.0.attn.q_norm.weight", "norms of queries and keys"},
        {"blocks.0.attn.k_norm.weight", "norms of queries and keys"},
        {"blocks.0.attn.relative_position_bias_table", "relative positions"},
    };
    const float value = 1;
    char path[TEMP_PATH * 2];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Tensor tensors[] = {{"cls_token", TYPE_F32, 1, {1}, 1, &value},
                                  {cases[i].name, TYPE_F32, 1, {1}, 1, &value}};
        Weights *weights;
        assert_fine(safetensors_write(temp_path(state, "parts.safetensors", path), tensors, 2, NULL, 0));
        assert_fine(weights_open(path, NULL, &weights));
        assert_refused(weights_check_parts(weights), EXIT_DATA, cases[i].part);
        weights_close(weights);
    }
}

static void thirds_that_differ_are_refused(void **state) {
    const float values[4] = {0};
    char path[TEMP_PATH * 2];
    Weights *weights;
    Tensor tensors[] = {{"layers.0.attention.q_proj.bias", TYPE_F32, 1, {2}, 2, values},
                        {"layers.0.attention.k_proj.bias", TYPE_F32, 1, {2}, 2, values},
                        {"layers.0.attention.v_proj.bias", TYPE_F32, 1, {4}, 4, values}};
    assert_fine(safetensors_write(temp_path(state, "thirds.safetensors", path), tensors, 3, NULL, 0));
    assert_refused(weights_open(path, NULL, &weights), EXIT_DATA, "q_proj.bias\" and its key's or value's");
    assert_fine(safetensors_write(path, tensors, 2, NULL, 0));
    assert_refused(weights_open(path, NULL, &weights), EXIT_DATA, "no query, key or value beside it");
}

static void write_text(const char *path, const char *text) {
    assert_fine(files_write_new(path, text, strlen(text)));
}

/* SHA-256 of two files' bytes, put together. */
static void digest_of_both(void **state, const char *first, const char *second, uint8_t sha256[DIGEST_SHA256]) {
    char path[TEMP_PATH * 2], *text[2], *both;
    size_t size[2];
    Digest digest;
    assert_fine(files_read(temp_path(state, first, path), &text[0], &size[0]));
    assert_fine(files_read(temp_path(state, second, path), &text[1], &size[1]));
    both = malloc(size[0] + size[1]);
    assert_non_null(both);
    memcpy(both, text[0], size[0]);
    memcpy(both + size[0], text[1], size[1]);
    assert_fine(digest_memory(both, size[0] + size[1], false, &digest));
    memcpy(sha256, digest.sha256, DIGEST_SHA256);
    free(text[0]);
    free(text[1]);
    free(both);
}

static void shards_are_read_as_one(void **state) {
    static const char index[] = "{\"metadata\": {\"total_size\": 8}, \"weight_map\": {\"a\": \"model-1.safetensors\", "
                                "\"b\": \"model-2.safetensors\"}}";
    const float values[] = {1, 2};
    const Tensor tensors[] = {{"a", TYPE_F32, 1, {1}, 1, values}, {"b", TYPE_F32, 1, {1}, 1, values + 1}};
    const TensorNote notes[] = {{"format", "pt"}, {"license", "CC-BY-NC-4.0"}};
    char path[TEMP_PATH * 2], folder[TEMP_PATH * 2];
    Weights *weights;
    TensorNote note;
    assert_int_equal(mkdir(temp_path(state, "sharded", folder), 0700), 0);
    assert_refused(weights_open(folder, NULL, &weights), EXIT_DATA, "a folder without");
    assert_fine(safetensors_write(temp_path(state, "sharded/model-1.safetensors", path), tensors, 1, notes, 1));
    assert_fine(safetensors_write(temp_path(state, "sharded/model-2.safetensors", path), tensors + 1, 1, notes, 2));
    write_text(temp_path(state, "sharded/model.safetensors.index.json", path), index);
    assert_fine(weights_open(folder, NULL, &weights));
    assert_int_equal(weights_count(weights), 2);
    assert_same_tensor(weights_find(weights, "a"), &tensors[0]);
    assert_same_tensor(weights_find(weights, "b"), &tensors[1]);
    assert_true(weights_note_at(weights, 2, &note));
    assert_string_equal(note.value, "CC-BY-NC-4.0");
    assert_false(weights_note_at(weights, 3, &note));
    uint8_t sha256[DIGEST_SHA256], wanted[DIGEST_SHA256];
    assert_fine(weights_digest(weights, sha256));
    digest_of_both(state, "sharded/model-1.safetensors", "sharded/model-2.safetensors", wanted);
    assert_memory_equal(sha256, wanted, sizeof wanted);
    weights_close(weights);
    assert_refused(weights_open(folder, "model", &weights), EXIT_USAGE, "no entry \"model\"");
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"{\"weight_map\": {\"a\": \"model-1.safetensors\"}, \"b\": 1", "no weight_map"},
        {"{}", "no weight_map"},
        {"{\"weight_map\": {\"a\": 1}}", "no file for \"a\""},
        {"{\"weight_map\": {\"a\": \"../a.safetensors\"}}", "not in its own folder"},
        {"{\"weight_map\": {\"a\": \"/etc/passwd\"}}", "not in its own folder"},
        {"{\"weight_map\": {\"a\": \"model-1.safetensors\", \"b\": \"model-1.safetensors\"}}", "lists 2 tensors"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text(path, cases[i].text);
        assert_refused(weights_open(path, NULL, &weights), EXIT_DATA, cases[i].part);
    }
}

static void files_of_other_kinds_are_refused(void **state) {
    static const struct {
        const char *bytes;
        size_t size;
        const char *part;
    } cases[] = {
        {BYTES(""), "empty or cut off"},
        {BYTES("\x08"), "empty or cut off"},
        {BYTES("\x89HDF\r\n\x1a\n and more"), "neither safetensors nor"},
        {BYTES("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."), "from before version 1.6"},
        {BYTES("\x80\x04}."), "neither safetensors nor"},
        {BYTES("\x40\0\0\0\0\0\0\0{\"a\":"), "cut off"},
        {BYTES("PK\3\4"), "its directory, which is at the end, is missing"},
        {BYTES("PK\3\4aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
         "its directory, which is at the end, is missing"},
    };
    char path[TEMP_PATH * 2];
    Weights *weights;
    temp_path(state, "foreign", path);
    assert_refused(weights_open(path, NULL, &weights), EXIT_IO, path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_fine(files_write_new(path, cases[i].bytes, cases[i].size));
        assert_refused(weights_open(path, NULL, &weights), EXIT_DATA, cases[i].part);
    }
}

static const char small[] = P_FILE(P_ENTRY("w", P_MATRIX));

/* The archive of `small` with `size` bytes at `from` replaced. The part looked for is searched from the end when
 * `last`. */
static void write_changed(const char *path, const char *from, size_t size, const char *to, size_t to_size, bool last) {
    char *data;
    size_t length;
    torch_make(path, BYTES(small));
    assert_fine(files_read(path, &data, &length));
    char *at = memmem(data, length, from, size);
    for (char *next = at; next && last; next = memmem(next + 1, length - (size_t)(next + 1 - data), from, size))
        at = next;
    assert_non_null(at);
    memcpy(at, to, to_size);
    assert_fine(files_write_new(path, data, length));
    free(data);
}

static void damaged_archives_are_refused(void **state) {
    static const struct {
        const char *from;
        size_t size;
        const char *to;
        size_t to_size;
        bool last;
        const char *part;
    } cases[] = {
        {BYTES("\x89"
               "ccollections"),
         BYTES("\x88"), false, "another checksum"}, /* within the pickle */
        {BYTES("PK\1\2"), BYTES("PK\1\3"), false, "its directory ends early"},
        {BYTES("PK\3\4"), BYTES("PK\3\4\x2d\0\1\x08"), false, NULL}, /* flags of a local header: not used */
        {BYTES("a/data/1"), BYTES("a/data/0"), true, "two entries are named \"a/data/0\""},
        {BYTES("a/data.pkl"), BYTES("a/data.pkx"), true, "has no data.pkl"},
        {BYTES("a/data/1"), BYTES("c/data/1"), true, NULL},
        {BYTES("PK\5\6\0\0\0\0\3\0\3\0"), BYTES("PK\5\6\0\0\0\0\4\0\4\0"), true, "4 entries in 164 bytes"},
        {BYTES("PK\5\6\0\0\0\0\3\0\3\0"), BYTES("PK\5\6\0\0\0\0\3\0\xff\xff"), true, "ZIP64 locator"},
        {BYTES("PK\5\6"), BYTES("PK\5\5"), true, "its directory, which is at the end, is missing"},
    };
    char path[TEMP_PATH * 2];
    temp_path(state, "archive.pth", path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Weights *weights;
        write_changed(path, cases[i].from, cases[i].size, cases[i].to, cases[i].to_size, cases[i].last);
        if (cases[i].part) {
            assert_refused(weights_open(path, NULL, &weights), EXIT_DATA, cases[i].part);
        } else {
            assert_fine(weights_open(path, NULL, &weights));
            weights_close(weights);
        }
    }
}

/* A field of the directory's record of the pickle (the first) or of a storage. */
static void wrong_records_are_refused(void **state) {
    static const struct {
        const char *entry;
        int at; /* from the name's start: the record's 46 bytes are before it */
        const char *bytes;
        size_t size;
        const char *part;
    } cases[] = {
        {"a/data.pkl", -36, BYTES("\x08\0"), "compressed (method 8)"},
        {"a/data.pkl", -38, BYTES("\1"), "encrypted"},
        {"a/data/0", -36, BYTES("\x08\0"), "\"w\": "},
        {"a/data.pkl", -26, BYTES("\x10"), "in another size"},
        {"a/data.pkl", -26, BYTES("\xff\xff\xff\x7f\xff\xff\xff\x7f"), "larger than the file"},
        {"a/data.pkl", -26, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff"), "no valid ZIP64 field"},
        {"a/data.pkl", -4, BYTES("\xff\xff\xff\x7f"), "not within the file"},
        {"a/data.pkl", -4, BYTES("\1"), "has no header"},
        {"a/data.pkl", -18, BYTES("\xff\xff"), "ends early"},
        {"a/data.pkl", -16, BYTES("\xff\xff"), "ends early"},
    };
    char path[TEMP_PATH * 2];
    temp_path(state, "records.pth", path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *data;
        size_t length;
        Weights *weights;
        torch_make(path, BYTES(small));
        assert_fine(files_read(path, &data, &length));
        char *directory = memmem(data, length, BYTES("PK\1\2"));
        char *name = memmem(directory, length - (size_t)(directory - data), cases[i].entry, strlen(cases[i].entry));
        memcpy(name + cases[i].at, cases[i].bytes, cases[i].size);
        assert_fine(files_write_new(path, data, length));
        free(data);
        assert_refused(weights_open(path, NULL, &weights), EXIT_DATA, cases[i].part);
    }
}

/* As a program writes entries of 4 GiB and more: sizes and offset in fields of 64 bits. */
static void zip64_is_read(void **state) {
    static const char archive[] = "PK\3\4\x2d\0\0\0\0\0\0\0\x21\0"
                                  "\x10\x3e\x92\xdc"
                                  "\xff\xff\xff\xff\xff\xff\xff\xff\1\0\x14\0"
                                  "x"
                                  "\1\0\x10\0\4\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0"
                                  "fund"
                                  /* at 55 */
                                  "PK\1\2\x2d\0\x2d\0\0\0\0\0\0\0\x21\0"
                                  "\x10\x3e\x92\xdc"
                                  "\xff\xff\xff\xff\xff\xff\xff\xff\1\0\x21\0\0\0\0\0\0\0\0\0\0\0"
                                  "\xff\xff\xff\xff"
                                  "x"
                                  "\7\0\1\0?"
                                  "\1\0\x18\0\4\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                  /* at 135 */
                                  "PK\6\6\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
                                  "\x50\0\0\0\0\0\0\0\x37\0\0\0\0\0\0\0"
                                  "PK\6\7\0\0\0\0\x87\0\0\0\0\0\0\0\1\0\0\0"
                                  "PK\5\6\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\4\0note";
    char path[TEMP_PATH * 2];
    Zip zip;
    assert_fine(files_write_new(temp_path(state, "zip64", path), BYTES(archive)));
    assert_fine(zip_open(path, &zip));
    ZipEntry *entry = zip_find(&zip, "x");
    assert_non_null(entry);
    assert_null(zip_find(&zip, ""));
    assert_null(zip_find(&zip, "xx"));
    assert_int_equal(entry->size, 4);
    assert_fine(zip_read(&zip, entry));
    assert_memory_equal(entry->data, "fund", 4);
    zip_close(&zip);
}

/* 70,000 entries need a ZIP64 directory, which both sides of this room agree on. */
static void many_entries_are_written_and_read(void **state) {
    char path[TEMP_PATH * 2], name[ZIP_NAME];
    ZipWriter writer = {.path = temp_path(state, "many", path)};
    assert_fine(files_new_open(path, &writer.descriptor));
    for (int i = 0; i < 70000; i++) {
        snprintf(name, sizeof name, "%d", i);
        assert_fine(zip_write_entry(&writer, name, &i, i % 7 ? 0 : sizeof i));
    }
    assert_fine(zip_write_directory(&writer));
    close(writer.descriptor);
    zip_write_close(&writer);
    Zip zip;
    assert_fine(zip_open(path, &zip));
    assert_int_equal(zip.count, 70000);
    for (int i = 0; i < 70000; i += 9996) {
        snprintf(name, sizeof name, "%d", i);
        ZipEntry *entry = zip_find(&zip, name);
        assert_non_null(entry);
        assert_fine(zip_read(&zip, entry));
        assert_int_equal(entry->size, sizeof i);
        assert_memory_equal(entry->data, &i, sizeof i);
    }
    zip_close(&zip);
}

static void a_file_cut_off_anywhere_is_refused(void **state) {
    char path[TEMP_PATH * 2];
    char *data;
    size_t length;
    Weights *weights;
    torch_make(temp_path(state, "cut.pth", path), BYTES(small));
    assert_fine(files_read(path, &data, &length));
    for (size_t size = 0; size < length; size++) {
        assert_int_equal(truncate(path, 0), 0);
        int descriptor;
        assert_fine(files_new_open(path, &descriptor));
        assert_fine(files_write_all(descriptor, path, data, size));
        close(descriptor);
        assert_refused(weights_open(path, NULL, &weights), EXIT_DATA, path);
    }
    free(data);
}

/* Both formats give back names, types, shapes, bytes and notes. */
static void what_is_written_reads_back(void **state) {
    static const char *const endings[] = {"out.safetensors", "out.pth", "out.pt"};
    Weights *weights, *again;
    WeightsWritten written;
    TensorNote note;
    char path[TEMP_PATH * 2];
    assert_fine(weights_open(CASES "pth/types.pth", NULL, &weights));
    for (int i = 0; i < 3; i++) {
        assert_fine(weights_write(weights, false, temp_path(state, endings[i], path), &written));
        assert_int_equal(written.tensors, weights_count(weights));
        assert_fine(weights_open(path, NULL, &again));
        assert_same_weights(again, CASES "pth/types.expected.safetensors", "");
        weights_close(again);
    }
    weights_close(weights);
    /* Notes stay; a decoder and what only training needs can be left out. */
    assert_fine(weights_open(CASES "import/hf_hub", NULL, &weights));
    assert_fine(weights_write(weights, true, temp_path(state, "encoder.safetensors", path), &written));
    weights_close(weights);
    assert_int_equal(written.tensors, 30);
    assert_fine(weights_open(path, NULL, &again));
    assert_null(weights_find(again, "mask_token"));
    assert_null(weights_find(again, "decoder_embed.weight"));
    assert_non_null(weights_find(again, "norm.weight"));
    assert_true(weights_note_at(again, 0, &note));
    assert_string_equal(note.key, "format");
    weights_close(again);
}

static void what_cannot_be_written_leaves_the_old_file(void **state) {
    const float values[4] = {0};
    const Tensor packed = {"x", TYPE_F4, 1, {2}, 2, values},
                 decoder = {"decoder_embed.bias", TYPE_F32, 1, {1}, 1, values};
    char in[TEMP_PATH * 2], out[TEMP_PATH * 2];
    Weights *weights;
    WeightsWritten written;
    assert_fine(safetensors_write(temp_path(state, "packed.safetensors", in), &packed, 1, NULL, 0));
    assert_fine(weights_open(in, NULL, &weights));
    write_text(temp_path(state, "old.pth", out), "old");
    assert_refused(weights_write(weights, false, out, &written), EXIT_DATA, "\"x\" is of type F4");
    assert_int_equal(files_size(out), 3);
    assert_refused(weights_write(weights, false, temp_path(state, "old.npz", out), &written), EXIT_USAGE,
                   "must end in .safetensors");
    assert_refused(weights_write(weights, false, temp_path(state, "none/old.pth", out), &written), EXIT_DATA, "F4");
    assert_refused(weights_write(weights, false, temp_path(state, "none/x.safetensors", out), &written), EXIT_IO, out);
    weights_close(weights);
    assert_fine(safetensors_write(in, &decoder, 1, NULL, 0));
    assert_fine(weights_open(in, NULL, &weights));
    assert_refused(weights_write(weights, true, temp_path(state, "old.pth", out), &written), EXIT_DATA,
                   "no tensor of an encoder");
    weights_close(weights);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_of_other_programs_are_read),
        cmocka_unit_test(wrapped_models_are_read),
        cmocka_unit_test(names_are_mapped),
        cmocka_unit_test(parts_that_no_model_here_has_are_refused),
        cmocka_unit_test(thirds_that_differ_are_refused),
        cmocka_unit_test(shards_are_read_as_one),
        cmocka_unit_test(files_of_other_kinds_are_refused),
        cmocka_unit_test(damaged_archives_are_refused),
        cmocka_unit_test(wrong_records_are_refused),
        cmocka_unit_test(zip64_is_read),
        cmocka_unit_test(many_entries_are_written_and_read),
        cmocka_unit_test(a_file_cut_off_anywhere_is_refused),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(what_cannot_be_written_leaves_the_old_file),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
