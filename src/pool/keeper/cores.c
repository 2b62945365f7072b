/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/keeper/cores.h"

#include "base/files.h"
#include "base/numa.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Cores, and the GPUs that share them. */
typedef struct {
    cpu_set_t cores;
    int members[POOL_GPUS]; /* [count] */
    int count;
} CoreGroup;

typedef struct {
    CoreGroup groups[POOL_GPUS + 1]; /* [count] */
    int count;
} CoreGroups;

static CoreGroup *find_group(CoreGroups *groups, const cpu_set_t *cores) {
    for (int i = 0; i < groups->count; i++)
        if (CPU_EQUAL(&groups->groups[i].cores, cores))
            return &groups->groups[i];
    CoreGroup *group = &groups->groups[groups->count++];
    *group = (CoreGroup){.cores = *cores};
    return group;
}

static void add_member(CoreGroup *group, int gpu) {
    group->members[group->count++] = gpu;
}

/* That in which a further member would get the most. */
static CoreGroup *roomiest_group(CoreGroups *groups) {
    CoreGroup *best = &groups->groups[0];
    for (int i = 1; i < groups->count; i++) {
        CoreGroup *group = &groups->groups[i];
        if (CPU_COUNT(&group->cores) * (best->count + 1) > CPU_COUNT(&best->cores) * (group->count + 1))
            best = group;
    }
    return best;
}

/* The lowest number among the threads of that core; its own where it is not known. */
static int first_thread(const char *sys, int core) {
    int first = core;
    char *path;
    Status failure = files_path(&path, "%s/devices/system/cpu/cpu%d/topology/thread_siblings_list", sys, core);
    FILE *file = failure ? NULL : fopen(path, "re");
    if (file && fscanf(file, "%d", &first) != 1)
        first = core;
    if (file)
        fclose(file);
    free(path);
    status_free(failure);
    return first;
}

typedef struct {
    int first, core;
} CorePlace;

static int compare_places(const void *a, const void *b) {
    const CorePlace *left = a, *right = b;
    return left->first != right->first ? left->first - right->first : left->core - right->core;
}

/* Each member gets a stretch, with the threads of a core side by side. */
static void share_group(const char *sys, const CoreGroup *group, cpu_set_t *shares) {
    CorePlace places[CPU_SETSIZE];
    int cores = 0;
    for (int core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET(core, &group->cores))
            places[cores++] = (CorePlace){first_thread(sys, core), core};
    qsort(places, (size_t)cores, sizeof *places, compare_places);
    for (int i = 0; i < group->count && cores; i++) {
        const int from = i * cores / group->count, to = (i + 1) * cores / group->count;
        for (int at = from; at < to || at == from; at++)
            CPU_SET(places[at].core, &shares[group->members[i]]);
    }
}

void cores_share(const char *sys, const cpu_set_t *allowed, const char *const *pci, int count,
                 cpu_set_t shares[POOL_GPUS]) {
    CoreGroups groups = {.count = 0};
    cpu_set_t rest = *allowed, near;
    bool known[POOL_GPUS] = {false};
    for (int i = 0; i < count; i++) {
        CPU_ZERO(&shares[i]);
        known[i] = *pci[i] && numa_cores(sys, numa_node_of_pci(sys, pci[i]), allowed, &near);
        if (!known[i])
            continue;
        add_member(find_group(&groups, &near), i);
        for (int core = 0; core < CPU_SETSIZE; core++)
            if (CPU_ISSET(core, &near))
                CPU_CLR(core, &rest);
    }
    const bool left = CPU_COUNT(&rest) > 0;
    for (int i = 0; i < count; i++)
        if (left)
            add_member(find_group(&groups, &rest), i);
        else if (!known[i] && groups.count)
            add_member(roomiest_group(&groups), i);
    for (int i = 0; i < groups.count; i++)
        share_group(sys, &groups.groups[i], shares);
}

int cores_list(const cpu_set_t *shares, const int *indices, int count, int cores[CPU_SETSIZE]) {
    cpu_set_t all;
    int found = 0;
    CPU_ZERO(&all);
    for (int i = 0; i < count; i++)
        CPU_OR(&all, &all, &shares[indices[i]]);
    for (int core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET(core, &all))
            cores[found++] = core;
    return found;
}
