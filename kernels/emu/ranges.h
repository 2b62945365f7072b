/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FOVEA_EMU_RANGES_H
#define FOVEA_EMU_RANGES_H

namespace emu {
/* Ranges begun so far; *open: how many have not ended, negative when more ended than began. */
unsigned long ranges_count(long *open);
} // namespace emu

#endif
