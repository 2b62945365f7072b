/* SPDX-License-Identifier: Apache-2.0 */
#include "train/device_lost.h"

#include "checkpoint/files.h"

#include <stdlib.h>

Status device_lost(Status ending, const char *path, const char *checkpoints) {
    CheckpointEntry *entries = NULL;
    int count = 0;
    if (status_code(ending) != EXIT_MISSING)
        return ending;
    status_free(checkpoint_list(checkpoints, &entries, &count));
    Status told = count ? status_error(EXIT_MISSING,
                                       "%s; the newest checkpoint is %s/%s: when the GPU works again, `./train "
                                       "%s/config.ini --resume` goes on from there",
                                       status_message(ending), checkpoints, entries[0].name, path)
                        : status_error(EXIT_MISSING,
                                       "%s; no checkpoint was written yet: the run in %s has to start anew (--force)",
                                       status_message(ending), path);
    free(entries);
    status_free(ending);
    return told;
}
