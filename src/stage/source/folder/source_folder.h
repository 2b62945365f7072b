/* SPDX-License-Identifier: Apache-2.0 */
/* Folders of images: train, val and test with a folder for each class, or any tree with a table of labels. */
#ifndef FOVEA_STAGE_SOURCE_FOLDER_H
#define FOVEA_STAGE_SOURCE_FOLDER_H

#include "stage/source/findings.h"
#include "stage/source/source.h"

/* Reads the tables and the tree below options->root; fails as source_aireadi() does. */
Status source_folder(const SourceOptions *options, StageSource *source, Findings *findings) MUST_USE;

#endif
