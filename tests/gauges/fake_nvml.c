/* SPDX-License-Identifier: Apache-2.0 */
/* A libnvidia-ml.so.1 without a GPU. `make` builds it as build/tests/gauges/libnvidia-ml.so.1; a program finds it with
 * LD_LIBRARY_PATH=build/tests/gauges. Its layouts are its own, not those of src/gauges: an independent witness. The
 * one in build/tests/gauges/old lacks what an old driver lacks (FAKE_NVML_OLD below).
 *
 * FOVEA_FAKE_NVML names a text file that is read again at each call: replace it by rename. Without the file no driver
 * is loaded. Lines that begin with # are comments; every other line is a GPU, words KEY=VALUE with blanks between:
 *
 *   uuid=GPU-1 pci=0000:3b:00.0 minor=0 name=NVIDIA_H200   (_ is shown as a blank)
 *   util=0,98,0          percent. A list, here and wherever a number stands: each read takes the next one, the last
 *                        stays. The place in a list is the process's own; a list that was changed begins anew
 *   used=0 total=80e9 reserved=0                            bytes
 *   processes=PID:BYTES,PID   compute; graphics=... mps=... likewise. PID 0: the calling process. Without BYTES: not
 *                        reported
 *   tree=PID             the process and its descendants that are alive: shown as processes
 *   token=TEXT           likewise processes that are alive and whose environment contains TEXT; TEXT has no blank
 *   each=1e9             bytes that each of tree and token uses, added to `used`
 *   busy=98              util while one of tree and token is alive
 *   temperature=34 memory_temperature=40 limit=87           degrees C
 *   margin=53 slowdown_margin=0                             T.Limit, in place of `limit` as on newer GPUs
 *   watts=95 cap=700 joules=1000
 *   pcie_to=0 pcie_from=0                                   bytes/s, as the driver measures them
 *   pcie_received=0 pcie_sent=0                             counters in bytes
 *   throttle=0x40        NVML's bits                        ecc=CORRECTED:UNCORRECTED
 *   remapped=CORRECTABLE:UNCORRECTABLE:PENDING:FAILED
 *   xid=48,79            each is one event, once in a process; a list that was changed is new events
 *   races=N              N calls for a list of processes say that it does not fit, though it does
 *   grows=N              each of N calls for those that compute finds one more
 *   hang=SECONDS         reading util takes that long
 *   unsupported=util,... these KEYs (processes for all three lists, tree and token) are not supported (3)
 *   failing=util,...     these fail with an unknown error (999)
 *   error=CODE           everything about this GPU fails with CODE;  lost: with 15
 *
 * What is not set is not supported; uuid is required. A line "driver=VERSION init=CODE" instead of a GPU sets the
 * driver's version and what nvmlInit_v2() returns. */
#include "tests/gauges/fake_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- Processes --- */

static bool is_racing(const char *line) {
    char text[32];
    if (!fake_value(line, "races", text, sizeof text))
        return false;
    Place *place = fake_place(line, "races", text);
    return place && place->taken++ < strtoul(text, NULL, 10);
}

/* Of the calls so far, each one has added a process. */
static void add_grown(Found *found, const char *line) {
    char text[32];
    Place *place = fake_value(line, "grows", text, sizeof text) ? fake_place(line, "grows", text) : NULL;
    if (!place)
        return;
    place->taken += place->taken < strtoul(text, NULL, 10);
    for (size_t i = 0; i < place->taken && found->count < MOST_FOUND; i++)
        found->list[found->count++] = (Entry){900000 + (unsigned)i, 1, {~0u, ~0u}};
}

static int list_processes(const Handle *handle, const char *key, unsigned *count, Entry *list) {
    static Found found;
    char line[MOST_LINE];
    fake_lock();
    int result = fake_open_reading(handle, "processes", line);
    found.count = 0;
    if (!result) {
        fake_add_listed(&found, line, key);
        if (strcmp(key, "processes") == 0) {
            fake_add_live(&found, line);
            add_grown(&found, line);
        }
        const bool racing = is_racing(line);
        if ((unsigned)found.count > *count || racing)
            result = TOO_SMALL;
        else
            memcpy(list, found.list, (size_t)found.count * sizeof *list);
        *count = (unsigned)found.count + (racing ? 1 : 0);
    }
    fake_unlock();
    return result;
}

