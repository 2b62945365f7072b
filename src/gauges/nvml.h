/* SPDX-License-Identifier: Apache-2.0 */
/* NVML, the driver's library of readings, opened at run time. Its header comes with neither driver nor toolkit: types
 * and functions are declared here as in NVIDIA's "NVML API Reference", under their versioned names, since the others
 * have the layouts of the first version. */
#ifndef FOVEA_GAUGES_NVML_H
#define FOVEA_GAUGES_NVML_H

#include <stdbool.h>
#include <stddef.h>

/* What every function returns; others occur. */
enum {
    NVML_SUCCESS = 0,
    NVML_NOT_SUPPORTED = 3,
    NVML_NO_PERMISSION = 4,
    NVML_INSUFFICIENT_SIZE = 7,
    NVML_NO_DRIVER = 9,
    NVML_FUNCTION_NOT_FOUND = 13,
    NVML_GPU_IS_LOST = 15,
    NVML_RESET_REQUIRED = 16,
    NVML_VERSION_MISMATCH = 18,
    NVML_NO_MEMORY = 20,
    NVML_UNKNOWN = 999
};

typedef struct NvmlDevice NvmlDevice;
typedef struct NvmlEventSet NvmlEventSet;
typedef unsigned long long NvmlBytes;

typedef struct {
    char legacy_address[16];
    unsigned domain, bus, device, id, subsystem;
    char address[32];
} NvmlPci;

typedef struct {
    unsigned gpu, memory; /* percent of the last moments in which each was used */
} NvmlUtilization;

typedef struct {
    unsigned pid;
    NvmlBytes memory; /* NVML_NO_VALUE: not reported */
    unsigned gpu_instance, compute_instance;
} NvmlProcess;
#define NVML_NO_VALUE (~0ULL)

typedef struct {
    NvmlBytes total, free, used; /* used: with what the driver reserves */
} NvmlMemory;

typedef struct {
    unsigned version;
    NvmlBytes total, reserved, free, used;
} NvmlMemory2;

typedef struct {
    unsigned version;
    int sensor; /* 0: the GPU's */
    int celsius;
} NvmlTemperature;

typedef struct {
    unsigned version;
    int celsius; /* until the GPU's limit */
} NvmlMargin;

/* Types of a field's value. */
typedef enum { NVML_DOUBLE, NVML_UINT, NVML_ULONG, NVML_ULLONG, NVML_LLONG, NVML_INT, NVML_USHORT } NvmlType;

typedef struct {
    unsigned id, scope;
    long long time, latency;
    int type; /* NvmlType */
    int result;
    union {
        double d;
        unsigned u;
        unsigned long ul;
        unsigned long long ull;
        long long ll;
        int i;
        unsigned short us;
    } value;
} NvmlField;

typedef struct {
    NvmlDevice *device;
    NvmlBytes type, data;
    unsigned gpu_instance, compute_instance;
} NvmlEvent;

/* The version word of a struct: its size and, above, its number. */
#define NVML_VERSION(type, number) ((unsigned)sizeof(type) | (unsigned)(number) << 24)

/* NULL: this driver's library lacks the function. */
typedef struct {
    void *library;
    bool started;
    int (*init)(void);
    int (*shutdown)(void);
    const char *(*error_string)(int result);
    int (*driver_version)(char *version, unsigned size);
    int (*device_count)(unsigned *count);
    int (*device_by_index)(unsigned index, NvmlDevice **device);
    int (*device_by_pci)(const char *address, NvmlDevice **device);
    int (*uuid)(NvmlDevice *device, char *uuid, unsigned size);
    int (*name)(NvmlDevice *device, char *name, unsigned size);
    int (*pci)(NvmlDevice *device, NvmlPci *pci);
    int (*minor)(NvmlDevice *device, unsigned *minor);
    int (*utilization)(NvmlDevice *device, NvmlUtilization *utilization);
    int (*compute_processes)(NvmlDevice *device, unsigned *count, NvmlProcess *list);
    int (*graphics_processes)(NvmlDevice *device, unsigned *count, NvmlProcess *list);
    int (*mps_processes)(NvmlDevice *device, unsigned *count, NvmlProcess *list);
    int (*memory)(NvmlDevice *device, NvmlMemory *memory);
    int (*memory2)(NvmlDevice *device, NvmlMemory2 *memory);
    int (*temperature)(NvmlDevice *device, int sensor, unsigned *celsius);
    int (*temperature2)(NvmlDevice *device, NvmlTemperature *temperature);
    int (*threshold)(NvmlDevice *device, int which, unsigned *celsius);
    int (*margin)(NvmlDevice *device, NvmlMargin *margin);
    int (*power)(NvmlDevice *device, unsigned *milliwatts);
    int (*power_limit)(NvmlDevice *device, unsigned *milliwatts);
    int (*pcie_throughput)(NvmlDevice *device, int counter, unsigned *kilobytes);
    int (*event_reasons)(NvmlDevice *device, NvmlBytes *reasons);
    int (*throttle_reasons)(NvmlDevice *device, NvmlBytes *reasons);
    int (*remapped_rows)(NvmlDevice *device, unsigned *correctable, unsigned *uncorrectable, unsigned *pending,
                         unsigned *failed);
    int (*fields)(NvmlDevice *device, int count, NvmlField *fields);
    int (*event_set)(NvmlEventSet **set);
    int (*event_register)(NvmlDevice *device, NvmlBytes types, NvmlEventSet *set);
    int (*event_wait)(NvmlEventSet *set, NvmlEvent *event, unsigned milliseconds);
    int (*event_free)(NvmlEventSet *set);
} Nvml;

/* NVML's result of a function that may be missing. */
#define NVML_CALL(nvml, function, ...) ((nvml)->function ? (nvml)->function(__VA_ARGS__) : (int)NVML_FUNCTION_NOT_FOUND)

/* False: NVML cannot be used, for the reason `why`. nvml_close() follows either way. */
bool nvml_open(Nvml *nvml, char *why, size_t size);
void nvml_close(Nvml *nvml);
/* What a result means. */
void nvml_explain(const Nvml *nvml, int result, char *text, size_t size);
/* Domain, bus and device of a PCI address: "0000:3b:00.0", "00000000:3B:00.0", "3b:00.0" or "3b:00"; false for other
 * texts. */
bool nvml_read_pci(const char *text, unsigned address[3]);

#endif
