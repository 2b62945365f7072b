/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/keeper/members.h"

#include "base/text.h"
#include "pool/process.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Status members_open(Members *members, const AttemptName *name, int64_t epoch, int64_t keeper) {
    char *path;
    bool found;
    *members = (Members){.keeper = keeper};
    TRY(attempt_lease(name, &path));
    Status status = text_format(&members->lease, "FOVEA_LEASE=%s:%" PRId64, path, epoch);
    free(path);
    TRY(status);
    if (keeper)
        return NULL;
    TRY(attempt_file(name, "alive", &path));
    members->alive = realpath(path, NULL); /* as /proc names it; NULL: no job was started */
    free(path);
    TRY(attempt_get_first(name, &members->first, &found));
    if (!found)
        members->first = (Process){0};
    return NULL;
}

void members_close(Members *members) {
    free(members->lease);
    free(members->alive);
    *members = (Members){0};
}

bool members_has(const Members *members, int64_t pid) {
    Process process;
    for (int64_t at = pid; at > 1 && process_read(at, &process); at = process.parent) {
        if (at == members->keeper || (at == pid && process.dead))
            return at != pid;
        if (process_has_variable(at, members->lease))
            return true;
    }
    return false;
}

static Status mark_holder(void *context, int64_t pid, const char *path) {
    (void)path;
    const MemberTable *read = context;
    const int64_t at = process_table_find(&read->table, pid);
    if (at >= 0)
        read->member[at] = MEMBER_MARKED;
    return NULL;
}

static MemberKind kind_of_parent(const Members *members, const MemberTable *read, int64_t parent) {
    const int64_t at = process_table_find(&read->table, parent);
    return members->keeper && parent == members->keeper ? MEMBER_DESCENDANT : at >= 0 ? read->member[at] : MEMBER_NONE;
}

/* Children of members are members, until there are no more. A child may have a lower number than its parent. */
static void mark_children(const Members *members, MemberTable *read) {
    for (bool more = true; more;) {
        more = false;
        for (int64_t i = 0; i < read->table.count; i++) {
            const MemberKind kind = kind_of_parent(members, read, read->table.list[i].parent);
            if (kind > read->member[i]) {
                read->member[i] = kind;
                more = true;
            }
        }
    }
}

static void mark_members(const Members *members, MemberTable *read) {
    const ProcessTable *table = &read->table;
    const int64_t first = process_table_find(table, members->first.pid);
    if (first >= 0 && table->list[first].start == members->first.start)
        read->member[first] = MEMBER_DESCENDANT;
    mark_children(members, read);
    for (int64_t i = 0; i < table->count; i++)
        if (!read->member[i] && !table->list[i].dead && process_has_variable(table->list[i].pid, members->lease))
            read->member[i] = MEMBER_MARKED;
    mark_children(members, read);
    for (int64_t i = 0; i < table->count; i++) {
        const Process *process = &table->list[i];
        if (process->dead || process->pid == members->keeper || process->pid == getpid())
            read->member[i] = MEMBER_NONE;
    }
}

Status members_read(const Members *members, MemberTable *read) {
    *read = (MemberTable){0};
    TRY(process_table_read(&read->table));
    read->member = calloc((size_t)read->table.count + 1, sizeof *read->member);
    if (!read->member)
        return status_no_memory("the list of processes", (unsigned long long)read->table.count);
    if (members->alive) {
        int hidden;
        TRY(process_each_open(members->alive, mark_holder, read, &hidden));
    }
    mark_members(members, read);
    return NULL;
}

void members_free(MemberTable *read) {
    process_table_free(&read->table);
    free(read->member);
    *read = (MemberTable){0};
}

/* With the group of a descendant those go that it forks at this moment. A job without a terminal is in the keeper's
 * session, and may join its group. */
int64_t members_kill(const MemberTable *read) {
    int64_t count = 0;
    for (int64_t i = 0; i < read->table.count; i++) {
        const Process *process = &read->table.list[i];
        Process now;
        if (!read->member[i])
            continue;
        count++;
        if (read->member[i] == MEMBER_DESCENDANT && process->group > 1 && process->group != getpgrp() &&
            process_read(process->pid, &now) && now.start == process->start && now.group == process->group)
            kill((pid_t)-process->group, SIGKILL);
        process_signal(process, SIGKILL);
    }
    return count;
}