int nvmlDeviceGetComputeRunningProcesses_v3(Handle *device, unsigned *count, Entry *list);
int nvmlDeviceGetComputeRunningProcesses_v3(Handle *device, unsigned *count, Entry *list) {
    return list_processes(device, "processes", count, list);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(Handle *device, unsigned *count, Entry *list);
int nvmlDeviceGetGraphicsRunningProcesses_v3(Handle *device, unsigned *count, Entry *list) {
    return list_processes(device, "graphics", count, list);
}

int nvmlDeviceGetMPSComputeRunningProcesses_v3(Handle *device, unsigned *count, Entry *list);
int nvmlDeviceGetMPSComputeRunningProcesses_v3(Handle *device, unsigned *count, Entry *list) {
    return list_processes(device, "mps", count, list);
}

/* The first layout, of 16 bytes: whoever calls it by mistake reads nonsense. */
int nvmlDeviceGetComputeRunningProcesses(Handle *device, unsigned *count, void *list);
int nvmlDeviceGetComputeRunningProcesses(Handle *device, unsigned *count, void *list) {
    (void)device;
    memset(list, 0xa5, *count ? 16 : 0);
    *count = *count ? 1 : 0;
    return OK;
}

/* --- The library and its GPUs --- */

int nvmlInit_v2(void);
int nvmlInit_v2(void) {
    char line[MOST_LINE], code[32] = "0";
    const char *path = getenv("FOVEA_FAKE_NVML");
    if (!path || access(path, R_OK) != 0)
        return NO_DRIVER;
    if (fake_line(-1, line))
        fake_value(line, "init", code, sizeof code);
    if (atoi(code))
        return atoi(code);
    fake_lock();
    fake_opened++;
    for (int i = 0; i < MOST_GPUS; i++)
        fake_handles[i].index = i;
    fake_unlock();
    return OK;
}

int nvmlShutdown(void);
int nvmlShutdown(void) {
    fake_lock();
    const int result = fake_opened ? OK : UNINITIALIZED;
    fake_opened -= fake_opened > 0;
    fake_unlock();
    return result;
}

const char *nvmlErrorString(int code);
const char *nvmlErrorString(int code) {
    switch (code) {
    case UNSUPPORTED:
        return "Not Supported";
    case NO_DRIVER:
        return "Driver Not Loaded";
    case LOST:
        return "GPU is lost";
    case 16:
        return "GPU requires reset";
    default:
        return "Unknown Error";
    }
}

int nvmlSystemGetDriverVersion(char *version, unsigned size);
int nvmlSystemGetDriverVersion(char *version, unsigned size) {
    char line[MOST_LINE];
    if (!fake_line(-1, line) || !fake_value(line, "driver", version, size))
        return UNKNOWN;
    return OK;
}

int nvmlDeviceGetCount_v2(unsigned *count);
int nvmlDeviceGetCount_v2(unsigned *count) {
    char line[MOST_LINE];
    for (*count = 0; *count < MOST_GPUS && fake_line((int)*count, line);)
        ++*count;
    return OK;
}

/* A GPU that is lost from the start cannot be fake_opened. */
int nvmlDeviceGetHandleByIndex_v2(unsigned index, Handle **device);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, Handle **device) {
    char line[MOST_LINE];
    if (index >= MOST_GPUS || !fake_line((int)index, line))
        return BAD_ARGUMENT;
    *device = &fake_handles[index];
    return fake_open_gpu(*device, line);
}

static int find_handle(const char *key, const char *wanted, Handle **device) {
    char line[MOST_LINE], text[96];
    for (int i = 0; i < MOST_GPUS && fake_line(i, line); i++)
        if (fake_value(line, key, text, sizeof text) && strcasecmp(text, wanted) == 0) {
            *device = &fake_handles[i];
            return fake_open_gpu(*device, line);
        }
    return NOT_FOUND;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, Handle **device);
int nvmlDeviceGetHandleByUUID(const char *uuid, Handle **device) {
    return find_handle("uuid", uuid, device);
}

/* NVML writes the domain with eight digits; the state file may have four. */
int nvmlDeviceGetHandleByPciBusId_v2(const char *bus, Handle **device);
int nvmlDeviceGetHandleByPciBusId_v2(const char *bus, Handle **device) {
    return find_handle("pci", strlen(bus) == 16 ? bus + 4 : bus, device);
}

