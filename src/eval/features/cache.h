/* SPDX-License-Identifier: Apache-2.0 */
/* Features in files: kept beside a run, so that they are computed once, and written for other programs. The file is
 * HDF5 with a row for each record, in the order of the packs:
 *
 *   features [records][width] float32, NaN where the record cannot be read
 *   record   [records] int64, its number in its pack
 *   dataset, split [records] text
 *   source, person [records] text; not of licensed packs
 *
 * and as attributes what the features depend on: `weights` (SHA-256), `data` (the records' hash) and `view`, beside
 * `format`, `version` and `encoder`. */
#ifndef FOVEA_EVAL_CACHE_H
#define FOVEA_EVAL_CACHE_H

#include "eval/features/extract.h"

/* The features of all records of packs: from the encoder's file of them in `folder`, else computed and written there.
 * NULL, and those of a folder of images: computed. A file that cannot be written is warned about on `out`. EXIT_DATA
 * for a file in that place that is damaged or has the features of other weights, data or views. */
Status features_get(Encoder *encoder, const Records *records, const FeatureOptions *options, const char *folder,
                    FILE *out, Features *features) MUST_USE;

/* Where an encoder's features are kept, the caller's: RUN/eval, or runs/eval for weights of no run. */
Status features_folder(const Encoder *encoder, char **folder) MUST_USE;

/* Writes those of packs to `path`, whole or not at all. Licensed packs list the file first (derived.tsv). EXIT_IO. */
Status features_write(const char *path, const Encoder *encoder, const Records *records, const FeatureOptions *options,
                      const Features *features) MUST_USE;
/* Reads them back. EXIT_DATA when the file is damaged or has features of other weights, data or views. */
Status features_read(const char *path, const Encoder *encoder, const Records *records, const FeatureOptions *options,
                     Features *features) MUST_USE;

#endif
