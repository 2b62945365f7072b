/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir/events.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/list.h"

#include <cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of event.proto and summary.proto: numbers of fields, and how a field's value is encoded. */
enum { EVENT_WALL_TIME = 1, EVENT_STEP = 2, EVENT_FILE_VERSION = 3, EVENT_SUMMARY = 5, EVENT_SESSION_LOG = 7 };
enum { SUMMARY_VALUE = 1, VALUE_TAG = 1, VALUE_SIMPLE = 2, SESSION_STATUS = 1, SESSION_START = 1 };
typedef enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 } WireType;

static const int64_t LAST_NUMBER = 9999999999; /* of ten digits */

/* Bytes that are put together; after a failure nothing is added. */
typedef struct {
    uint8_t *data;
    int64_t count, capacity;
    Status failure;
} Bytes;

static void put_byte(Bytes *bytes, uint8_t byte) {
    if (!bytes->failure)
        bytes->failure = list_grow(&bytes->data, bytes->count, &bytes->capacity, 1, "an event");
    if (!bytes->failure)
        bytes->data[bytes->count++] = byte;
}

/* Little endian. */
static void put_fixed(Bytes *bytes, uint64_t value, int size) {
    for (int i = 0; i < size; i++)
        put_byte(bytes, (uint8_t)(value >> 8 * i));
}

static void put_varint(Bytes *bytes, uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        put_byte(bytes, (uint8_t)(value | 0x80));
    put_byte(bytes, (uint8_t)value);
}

static void put_key(Bytes *bytes, int field, WireType type) {
    put_varint(bytes, (uint64_t)field << 3 | type);
}

static void put_field(Bytes *bytes, int field, const void *data, size_t size) {
    put_key(bytes, field, BYTES);
    put_varint(bytes, size);
    for (size_t i = 0; i < size; i++)
        put_byte(bytes, ((const uint8_t *)data)[i]);
}

/* Frees `inner`. */
static void put_message(Bytes *bytes, int field, Bytes *inner) {
    put_field(bytes, field, inner->data, (size_t)inner->count);
    if (!bytes->failure)
        bytes->failure = inner->failure;
    else
        status_free(inner->failure);
    free(inner->data);
}

/* CRC-32C (Castagnoli's polynomial, bits reversed), masked as TFRecords want it: a checksum of data that contains its
 * own checksum is a poor one. */
