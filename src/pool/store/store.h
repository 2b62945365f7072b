/* SPDX-License-Identifier: Apache-2.0 */
/* The database: the truth and the history of a pool. One process has it open. What belongs together is written between
 * store_begin() and store_commit(); only then anything in the world is changed, so that a process that is killed at any
 * point finds on its next start what it had promised. SQLite in WAL mode with synchronous = FULL; ":memory:" for
 * simulations.
 *
 * A failure is EXIT_IO with the database's path (disk full, read-only, locked by another process), EXIT_DATA for a
 * damaged or newer one, naming the backup. */
#ifndef FOVEA_POOL_STORE_STORE_H
#define FOVEA_POOL_STORE_STORE_H

#include "base/status.h"
#include "pool/gpu.h"
#include "pool/job.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Store Store;

/* Opens or creates `path`, mode 0600. An older schema is backed up beside as PATH.vN.bak and upgraded in place; a
 * damaged one is left alone, EXIT_DATA naming the newest backup. A backup is also made once a day, by store_backup().
 */
Status store_open(Store **store, const char *path) MUST_USE;
void store_close(Store *store);
/* Copies the database to PATH.bak, atomically. */
Status store_backup(Store *store) MUST_USE;

/* Transactions do not nest. A failure inside is kept: store_commit() then rolls back and returns it. */
Status store_begin(Store *store) MUST_USE;
Status store_commit(Store *store) MUST_USE;
void store_rollback(Store *store);

/* Jobs. store_add_job() sets job->id. store_put_job() writes what changes while a job lives: not the request. */
Status store_add_job(Store *store, Job *job) MUST_USE;
Status store_put_job(Store *store, const Job *job) MUST_USE;
/* *found false: no such job. Free with job_free(). */
Status store_get_job(Store *store, int64_t id, Job *job, bool *found) MUST_USE;

typedef Status (*StoreTakeJob)(void *context, const Job *job);
/* Jobs in ascending order of their number: those that have not ended, or all; without their requests unless
 * `requests`. */
Status store_each_job(Store *store, bool ended, bool requests, StoreTakeJob take, void *context) MUST_USE;
/* How many jobs of each state there are. */
Status store_count_jobs(Store *store, int64_t counts[JOB_STATES]) MUST_USE;
/* Median seconds of attempts of jobs that were done, the newest 100 of them; NAN: none. */
Status store_usual_seconds(Store *store, double *seconds) MUST_USE;

/* Attempts: (job, number) names one. */
Status store_put_attempt(Store *store, const Attempt *attempt) MUST_USE;
typedef Status (*StoreTakeAttempt)(void *context, const Attempt *attempt);
/* Those of a job, or of all (0), in the order of (job, number); `open`: only those that have not ended. */
Status store_each_attempt(Store *store, int64_t job, bool open, StoreTakeAttempt take, void *context) MUST_USE;

/* Leases. Taking a GPU that is leased fails with EXIT_INTERNAL, whatever the caller believes: a unique index. */
Status store_take_lease(Store *store, int gpu, int64_t job, int64_t epoch) MUST_USE;
Status store_drop_lease(Store *store, int gpu) MUST_USE;
typedef Status (*StoreTakeLease)(void *context, int gpu, int64_t job, int64_t epoch);
Status store_each_lease(Store *store, StoreTakeLease take, void *context) MUST_USE;
/* The number of the next lease, which is then used up. */
Status store_next_epoch(Store *store, int64_t *epoch) MUST_USE;

/* The ledger. store_put_ledger() ends the GPU's open line at line->from, unless there is none, and starts this one. */
Status store_put_ledger(Store *store, const LedgerLine *line) MUST_USE;
typedef Status (*StoreTakeLedger)(void *context, const LedgerLine *line);
/* In the order of (from, gpu), of all GPUs. */
Status store_each_ledger(Store *store, StoreTakeLedger take, void *context) MUST_USE;
/* The open line of a GPU; *found false: none. */
Status store_open_ledger(Store *store, int gpu, LedgerLine *line, bool *found) MUST_USE;
/* GPU-seconds of each kind from `from` on, open lines up to `now`, of the GPUs given. */
Status store_sum_ledger(Store *store, const int *gpus, int count, double from, double now,
                        double seconds[LEDGER_WHATS]) MUST_USE;
/* GPU-seconds at work of all attempts from `from` on. */
Status store_sum_busy(Store *store, double from, double *seconds) MUST_USE;

/* Looks are kept until there are more than STORE_LOOKS, then the oldest go. */
enum { STORE_LOOKS = 200000 };
Status store_add_look(Store *store, const LookRound *round) MUST_USE;
typedef Status (*StoreTakeLook)(void *context, const LookRound *round);
Status store_each_look(Store *store, StoreTakeLook take, void *context) MUST_USE;

/* What was done, by whom: `what` is the object ("job 7", "gpu 3", "filler"), `detail` a sentence or "". */
typedef struct {
    double time;
    int64_t uid; /* -1: the pool itself */
    const char *user, *action, *what, *detail;
} AuditLine;
Status store_add_audit(Store *store, const AuditLine *line) MUST_USE;
typedef Status (*StoreTakeAudit)(void *context, const AuditLine *line);
Status store_each_audit(Store *store, StoreTakeAudit take, void *context) MUST_USE;

/* Small facts by name: "filler", "seen" (when the daemon last lived), "baseline GPU-5d1b" ... Reals of 17 digits. The
 * names are those of the room that writes them. */
Status store_put_fact(Store *store, const char *name, double value) MUST_USE;
Status store_put_fact_text(Store *store, const char *name, const char *value) MUST_USE;
/* NAN, "" (the caller's): there is none. */
Status store_get_fact(Store *store, const char *name, double *value) MUST_USE;
Status store_get_fact_text(Store *store, const char *name, char **value) MUST_USE;

#endif
