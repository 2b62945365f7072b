/* SPDX-License-Identifier: Apache-2.0 */
/* History: the ledger, the looks and the audit, an object a line, oldest first. */
#ifndef FOVEA_POOL_ANSWER_ANSWER_LINES_H
#define FOVEA_POOL_ANSWER_ANSWER_LINES_H

#include "base/json.h"
#include "pool/answer/answer.h"
#include "pool/store/store.h"

/* Lines that go on end at `now`. */
Status answer_ledger(Store *store, double now, FILE *out) MUST_USE;
Status answer_looks(Store *store, FILE *out) MUST_USE;
/* What others did is without its details: they name commands. */
Status answer_audit(const AnswerSource *source, const Caller *caller, FILE *out) MUST_USE;

/* The object of one line. */
void answer_ledger_line(const LedgerLine *line, double now, Json *json);
void answer_look_line(const LookRound *round, Json *json);

#endif
