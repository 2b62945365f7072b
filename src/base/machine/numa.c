/* SPDX-License-Identifier: Apache-2.0 */
#include "base/numa.h"
#include "base/files.h"

#include <stdio.h>
#include <stdlib.h>

/* Opens a file of /sys; takes `path` and the status of printing it. NULL where it is missing. */
static FILE *open_sys(char *path, Status printed) {
    FILE *file = printed ? NULL : fopen(path, "re");
    status_free(printed);
    free(path);
    return file;
}

int numa_node_of_pci(const char *sys, const char *pci) {
    int node = -1;
    char *path;
    Status printed = files_path(&path, "%s/bus/pci/devices/%s/numa_node", sys, pci);
    FILE *file = open_sys(path, printed);
    if (!file)
        return -1;
    if (fscanf(file, "%d", &node) != 1 || node < 0)
        node = -1;
    fclose(file);
    return node;
}

/* "0-55,112-167": true when all of it could be read. */
static bool parse_cores(FILE *file, cpu_set_t *cores) {
    CPU_ZERO(cores);
    for (char separator = ','; separator == ',';) {
        int first, last;
        if (fscanf(file, "%d", &first) != 1)
            return false;
        last = first;
        separator = (char)fgetc(file);
        if (separator == '-') {
            if (fscanf(file, "%d", &last) != 1)
                return false;
            separator = (char)fgetc(file);
        }
        if (first < 0 || last < first)
            return false;
        for (int core = first; core <= last && core < CPU_SETSIZE; core++)
            CPU_SET(core, cores);
    }
    return true;
}

bool numa_cores(const char *sys, int node, const cpu_set_t *allowed, cpu_set_t *cores) {
    char *path;
    if (node < 0)
        return false;
    Status printed = files_path(&path, "%s/devices/system/node/node%d/cpulist", sys, node);
    FILE *file = open_sys(path, printed);
    if (!file)
        return false;
    cpu_set_t all;
    const bool read = parse_cores(file, &all);
    fclose(file);
    if (!read)
        return false;
    CPU_AND(cores, &all, allowed);
    return CPU_COUNT(cores) > 0;
}

void numa_allowed(cpu_set_t *cores) {
    if (sched_getaffinity(0, sizeof *cores, cores) != 0)
        CPU_ZERO(cores);
}

void numa_bind(const char *pci, cpu_set_t *before) {
    cpu_set_t near;
    CPU_ZERO(before);
    if (*pci)
        numa_allowed(before);
    if (!CPU_COUNT(before))
        return;
    if (numa_cores("/sys", numa_node_of_pci("/sys", pci), before, &near))
        (void)!sched_setaffinity(0, sizeof near, &near); /* on failure the thread is only slower */
}

void numa_restore(const cpu_set_t *before) {
    if (CPU_COUNT(before))
        (void)!sched_setaffinity(0, sizeof *before, before);
}
