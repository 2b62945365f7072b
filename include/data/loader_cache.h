/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FOVEA_DATA_LOADER_CACHE_H
#define FOVEA_DATA_LOADER_CACHE_H

/* How records of packs are read; no result depends on it.
 * AUTO: DIRECT when the packs would fill more than half of this machine's memory, else PAGE.
 * PAGE: through the system's page cache.
 * DIRECT: past the page cache, for packs larger than memory.
 * DEVICE: once, into the device's memory, before the first batch; batches then have crops and no samples. Only for
 *     records that are `raw`.
 * PLAIN: as PAGE where files cannot be mapped, by reading them; for tests. */
typedef enum { LOADER_AUTO, LOADER_PAGE, LOADER_DIRECT, LOADER_DEVICE, LOADER_PLAIN } LoaderCache;

#endif
