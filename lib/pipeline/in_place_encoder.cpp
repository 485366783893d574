// SPDX-License-Identifier: MIT
#include "pipeline/in_place_encoder.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "capture/frame_cursor.hpp"
#include "format/recording_note.hpp"

namespace captured::pipeline {

namespace {

using format::packet_block_header_bytes;
namespace option = format::option;

constexpr std::size_t trailer_bytes = 4;
constexpr std::size_t end_mark_bytes = 4;
constexpr std::size_t addresses_bytes = 12;  // a VLAN tag stands behind them
constexpr std::size_t tag_bytes = 4;
constexpr std::size_t custom_option_bytes_min = 8;  // its head and whose it is
constexpr std::size_t options_bytes_max = 8 + 12 + 8 + end_mark_bytes;
/// The gap between two of the kernel's frames, as it nearly always is, is cleared with this one
/// fixed store; the octets before that get options.
constexpr std::size_t gap_cleared_at_once = 48;
/// A longer gap than frames have needs more than an option can hold: it gets a block of its own.
constexpr std::size_t gap_bytes_max = 1024;
static_assert(gap_bytes_max >= options_bytes_max + format::filler_bytes_min);

/// The least place of a packet block behind the beginning of its frame, whatever the frame says;
/// the options of the one before find room in front of it.
constexpr std::size_t block_place_min =
    (capture::tpacket::frame_head_bytes - tag_bytes - packet_block_header_bytes) / 4 * 4;
static_assert(block_place_min >= options_bytes_max + trailer_bytes);

std::byte* store(std::byte* at, std::uint32_t value) noexcept {
  base::store_little(at, value);
  return at + sizeof value;
}

/// A packet block that is open: all but its options and both lengths is written.
struct open_block {
  std::size_t at = 0;        ///< where it begins; 0 when none is open
  std::size_t data_end = 0;  ///< padded
  std::size_t options = 0;   ///< octets of those that it must have, with the end mark
  std::uint32_t packet_flags = 0;
  std::uint64_t dropcount = 0;
};

class in_place_encoder {
 public:
  in_place_encoder(std::span<std::byte> block, const in_place_target& target) noexcept
      : block_(block), target_(target), extras_{target.losses, target.queue} {}

  /// False when the packet finds no room.
  bool add(const packet::packet_view& packet) noexcept;
  void finish(in_place_progress& done) noexcept;
  [[nodiscard]] std::uint64_t losses_left() const noexcept { return extras_.dropcount; }

 private:
  [[nodiscard]] std::size_t lowest_place() const noexcept {
    return open_.at == 0 ? format::filler_bytes_min
                         : open_.data_end + open_.options + trailer_bytes;
  }
  void place(const packet::packet_view& packet, std::size_t at, std::size_t captured,
             bool tagged) noexcept;
  void write_head(std::size_t end) noexcept;
  void close_at(std::size_t end) noexcept;
  void write_options(std::byte* out, std::size_t bytes) noexcept;

