/* SPDX-License-Identifier: Apache-2.0 */
/* The events for TensorBoard, read back by a reader of their own: framing, checksums, values beside metrics.jsonl, a
 * last record that was cut short, what a resumed run and a rollback leave. The reader itself is checked with bytes that
 * TensorBoard 2.21 wrote. */
#include "tests/fixtures/train_fixture.h"

#include "base/clock.h"
#include "base/text.h"
#include "rundir/metrics.h"

#include <cJSON.h>
#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>

enum { MAX_SCALARS = 400 };

typedef struct {
    int64_t step;
    double date;
    char tag[96];
    float value;
} Scalar;

typedef struct {
    Scalar scalars[MAX_SCALARS];
    int count, records, versions, starts;
    bool cut; /* a last record that is not whole */
} Found;

/* From its definition: the remainder of the reversed bits, a table of bytes. */
static uint32_t crc32c(const uint8_t *data, size_t size) {
    uint32_t table[256], crc = ~0u;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = table[i] & 1 ? table[i] >> 1 ^ 0x82f63b78u : table[i] >> 1;
    }
    for (size_t i = 0; i < size; i++)
        crc = crc >> 8 ^ table[(crc ^ data[i]) & 0xff];
    return ~crc;
}

static uint64_t little_endian(const uint8_t *data, int size) {
    uint64_t value = 0;
    for (int i = size; i--;)
        value = value << 8 | data[i];
    return value;
}

static bool has_crc(const uint8_t *data, size_t size) {
    const uint32_t crc = crc32c(data, size);
    return (uint32_t)little_endian(data + size, 4) == (crc >> 15 | crc << 17) + 0xa282ead8u;
}

/* A field of a message. */
typedef struct {
    int number, type;
    uint64_t value;      /* of a number */
    const uint8_t *data; /* of bytes [value] */
} Field;

static uint64_t read_varint(const uint8_t **at, const uint8_t *end) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        assert_true(*at < end);
        const uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    fail_msg("a number of more than 64 bits");
    return 0;
}

static bool next_field(const uint8_t **at, const uint8_t *end, Field *field) {
    if (*at == end)
        return false;
    const uint64_t key = read_varint(at, end);
    *field = (Field){.number = (int)(key >> 3), .type = (int)(key & 7)};
    const int size = field->type == 1 ? 8 : 4;
    if (field->type == 0 || field->type == 2) {
        field->value = read_varint(at, end);
    } else {
        assert_true((field->type == 1 || field->type == 5) && end - *at >= size);
        field->value = little_endian(*at, size);
        *at += size;
    }
    if (field->type == 2) {
        assert_true(field->value <= (uint64_t)(end - *at));
        field->data = *at;
        *at += field->value;
    }
    return true;
}

static void read_summary(Found *events, const Field *summary, int64_t step, double date) {
    Field value, part;
    for (const uint8_t *at = summary->data; next_field(&at, summary->data + summary->value, &value);) {
        assert_true(value.number == 1 && value.type == 2 && events->count < MAX_SCALARS);
        Scalar *scalar = &events->scalars[events->count++];
        *scalar = (Scalar){.step = step, .date = date, .value = NAN};
        for (const uint8_t *in = value.data; next_field(&in, value.data + value.value, &part);)
            if (part.number == 1 && part.type == 2) {
                snprintf(scalar->tag, sizeof scalar->tag, "%.*s", (int)part.value, (const char *)part.data);
            } else {
                const uint32_t bits = (uint32_t)part.value;
                assert_true(part.number == 2 && part.type == 5);
                memcpy(&scalar->value, &bits, sizeof bits);
            }
    }
}

/* START forgets its step and those after it. */
static void read_event(Found *events, const uint8_t *data, size_t size) {
    int64_t step = 0;
    double date = 0;
    Field field;
    for (const uint8_t *at = data; next_field(&at, data + size, &field);) {
        if (field.number == 1)
            memcpy(&date, &field.value, sizeof date);
        else if (field.number == 2)
            step = (int64_t)field.value;
        else if (field.number == 3)
            events->versions += field.value == 13 && memcmp(field.data, "brain.Event:2", 13) == 0;
        else if (field.number == 5)
            read_summary(events, &field, step, date);
        else {
            assert_true(field.number == 7 && field.value == 2 && memcmp(field.data, "\x08\x01", 2) == 0);
            int kept = 0;
            for (int i = 0; i < events->count; i++)
                if (events->scalars[i].step < step)
                    events->scalars[kept++] = events->scalars[i];
            events->count = kept;
            events->starts++;
        }
    }
    events->records++;
}