static uint32_t masked_crc(const uint8_t *data, int64_t count) {
    uint32_t crc = UINT32_MAX;
    for (int64_t i = 0; i < count; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

/* A record is the event's length, the length's checksum, the event and its checksum. Frees `event`. */
static void put_record(Bytes *records, Bytes *event) {
    const int64_t at = records->count;
    put_fixed(records, (uint64_t)event->count, 8);
    if (!records->failure)
        put_fixed(records, masked_crc(records->data + at, 8), 4);
    for (int64_t i = 0; i < event->count; i++)
        put_byte(records, event->data[i]);
    put_fixed(records, masked_crc(event->data, event->count), 4);
    if (!records->failure)
        records->failure = event->failure;
    else
        status_free(event->failure);
    free(event->data);
}

static Bytes begin_event(int64_t step) {
    Bytes event = {0};
    const double date = clock_date();
    uint64_t bits;
    memcpy(&bits, &date, sizeof bits);
    put_key(&event, EVENT_WALL_TIME, FIXED64);
    put_fixed(&event, bits, 8);
    if (step) {
        put_key(&event, EVENT_STEP, VARINT);
        put_varint(&event, (uint64_t)step);
    }
    return event;
}

/* Without the version TensorBoard guesses from the order of steps what was undone, and ignores START. */
static void put_version(Bytes *records) {
    static const char version[] = "brain.Event:2";
    Bytes event = begin_event(0);
    put_field(&event, EVENT_FILE_VERSION, version, sizeof version - 1);
    put_record(records, &event);
}

/* The reader forgets this step and those after it. */
static void put_start(Bytes *records, int64_t step) {
    Bytes event = begin_event(step), session = {0};
    put_key(&session, SESSION_STATUS, VARINT);
    put_varint(&session, SESSION_START);
    put_message(&event, EVENT_SESSION_LOG, &session);
    put_record(records, &event);
}

static void put_scalar(Bytes *summary, const char *tag, float value) {
    Bytes scalar = {0};
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_field(&scalar, VALUE_TAG, tag, strlen(tag));
    put_key(&scalar, VALUE_SIMPLE, FIXED32);
    put_fixed(&scalar, bits, 4);
    put_message(summary, SUMMARY_VALUE, &scalar);
}

/* The numbers of `object`, whose own tag is `outer`. */
static void put_scalars(Bytes *summary, const char *outer, const cJSON *object) {
    char tag[256];
    const cJSON *item;
    cJSON_ArrayForEach(item, object) {
        snprintf(tag, sizeof tag, "%s%s%s", outer, *outer ? "/" : "", item->string);
        if (cJSON_IsNumber(item) && strcmp(tag, "step") != 0)
            put_scalar(summary, tag, (float)item->valuedouble);
        else if (cJSON_IsObject(item))
            put_scalars(summary, tag, item);
    }
}

/* Frees `records`. */
static Status write_records(const Events *events, Bytes *records) {
    Status status = records->failure;
    if (!status)
        status = files_write_all(events->descriptor, events->path, records->data, (size_t)records->count);
    free(records->data);
    return status;
}

/* The date in seconds, or the next after the largest number in the folder. `folder` ends in a slash here and below. */
static Status find_number(const char *folder, int64_t *number) {
    *number = (int64_t)clock_date();
    DIR *listing = opendir(folder);
    if (!listing)
        return files_failure("list", folder, errno);
    for (const struct dirent *entry; (entry = readdir(listing));) {
        if (strncmp(entry->d_name, EVENTS_PREFIX, sizeof EVENTS_PREFIX - 1) != 0)
            continue;
        const int64_t other = strtoll(entry->d_name + sizeof EVENTS_PREFIX - 1, NULL, 10);
        if (other >= *number && other < LAST_NUMBER)
            *number = other + 1;
    }
    closedir(listing);
    return NULL;
}

static Status create_file(Events *events, const char *folder) {
    int64_t number;
    TRY(find_number(folder, &number));
    TRY(files_path(&events->path, "%s" EVENTS_PREFIX "%010" PRId64, folder, number));
    events->descriptor = open(events->path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    return events->descriptor < 0 ? files_failure("create", events->path, errno) : NULL;
}

Status events_open(Events *events, const char *beside, int64_t last_step) {
    char *folder;
    const char *end = strrchr(beside, '/');
    *events = (Events){.descriptor = -1};
    TRY(files_path(&folder, "%.*s", end ? (int)(end - beside) + 1 : 2, end ? beside : "./"));
    Status status = create_file(events, folder);
    free(folder);
    TRY(status);
    Bytes records = {0};
    put_version(&records);
    put_start(&records, last_step + 1);
    return write_records(events, &records);
}

Status events_append(Events *events, const char *line, size_t size) {
    cJSON *object = cJSON_ParseWithLength(line, size);
    const cJSON *step = cJSON_GetObjectItemCaseSensitive(object, "step");
    if (!object)
        return status_no_memory("an event", size);
    Bytes event = begin_event(cJSON_IsNumber(step) ? (int64_t)step->valuedouble : 0), summary = {0}, records = {0};
    put_scalars(&summary, "", object);
    cJSON_Delete(object);
    put_message(&event, EVENT_SUMMARY, &summary);
    put_record(&records, &event);
    return write_records(events, &records);
}

Status events_drop_after(Events *events, int64_t last_step) {
    Bytes records = {0};
    put_start(&records, last_step + 1);
    return write_records(events, &records);
}

void events_close(Events *events) {
    if (events->path && events->descriptor >= 0)
        close(events->descriptor);
    free(events->path);
    *events = (Events){.descriptor = -1};
}
