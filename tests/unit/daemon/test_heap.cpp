// SPDX-License-Identifier: MIT
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <malloc.h>

#include "daemon/heap.hpp"
#include "support/catch.hpp"
#include "support/forked.hpp"

using namespace captured;

namespace {

constexpr std::size_t large_bytes = std::size_t{1} << 20;
constexpr int threads = 4;

/// What the heaps hold after threads at the same time have each had a large buffer, often.
std::size_t kept_by_heaps() {
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([] {
      for (int times = 0; times < 20; ++times) {
        const auto buffer = std::make_unique<std::byte[]>(large_bytes);
        std::this_thread::yield();
        if (buffer[large_bytes / 2] != std::byte{0}) {
          return;
        }
      }
    });
  }
  for (std::thread& one : running) {
    one.join();
  }
  return ::mallinfo2().arena;
}

}  // namespace

TEST_CASE("large buffers that threads had for a moment go back to the system") {
  CHECK(testing::in_child([] {
          daemon::keep_heap_flat();
          const std::size_t before = ::mallinfo2().arena;
          const std::size_t after = kept_by_heaps();
          return after < before + large_bytes ? std::string("flat")
                                              : std::to_string(after - before) + " octets kept";
        }) == "flat");
}
