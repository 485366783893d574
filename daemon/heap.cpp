// SPDX-License-Identifier: MIT
#include "daemon/heap.hpp"

#include <malloc.h>

namespace captured::daemon {

namespace {

/// What is larger is mapped apart. Set at all, it does not grow with what is freed any more.
constexpr int mapped_bytes_min = 128 * 1024;
/// Heaps of which threads take turns: nothing on the way of a packet allocates.
constexpr int heaps = 2;

}  // namespace

void keep_heap_flat() noexcept {
  ::mallopt(M_MMAP_THRESHOLD, mapped_bytes_min);
  ::mallopt(M_TRIM_THRESHOLD, mapped_bytes_min);
  ::mallopt(M_ARENA_MAX, heaps);
}

}  // namespace captured::daemon
