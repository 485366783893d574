// SPDX-License-Identifier: MIT
#include "support/scripted_source.hpp"

#include <algorithm>
#include <utility>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "capture/frame_cursor.hpp"
#include "capture/ring_catch_up.hpp"

namespace captured::test {
namespace {

constexpr std::size_t status_offset = 8;
constexpr std::size_t status_end = 12;
constexpr std::uint16_t experimental_ethertype = 0x88b5;
constexpr std::size_t number_offset = 14;
constexpr std::size_t number_end = 18;

std::byte pattern(std::uint32_t number, std::size_t position) {
  return static_cast<std::byte>(number * 31 + position);
}

}  // namespace

scripted_source::scripted_source(const scripted_options& options)
    : scripted_source(std::make_shared<scripted_kernel>(options)) {}

scripted_source::scripted_source(std::shared_ptr<scripted_kernel> kernel)
    : block_ring(kernel->memory(), kernel->options().block_bytes), kernel_(std::move(kernel)) {}

scripted_source::scripted_source(std::shared_ptr<scripted_kernel> kernel,
                                 capture::ring_journal journal, const life& of)
    : block_ring(kernel->memory(), kernel->options().block_bytes, journal),
      kernel_(std::move(kernel)),
      journal_(std::move(journal)),
      turns_(std::max(journal_->use().turns_before,
                      capture::newest_turn(kernel_->memory(), kernel_->options().block_bytes))),
      life_(of) {}

bool scripted_source::is_over() const {
  return life_ && life_();
}

void scripted_source::begin(std::uint32_t index) noexcept {
  if (journal_ && !is_over()) {
    capture::note_turn(block_memory(index), ++turns_);
  }
}

void scripted_source::release(std::uint32_t index) noexcept {
  if (is_over()) {
    return;
  }
  if (journal_) {
    const capture::block_head head = capture::read_block_head(block_memory(index));
    journal_->note_given_back(head.sequence, head.packet_count, losses_before(index));
    if (is_over()) {
      return;
    }
  }
  const auto memory = block_memory(index);
  std::fill_n(memory.begin(), status_offset, poison);
  std::fill(memory.begin() + status_end, memory.end(), poison);
  ++releases_;
  block_ring::release(index);
}

capture::producer_counters scripted_source::read_counters() noexcept {
  if (!journal_) {
    ++counter_reads_;
    return kernel_->read_counters();
  }
  if (is_over()) {
    return {};
  }
  ++counter_reads_;
  capture::counted_by_kernel& room = journal_->room_for_counters();
  if (is_over()) {
    return {};
  }
  const capture::producer_counters growth = kernel_->read_counters();
  room = {.packets = growth.packets, .drops = growth.drops, .freezes = growth.freezes};
  if (!is_over()) {
    journal_->add_counted();
  }
  return growth;
}

std::vector<std::byte> numbered_frame(std::uint32_t number, std::size_t byte_count) {
  CAPTURED_CHECK(byte_count >= number_end);
  std::vector<std::byte> frame(byte_count, std::byte{0x02});  // addresses of local meaning
  base::store_big<std::uint16_t>(frame.data() + 12, experimental_ethertype);
  base::store_big<std::uint32_t>(frame.data() + number_offset, number);
  for (std::size_t i = number_end; i < byte_count; ++i) {
    frame[i] = pattern(number, i);
  }
  return frame;
}

std::optional<std::uint32_t> number_of(std::span<const std::byte> frame) {
  if (frame.size() < number_end ||
      base::load_big<std::uint16_t>(frame.data() + 12) != experimental_ethertype) {
    return std::nullopt;
  }
  const auto number = base::load_big<std::uint32_t>(frame.data() + number_offset);
  for (std::size_t i = number_end; i < frame.size(); ++i) {
    if (frame[i] != pattern(number, i)) {
      return std::nullopt;
    }
  }
  return number;
}

}  // namespace captured::test