static void read_records(Found *events, const uint8_t *data, size_t size) {
    size_t length;
    events->cut = false;
    for (size_t at = 0; at < size; at += length + 16, events->cut = false) {
        events->cut = true;
        if (size - at < 12)
            return;
        length = (size_t)little_endian(data + at, 8);
        assert_true(has_crc(data + at, 8));
        if (size - at < length + 16)
            return;
        assert_true(has_crc(data + at + 12, length));
        read_event(events, data + at + 12, length);
    }
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_events(const struct dirent *entry) {
    return strncmp(entry->d_name, "events.out.tfevents.", 20) == 0;
}

/* Reads the files of a folder as TensorBoard does; returns their number, and the last one's path. */
static int read_folder(const char *folder, Found *events, char last[TEMP_PATH * 4]) {
    struct dirent **entries;
    *events = (Found){0};
    const int count = scandir(folder, &entries, is_events, by_name);
    for (int i = 0; i < count; i++) {
        char *data;
        size_t size;
        snprintf(last, TEMP_PATH * 4, "%s/%s", folder, entries[i]->d_name);
        assert_fine(files_read(last, &data, &size));
        read_records(events, (const uint8_t *)data, size);
        free(data);
        free(entries[i]);
    }
    free(entries);
    return count;
}

/* The numbers of a line but its step are the scalars from `at` on, in order; returns the number of scalars. */
static int match_object(const Found *events, int at, int64_t step, const char *outer, const cJSON *object) {
    const int start = at;
    const cJSON *item;
    cJSON_ArrayForEach(item, object) {
        char tag[200];
        snprintf(tag, sizeof tag, "%s%s", outer, item->string);
        if (cJSON_IsNumber(item) && strcmp(tag, "step") != 0) {
            assert_true(at < events->count);
            const Scalar *scalar = &events->scalars[at++];
            assert_string_equal(scalar->tag, tag);
            assert_true(scalar->step == step && scalar->value == (float)item->valuedouble);
        }
        snprintf(tag, sizeof tag, "%s%s/", outer, item->string);
        at += match_object(events, at, step, tag, item);
    }
    return at - start;
}

static void assert_match(const char *metrics_path, const Found *events) {
    char *text;
    size_t size;
    TextLine line;
    int at = 0;
    assert_fine(files_read(metrics_path, &text, &size));
    for (const char *next = text; text_next_line(&next, text + size, &line);) {
        cJSON *object = cJSON_ParseWithLength(line.start, line.length);
        assert_non_null(object);
        const cJSON *step = cJSON_GetObjectItemCaseSensitive(object, "step");
        at += match_object(events, at, (int64_t)step->valuedouble, "", object);
        cJSON_Delete(object);
    }
    assert_int_equal(at, events->count);
    free(text);
}

static float value_at(const Found *events, int64_t step, const char *tag) {
    for (int i = 0; i < events->count; i++)
        if (events->scalars[i].step == step && strcmp(events->scalars[i].tag, tag) == 0)
            return events->scalars[i].value;
    return NAN;
}

/* A folder of this test's own, and the path of metrics.jsonl in it. */
static void make_folder(void **state, const char *name, char folder[TEMP_PATH * 2], char path[TEMP_PATH * 4]) {
    assert_fine(files_make_directory(temp_path(state, name, folder)));
    snprintf(path, TEMP_PATH * 4, "%s/metrics.jsonl", folder);
}

static Status append_step(Metrics *metrics, int64_t step, double loss) {
    return metrics_append(metrics, &(MetricsLine){.step = step, .loss = loss, .mfu = NAN});
}

/* Checksums of RFC 3720, appendix B.4, and a file by TensorBoard's own writer: the version, START at step 300, the
 * scalars loss = 0.75 and a/b = -3. */
static void the_reader_reads_tensorboards_bytes(void **state) {
    (void)state;
    static const uint8_t file[] = {
        0x18, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xa3, 0x7f, 0x4b, 0x22, 0x09, 0x00, 0x00, 0x20,
        0x40, 0xfc, 0x54, 0xd9, 0x41, 0x1a, 0x0d, 0x62, 0x72, 0x61, 0x69, 0x6e, 0x2e, 0x45, 0x76, 0x65,
        0x6e, 0x74, 0x3a, 0x32, 0x2b, 0x35, 0x31, 0x10, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x95, 0xfb, 0xfe, 0x18, 0x09, 0x00, 0x00, 0x60, 0x40, 0xfc, 0x54, 0xd9, 0x41, 0x10, 0xac, 0x02,
        0x3a, 0x02, 0x08, 0x01, 0x31, 0x2d, 0x1a, 0x8d, 0x27, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0xbb, 0xe1, 0xb1, 0x46, 0x09, 0x00, 0x00, 0xa0, 0x40, 0xfc, 0x54, 0xd9, 0x41, 0x10, 0xac, 0x02,
        0x2a, 0x19, 0x0a, 0x0b, 0x0a, 0x04, 0x6c, 0x6f, 0x73, 0x73, 0x15, 0x00, 0x00, 0x40, 0x3f, 0x0a,
        0x0a, 0x0a, 0x03, 0x61, 0x2f, 0x62, 0x15, 0x00, 0x00, 0x40, 0xc0, 0xf3, 0x05, 0x57, 0xb2};
    uint8_t zeros[32] = {0}, counted[32];
    for (int i = 0; i < 32; i++)
        counted[i] = (uint8_t)i;
    assert_int_equal(crc32c(zeros, 32), 0x8a9136aau);
    assert_int_equal(crc32c(counted, 32), 0x46dd794eu);
    Found events = {0};
    read_records(&events, file, sizeof file);
    assert_true(!events.cut && events.records == 3 && events.versions == 1 && events.starts == 1 && events.count == 2);
    assert_true(value_at(&events, 300, "loss") == 0.75f && value_at(&events, 300, "a/b") == -3);
    assert_true(events.scalars[0].date == 1700000002.5);
}

static void numbers_of_every_line_are_scalars(void **state) {
    char folder[TEMP_PATH * 2], path[TEMP_PATH * 4], last[TEMP_PATH * 4];
    const MetricsFigure figures[] = {{"auroc", 0.75}, {"kappa", NAN}};
    const MetricsFp8 layer = {"blocks.0.attn.qkv", 5, 2, true};
    const double before = clock_date();
    Metrics metrics;
    Found events;
    make_folder(state, "lines", folder, path);
    assert_fine(metrics_open(&metrics, path, 0));
    MetricsLine line = {.step = 1, .loss = 1.0 / 3, .grad_norm = INFINITY, .mfu = NAN, .lr = 3e-300, .bad_records = 7};
    assert_fine(metrics_append(&metrics, &line));
    assert_fine(metrics_append_validation(&metrics, 1, 0.5, figures, 2));
    assert_fine(metrics_append_fp8(&metrics, 1LL << 40, &layer, 1));
    metrics_close(&metrics);

    assert_int_equal(read_folder(folder, &events, last), 1);
    assert_match(path, &events);
    assert_true(!events.cut && events.records == 5 && events.versions == 1 && events.starts == 1);
    /* 15 numbers less two that are null; val_loss, a figure that is known; three sums and two of the layer. */
    assert_int_equal(events.count, 13 + 2 + 3 + 2);
    assert_true(value_at(&events, 1, "loss") == 1.0f / 3 && value_at(&events, 1, "bad_records") == 7);
    assert_true(isnan(value_at(&events, 1, "grad_norm")) && isnan(value_at(&events, 1, "step")));
    assert_true(value_at(&events, 1, "val_loss") == 0.5f && value_at(&events, 1, "val_figures/auroc") == 0.75f);
    assert_true(value_at(&events, 1LL << 40, "fp8_layers/blocks.0.attn.qkv/saturated") == 5);
    for (int i = 0; i < events.count; i++)
        assert_true(events.scalars[i].date >= before && events.scalars[i].date <= clock_date());
}

/* Wherever the last record is cut, those before it are read, and so is the file of the run that goes on. */
static void a_cut_record_costs_itself_alone(void **state) {
    char folder[TEMP_PATH * 2], path[TEMP_PATH * 4], last[TEMP_PATH * 4], *data;
    size_t before, size;
    Metrics metrics;
    Found events;
    make_folder(state, "cut", folder, path);
    assert_fine(metrics_open(&metrics, path, 0));
    assert_fine(append_step(&metrics, 1, 0.5));
    assert_int_equal(read_folder(folder, &events, last), 1);
    before = (size_t)files_size(last);
    assert_fine(append_step(&metrics, 2, 0.25));
    metrics_close(&metrics);
    assert_fine(files_read(last, &data, &size));
    for (size_t cut = before; cut <= size; cut++) {
        events = (Found){0};
        read_records(&events, (const uint8_t *)data, cut);
        assert_true(events.records == (cut < size ? 3 : 4) && events.cut == (cut != before && cut != size));
    }
    assert_fine(files_write(last, data, size - 5));
    assert_fine(metrics_open(&metrics, path, 1));
    assert_fine(append_step(&metrics, 2, 0.125));
    metrics_close(&metrics);
    assert_int_equal(read_folder(folder, &events, last), 2);
    assert_match(path, &events);
    assert_true(value_at(&events, 1, "loss") == 0.5f && value_at(&events, 2, "loss") == 0.125f);
    free(data);
}

/* Steps 1 to 6, a rollback to 4, 5 again; then a run that goes on from 2, before which another validated step 3. */
static void what_was_undone_is_forgotten(void **state) {
    char folder[TEMP_PATH * 2], path[TEMP_PATH * 4], last[TEMP_PATH * 4];
    Metrics metrics;
    Found events;
    make_folder(state, "undone", folder, path);
    assert_fine(metrics_open(&metrics, path, 0));
    for (int step = 1; step <= 6; step++)
        assert_fine(append_step(&metrics, step, step));
    assert_fine(metrics_drop_after(&metrics, 4));
    assert_int_equal(read_folder(folder, &events, last), 1);
    assert_match(path, &events);
    assert_fine(append_step(&metrics, 5, 50));
    assert_fine(metrics_append_validation(&metrics, 3, 0.5, NULL, 0));
    assert_int_equal(read_folder(folder, &events, last), 1);
    assert_match(path, &events);
    assert_true(value_at(&events, 5, "loss") == 50 && isnan(value_at(&events, 6, "loss")));
    metrics_close(&metrics);

    assert_fine(metrics_open(&metrics, path, 2));
    assert_fine(append_step(&metrics, 3, 30));
    metrics_close(&metrics);
    assert_int_equal(read_folder(folder, &events, last), 2);
    assert_match(path, &events);
    assert_true(value_at(&events, 2, "loss") == 2 && value_at(&events, 3, "loss") == 30);
    assert_true(isnan(value_at(&events, 4, "loss")) && isnan(value_at(&events, 3, "val_loss")));
}

/* Several in one second, and after a clock that was ahead. */
static void later_files_have_later_names(void **state) {
    char folder[TEMP_PATH * 2], path[TEMP_PATH * 4], name[TEMP_PATH * 4], before[TEMP_PATH * 4] = "";
    Events events;
    make_folder(state, "names", folder, path);
    for (int i = 0; i < 5; i++) {
        if (i == 3) {
            snprintf(name, sizeof name, "%s/events.out.tfevents.4000000000.other", folder);
            assert_fine(files_write(name, "", 0));
            snprintf(before, sizeof before, "%s", name);
        }
        assert_fine(events_open(&events, path, 0));
        assert_true(strcmp(events.path, before) > 0);
        snprintf(before, sizeof before, "%s", events.path);
        events_close(&events);
    }
    snprintf(name, sizeof name, "%s/events.out.tfevents.4000000002", folder);
    assert_string_equal(before, name);
}

static void failures_name_the_file(void **state) {
    char folder[TEMP_PATH * 2], path[TEMP_PATH * 4], none[TEMP_PATH * 2];
    static const char line[] = "{\"step\": 1, \"loss\": 2}\n";
    struct rlimit limit, before;
    Events events;
    make_folder(state, "full", folder, path);
    assert_refused(events_open(&events, temp_path(state, "none/metrics.jsonl", none), 0), EXIT_IO, "/none/");
    events_close(&events);
    assert_fine(events_open(&events, path, 0));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){(rlim_t)files_size(events.path) + 20, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    Status status = events_append(&events, line, sizeof line - 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_refused(status, EXIT_IO, events.path);
    events_close(&events);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reader_reads_tensorboards_bytes), cmocka_unit_test(numbers_of_every_line_are_scalars),
        cmocka_unit_test(a_cut_record_costs_itself_alone),     cmocka_unit_test(what_was_undone_is_forgotten),
        cmocka_unit_test(later_files_have_later_names),        cmocka_unit_test(failures_name_the_file),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
