// SPDX-License-Identifier: MIT
//
// A ring and its journal as a hostile or damaged former life may leave them: they are refused, or
// every block is taken and given back once, and no look leaves the memory.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "capture/ring_catch_up.hpp"
#include "pipeline/block_encoder.hpp"
#include "pipeline/left_off.hpp"
#include "support/scripted_source.hpp"

namespace {

using namespace captured;

constexpr std::uint32_t block_bytes = 4096;
constexpr std::uint32_t block_count = 4;
constexpr std::size_t journal_bytes = 4096;

void produce(test::scripted_source& ring, std::uint32_t packets) {
  for (std::uint32_t i = 0; i < packets; ++i) {
    const auto frame = test::numbered_frame(i, 60);
    ring.produce({.timestamp_ns = i, .data = frame});
  }
  ring.retire();
}

/// A life that has given back two blocks and begun with two, of which one holds what is in files.
/// Returns its journal.
base::unique_fd live(const std::shared_ptr<test::scripted_kernel>& kernel) {
  test::scripted_source ring(kernel, capture::ring_journal::make().value());
  const auto take = [&ring] {
    const auto index = ring.try_take();
    ring.begin(index.value());
    return *index;
  };
  for (const std::uint32_t packets : {3u, 1u, 4u, 1u}) {
    produce(ring, packets);
  }
  ring.release(take());
  ring.release(take());
  static_cast<void>(take());
  static_cast<void>(take());
  produce(ring, 5);
  return base::unique_fd(::fcntl(ring.journal()->fd(), F_DUPFD_CLOEXEC, 0));
}

/// The input is a row of changes: where (16 bits), how many octets (8), the octets.
void damage(std::span<const std::uint8_t> input, int journal, std::span<std::byte> memory) {
  while (input.size() > 3) {
    const std::size_t where =
        (input[0] | std::size_t{input[1]} << 8) % (journal_bytes + memory.size());
    const std::size_t count = std::min<std::size_t>(input[2], input.size() - 3);
    const auto octets = input.subspan(3, count);
    input = input.subspan(3 + count);
    if (where < journal_bytes) {
      static_cast<void>(::pwrite(journal, octets.data(), std::min(count, journal_bytes - where),
                                 static_cast<off_t>(where)));
    } else {
      const std::size_t at = where - journal_bytes;
      std::memcpy(memory.data() + at, octets.data(), std::min(count, memory.size() - at));
    }
  }
}

void take_over(const std::shared_ptr<test::scripted_kernel>& kernel, base::unique_fd memory) {
  auto journal = capture::ring_journal::take_over(std::move(memory));
  if (!journal) {
    return;
  }
  const std::string recording = journal->use().recording.data();
  CAPTURED_CHECK(recording.size() < journal->use().recording.size());
  const auto dealt = pipeline::dealt_with_of(journal->use(), {.stored = 7});
  std::array rings{capture::left_ring_memory{.memory = kernel->memory(),
                                             .progress = journal->progress(),
                                             .drops_total = journal->sums().drops_total}};
  if (!capture::fits_progress(rings[0], block_bytes)) {
    return;
  }
  capture::catch_up(rings, block_bytes, journal->use().turns_before, dealt);
  journal->set_progress(rings[0].progress);

  test::scripted_source next(kernel, std::move(*journal));
  std::uint32_t blocks = 0;
  std::vector<std::byte> room(std::size_t{4} * block_bytes);
  while (const auto index = next.try_take()) {
    CAPTURED_CHECK(++blocks <= block_count);
    next.begin(*index);
    pipeline::block_in_work block(capture::block_lease(next, *index));
    std::uint64_t newest = 0;
    while (!block.encode(room, {.snaplen = 65535}, UINT64_MAX, newest).block_ended) {
    }
  }
  static_cast<void>(next.statistics());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto kernel = std::make_shared<test::scripted_kernel>(
      test::scripted_options{.block_count = block_count, .block_bytes = block_bytes});
  base::unique_fd journal = live(kernel);
  damage({data, size}, journal.get(), kernel->memory());
  take_over(kernel, std::move(journal));
  return 0;
}
