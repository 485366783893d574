// SPDX-License-Identifier: MIT
//
// How the C library keeps memory that was freed. Not for memory of rings and writes, which is taken
// at the start and kept.
#pragma once

namespace captured::daemon {

/// What is allocated for a moment now and then (the buffer of a repair, a status of many
/// interfaces) goes back to the system when it is freed. Else the library takes such a size for the
/// usual one, and keeps so much for each thread that ever had it. To be called before there are
/// other threads.
void keep_heap_flat() noexcept;

}  // namespace captured::daemon