static int find_text(Handle *device, const char *key, char *text, unsigned size) {
    char line[MOST_LINE], value[96];
    const int result = fake_open_gpu(device, line);
    if (result)
        return result;
    if (!fake_value(line, key, value, sizeof value))
        return UNSUPPORTED;
    if (strlen(value) >= size)
        return TOO_SMALL;
    strcpy(text, value);
    return OK;
}

int nvmlDeviceGetUUID(Handle *device, char *uuid, unsigned size);
int nvmlDeviceGetUUID(Handle *device, char *uuid, unsigned size) {
    return find_text(device, "uuid", uuid, size);
}

int nvmlDeviceGetName(Handle *device, char *name, unsigned size);
int nvmlDeviceGetName(Handle *device, char *name, unsigned size) {
    const int result = find_text(device, "name", name, size);
    for (char *at = name; !result && *at; at++)
        if (*at == '_')
            *at = ' ';
    return result;
}

typedef struct {
    char legacy[16];
    unsigned domain, bus, device, id, subsystem;
    char address[32];
} Pci;

int nvmlDeviceGetPciInfo_v3(Handle *device, Pci *pci);
int nvmlDeviceGetPciInfo_v3(Handle *device, Pci *pci) {
    char text[32];
    const int result = find_text(device, "pci", text, sizeof text);
    if (result)
        return result;
    memset(pci, 0, sizeof *pci);
    if (sscanf(text, "%x:%x:%x", &pci->domain, &pci->bus, &pci->device) != 3)
        return UNKNOWN;
    snprintf(pci->legacy, sizeof pci->legacy, "%04X:%02X:%02X.0", pci->domain & 0xffff, pci->bus & 0xff,
             pci->device & 0xff);
    snprintf(pci->address, sizeof pci->address, "%08X:%02X:%02X.0", pci->domain, pci->bus & 0xff, pci->device & 0xff);
    return OK;
}

int nvmlDeviceGetMinorNumber(Handle *device, unsigned *minor);
int nvmlDeviceGetMinorNumber(Handle *device, unsigned *minor) {
    double number;
    const int result = fake_reading(device, "minor", &number);
    *minor = result ? 0 : (unsigned)number;
    return result;
}

#ifndef FAKE_NVML_OLD

/* --- Events --- */

typedef struct {
    Handle *devices[MOST_GPUS];
    int count;
} EventSet;

typedef struct {
    Handle *device;
    Bytes type, data;
    unsigned instances[2];
} Event;

int nvmlEventSetCreate(EventSet **set);
int nvmlEventSetCreate(EventSet **set) {
    *set = calloc(1, sizeof **set);
    return *set ? OK : UNKNOWN;
}

int nvmlEventSetFree(EventSet *set);
int nvmlEventSetFree(EventSet *set) {
    free(set);
    return OK;
}

int nvmlDeviceRegisterEvents(Handle *device, Bytes types, EventSet *set);
int nvmlDeviceRegisterEvents(Handle *device, Bytes types, EventSet *set) {
    char line[MOST_LINE];
    const int result = fake_open_reading(device, "xid", line);
    if (result)
        return result;
    if (types != 8 || set->count == MOST_GPUS)
        return BAD_ARGUMENT;
    set->devices[set->count++] = device;
    return OK;
}

/* The next event of the GPU, also of one that is lost. */
static bool take_event(Handle *device, Event *event) {
    char line[MOST_LINE], text[256];
    if (!fake_line(device->index, line) || !fake_value(line, "xid", text, sizeof text) || !*text)
        return false;
    Place *place = fake_place(line, "xid", text);
    const char *at = text;
    for (size_t i = 0; place && at && i < place->taken; i++)
        at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL;
    if (!place || !at)
        return false;
    place->taken++;
    *event = (Event){device, 8, strtoull(at, NULL, 10), {~0u, ~0u}};
    return true;
}

int nvmlEventSetWait_v2(EventSet *set, Event *event, unsigned milliseconds);
int nvmlEventSetWait_v2(EventSet *set, Event *event, unsigned milliseconds) {
    bool found = false;
    fake_lock();
    for (int i = 0; i < set->count && !found; i++)
        found = take_event(set->devices[i], event);
    fake_unlock();
    if (!found)
        usleep(milliseconds * 1000);
    return found ? OK : TIMEOUT;
}

#endif
