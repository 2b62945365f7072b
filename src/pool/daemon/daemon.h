/* SPDX-License-Identifier: Apache-2.0 */
/* The pool's daemon: one thread around one poll(2). It alone has the database open; clients, keepers and the reader of
 * gauges reach it through descriptors, and nothing that they do or leave undone makes it wait. */
#ifndef FOVEA_POOL_DAEMON_DAEMON_H
#define FOVEA_POOL_DAEMON_DAEMON_H

#include "base/status.h"

/* Serves the pool in `folder` (absolute; made if it is not there) by the rule at `rule`; NULL: rule.ini of the folder,
 * or the default one. Returns after SIGTERM, SIGINT or SIGHUP; jobs run on. EXIT_REFUSED: another daemon serves it. */
Status daemon_run(const char *folder, const char *rule) MUST_USE;

#endif
