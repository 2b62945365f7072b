/* SPDX-License-Identifier: Apache-2.0 */
/* Which processes belong to an attempt: those that descend from its keeper or its first process, those with its lease
 * in their environment, and, when there is no keeper to descend from, those that hold the descriptor which all of them
 * inherit. A process that closed it, cleared its environment and lost its parents after its keeper is not recognised.
 */
#ifndef FOVEA_POOL_KEEPER_MEMBERS_H
#define FOVEA_POOL_KEEPER_MEMBERS_H

#include "pool/keeper/attempt_files.h"

typedef struct {
    char *lease;    /* "FOVEA_LEASE=STATE/leases/JOB:EPOCH" */
    char *alive;    /* the inherited descriptor's file; NULL: there is a keeper */
    int64_t keeper; /* 0: there is none */
    Process first;  /* pid 0: not known */
} Members;

/* `keeper` 0: none lives. Close in either case. */
Status members_open(Members *members, const AttemptName *name, int64_t epoch, int64_t keeper) MUST_USE;
void members_close(Members *members);

/* Whether a process is a member, where a keeper lives: by its ancestors, so that a few are found without a look at all.
 */
bool members_has(const Members *members, int64_t pid);

/* How a process is known. Only a descendant's group and session are the attempt's alone: another may have been handed
 * the environment, and be in a group with a user's other processes. */
typedef enum { MEMBER_NONE, MEMBER_MARKED, MEMBER_DESCENDANT } MemberKind;

/* A table of all processes, and which of them are living members: neither the keeper nor this process is one. Free
 * with members_free() either way. */
typedef struct {
    ProcessTable table;
    MemberKind *member; /* [table.count] */
} MemberTable;
Status members_read(const Members *members, MemberTable *read) MUST_USE;
void members_free(MemberTable *read);
/* Kills the members of the table, and returns how many there were. */
int64_t members_kill(const MemberTable *read);

#endif
