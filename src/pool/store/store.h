/* SPDX-License-Identifier: Apache-2.0 */
/* The database: the truth and the history of a pool. One process has it open. What belongs together is written between
 * store_begin() and store_commit(); only then anything in the world is changed, so that a process that is killed at any
 * point finds on its next start what it had promised. SQLite in WAL mode with synchronous = FULL; ":memory:" for
 * simulations.
 *
 * A failure is EXIT_IO with the database's path (disk full, read-only, locked by another process), EXIT_DATA for a
 * damaged or newer one, naming the backup. A failed call outside a transaction has changed nothing.
 *
 * What callbacks get is theirs until they return. They may read and write other rows, and end early by a failure. */
#ifndef FOVEA_POOL_STORE_STORE_H
#define FOVEA_POOL_STORE_STORE_H

#include "pool/database/database.h"
#include "pool/store/store_attempts.h"
#include "pool/store/store_audit.h"
#include "pool/store/store_facts.h"
#include "pool/store/store_jobs.h"
#include "pool/store/store_leases.h"
#include "pool/store/store_ledger.h"
#include "pool/store/store_looks.h"

#endif