  std::span<std::byte> block_;
  const in_place_target& target_;
  format::packet_block_extras extras_;
  open_block open_;
  bool has_statistics_ = false;
};

/// The head takes the place of the kernel's descriptor. Its third word lies on the block's status.
void in_place_encoder::write_head(std::size_t end) noexcept {
  std::size_t head = end;
  if (!target_.statistics.empty() && end >= format::filler_bytes_min + target_.statistics.size()) {
    head -= target_.statistics.size();
    std::copy(target_.statistics.begin(), target_.statistics.end(),
              block_.begin() + static_cast<std::ptrdiff_t>(head));
    has_statistics_ = true;
  }
  std::memset(block_.data() + 12, 0, head - 12);
  format::encode_ring_block_head(block_.data(), head);
}

/// Writes the options that are wanted and fills what is left of `bytes`.
void in_place_encoder::write_options(std::byte* out, std::size_t bytes) noexcept {
  if (bytes == 0) {
    return;
  }
  std::byte* const end = out + bytes;
  if (bytes >= gap_cleared_at_once && bytes <= gap_cleared_at_once + custom_option_bytes_min)
      [[likely]] {
    std::memset(end - gap_cleared_at_once, 0, gap_cleared_at_once);
  } else {
    std::memset(out, 0, bytes);
  }
  if (open_.options != 0) {
    const packet::packet_view of{.packet_flags = open_.packet_flags};
    const format::packet_block_extras extras{.dropcount = open_.dropcount, .queue = extras_.queue};
    out = format::detail::store_options(out, of, extras) - end_mark_bytes;
  }
  const auto rest = static_cast<std::size_t>(end - out) - end_mark_bytes;
  if (rest >= custom_option_bytes_min) {
    const auto value = static_cast<std::uint16_t>(rest - 4);
    out = format::detail::store_option_head(out, option::custom_binary_not_copyable, value);
    store(out, format::private_enterprise_number);
  } else if (rest != 0) {
    format::detail::store_option_head(out, option::comment, 0);
  }
  store(end - end_mark_bytes, option::end_of_options);
}

/// What is open ends at `end`, where the next block begins.
void in_place_encoder::close_at(std::size_t end) noexcept {
  if (open_.at == 0) {
    write_head(end);
    return;
  }
  const std::size_t compact = lowest_place();
  if (end - trailer_bytes - open_.data_end > gap_bytes_max) [[unlikely]] {
    format::encode_filler(block_.data() + compact, end - compact);
    end = compact;
  }
  write_options(block_.data() + open_.data_end, end - trailer_bytes - open_.data_end);
  const auto total = static_cast<std::uint32_t>(end - open_.at);
  store(block_.data() + open_.at + 4, total);
  store(block_.data() + end - trailer_bytes, total);
}

/// Moves what must be moved and writes the packet block's head and padding.
void in_place_encoder::place(const packet::packet_view& packet, std::size_t at,
                             std::size_t captured, bool tagged) noexcept {
  std::byte* const out = block_.data() + at;
  std::byte* const data = out + packet_block_header_bytes;
  const std::byte* from = packet.data.data();
  if (tagged) [[unlikely]] {
    std::byte front[addresses_bytes + tag_bytes];
    std::memcpy(front, from, addresses_bytes);
    base::store_big(front + addresses_bytes, packet.vlan.tpid);
    base::store_big(front + addresses_bytes + 2, packet.vlan.tci);
    std::byte* const rest = data + sizeof front;
    if (captured > sizeof front && rest != from + addresses_bytes) {
      std::memmove(rest, from + addresses_bytes, captured - sizeof front);
    }
    std::memcpy(data, front, std::min(captured, sizeof front));
  } else if (data != from && captured != 0) [[unlikely]] {
    std::memmove(data, from, captured);
  }
  const std::uint32_t original =
      packet.original_length + static_cast<std::uint32_t>(packet.vlan.tpid != 0 ? tag_bytes : 0);
  store(out, format::block_type::enhanced_packet);
  store(out + 8, target_.interface_id);
  store(out + 12, static_cast<std::uint32_t>(packet.timestamp_ns >> 32));
  store(out + 16, static_cast<std::uint32_t>(packet.timestamp_ns));
  store(out + 20, static_cast<std::uint32_t>(captured));
  store(out + 24, std::max(original, static_cast<std::uint32_t>(captured)));
  for (std::size_t i = captured; i % 4 != 0; ++i) {
    data[i] = std::byte{0};
  }
}

bool in_place_encoder::add(const packet::packet_view& packet) noexcept {
  const bool tagged = packet.vlan.tpid != 0 && packet.data.size() >= addresses_bytes;
  const std::size_t captured = format::detail::captured_bytes(packet, target_.snaplen);
  const auto data_at = static_cast<std::size_t>(packet.data.data() - block_.data());
  std::size_t at = (data_at - packet_block_header_bytes - (tagged ? tag_bytes : 0)) / 4 * 4;
  const std::size_t padded = base::align_up<std::size_t>(captured, 4);
  const std::size_t options = format::detail::options_bytes(packet, extras_);
  // The last frame may end so near to the block's end that its options have no room behind it:
  // then it moves down, into its own frame's head.
  const std::size_t end = at + packet_block_header_bytes + padded + options + trailer_bytes;
  if (end > block_.size()) [[unlikely]] {
    const std::size_t excess = end - block_.size();
    if (at < lowest_place() + excess) {
      return false;
    }
    at -= excess;
  }
  assert(at >= lowest_place());
  close_at(at);
  place(packet, at, captured, tagged);
  open_ = {.at = at,
           .data_end = at + packet_block_header_bytes + padded,
           .options = options,
           .packet_flags = packet.packet_flags,
           .dropcount = extras_.dropcount};
  extras_.dropcount = 0;
  return true;
}

/// Closes the last packet block and fills the page.
void in_place_encoder::finish(in_place_progress& done) noexcept {
  if (open_.at == 0) {
    return;
  }
  const std::size_t end = lowest_place();
  done.octets = base::align_up(end, write_alignment);
  done.used = done.octets - end < format::filler_bytes_min ? done.octets : end;
  close_at(done.used);
  if (done.used != done.octets) {
    format::encode_filler(block_.data() + done.used, done.octets - done.used);
  }
  done.has_statistics = has_statistics_;
}

}  // namespace

in_place_progress encode_in_place(std::span<std::byte> block, const in_place_target& target,
                                  std::uint64_t& newest_ns) noexcept {
  CAPTURED_CHECK(!block.empty() && block.size() % write_alignment == 0 && target.snaplen != 0);
  CAPTURED_CHECK(target.statistics.size() % 4 == 0);
  in_place_progress done;
  capture::frame_cursor cursor(block);
  in_place_encoder encoder(block, target);
  std::uint64_t newest = newest_ns;
  // The cursor has read a frame's head, which is where the packet before is closed, before `add`.
  for (packet::packet_view packet; cursor.next(packet);) {
    if (!encoder.add(packet)) [[unlikely]] {
      ++done.damaged;
      break;
    }
    ++done.packets;
    done.captured_octets += packet.data.size();
    done.steps_back += packet.timestamp_ns < newest ? 1u : 0u;
    newest = packet.timestamp_ns;
  }
  newest_ns = newest;
  done.damaged += cursor.remaining();
  done.losses_left = encoder.losses_left();
  encoder.finish(done);
  return done;
}

bool fits_in_place(std::span<const std::byte> block, capture::framing form,
                   const in_place_limits& limits) noexcept {
  const capture::block_head head = capture::read_block_head(block);
  if (form != capture::framing::ethernet || block.size() % write_alignment != 0 ||
      head.packet_count == 0 || head.packet_count > limits.packets_max ||
      head.used_bytes > block.size() ||
      head.first_frame_offset + sizeof(tpacket3_hdr) > head.used_bytes) {
    return false;
  }
  const auto data_offset = base::load_native<std::uint16_t>(block.data() + head.first_frame_offset +
                                                            offsetof(tpacket3_hdr, tp_mac));
  if (data_offset % 4 != 0) {
    return false;  // such frames must be moved, all of them
  }
  const std::uint64_t frames = head.used_bytes - head.first_frame_offset;
  const std::uint64_t per_frame = data_offset + limits.average_packet_min;
  return frames >= head.packet_count * per_frame;
}

}  // namespace captured::pipeline
