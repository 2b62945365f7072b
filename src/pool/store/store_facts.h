/* SPDX-License-Identifier: Apache-2.0 */
/* Small facts by name: "filler", "seen" (when the daemon last lived), "baseline GPU-5d1b" ... The names are those of
 * the room that writes them. */
#ifndef FOVEA_POOL_STORE_STORE_FACTS_H
#define FOVEA_POOL_STORE_STORE_FACTS_H

#include "pool/database/database.h"

/* A name has one value, a number or a text. */
Status store_put_fact(Store *store, const char *name, double value) MUST_USE;
Status store_put_fact_text(Store *store, const char *name, const char *value) MUST_USE;
/* NAN, "" (the caller's): there is none, or one of the other kind. */
Status store_get_fact(Store *store, const char *name, double *value) MUST_USE;
Status store_get_fact_text(Store *store, const char *name, char **value) MUST_USE;

#endif
