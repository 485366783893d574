// SPDX-License-Identifier: MIT
#include "format/pcapng_parse.hpp"

#include <algorithm>
#include <string>

#include "format/pcapng_codes.hpp"

namespace captured::format {
namespace {

base::failure damaged(const block_view& block, std::string detail) {
  return base::invalid_input("block at offset " + std::to_string(block.offset), std::move(detail));
}

/// Takes options into the members of a block, under the rules of the header comment.
class option_taker {
 public:
  option_taker(byte_order order, std::uint64_t& left_out) : order_(order), left_out_(left_out) {}

  [[nodiscard]] byte_order order() const noexcept { return order_; }

  void text(std::optional<std::string>& member, std::span<const std::byte> value) {
    once(member, true, [&] { return as_text(value); });
  }
  template <std::unsigned_integral T>
  void number(std::optional<T>& member, std::span<const std::byte> value) {
    once(member, value.size() == sizeof(T), [&] { return load<T>(value.data(), order_); });
  }
  void ticks(std::optional<std::uint64_t>& member, std::span<const std::byte> value) {
    once(member, value.size() == 8, [&] { return load_ticks(value.data(), order_); });
  }
  template <std::size_t size>
  void octets(std::optional<std::array<std::uint8_t, size>>& member,
              std::span<const std::byte> value) {
    once(member, value.size() == size, [&] { return as_array<size>(value); });
  }
  template <std::size_t size>
  void octets(std::vector<std::array<std::uint8_t, size>>& members,
              std::span<const std::byte> value) {
    if (value.size() == size) {
      members.push_back(as_array<size>(value));
    } else {
      ++left_out_;
    }
  }
  /// Options that any block may have, and those that are not known.
  template <class Block>
  void any(Block& block, const option_view& found) {
    switch (found.code) {
      case option::comment:
        block.comments.push_back(as_text(found.value));
        break;
      case option::custom_text_copyable:
      case option::custom_binary_copyable:
      case option::custom_text_not_copyable:
      case option::custom_binary_not_copyable:
        if (found.value.size() < 4) {
          ++left_out_;
          break;
        }
        block.custom.push_back({.code = found.code,
                                .pen = load<std::uint32_t>(found.value.data(), order_),
                                .value = {found.value.begin() + 4, found.value.end()}});
        break;
      default:
        block.unknown.push_back({.code = found.code,
                                 .value = {found.value.begin(), found.value.end()},
                                 .order = order_});
    }
  }

 private:
  template <class T, class Make>
  void once(std::optional<T>& member, bool well_formed, Make make) {
    if (well_formed && !member) {
      member = make();
    } else {
      ++left_out_;
    }
  }
  /// Strings end before the first zero octet, which some writers count in.
  static std::string as_text(std::span<const std::byte> value) {
    const auto end = std::find(value.begin(), value.end(), std::byte{0});
    return {reinterpret_cast<const char*>(value.data()),
            static_cast<std::size_t>(end - value.begin())};
  }
  template <std::size_t size>
  static std::array<std::uint8_t, size> as_array(std::span<const std::byte> value) {
    std::array<std::uint8_t, size> array{};
    std::transform(value.begin(), value.end(), array.begin(),
                   [](std::byte octet) { return std::to_integer<std::uint8_t>(octet); });
    return array;
  }

  byte_order order_;
  std::uint64_t& left_out_;
};

/// Hands each option behind the fixed part to `take`.
template <class Take>
void take_options(const block_view& block, std::size_t fixed_bytes, std::uint64_t& left_out,
                  Take take) {
  option_cursor cursor(block.body.subspan(fixed_bytes), block.order);
  option_view found;
  // What a block has is kept as values, each far larger than an empty option.
  constexpr std::size_t options_max = 65536;
  std::size_t count = 0;
  while (cursor.next(found)) {
    if (++count <= options_max) {
      take(found);
    } else {
      ++left_out;
    }
  }
  left_out += cursor.damaged() ? 1u : 0u;
}

/// if_filter: only text is understood; other kinds are kept whole.
void take_filter(interface_description_block& block, const option_view& found, byte_order order) {
  const bool is_text = !found.value.empty() && found.value[0] == std::byte{filter_kind_text};
  if (is_text && !block.filter) {
    const auto text = found.value.subspan(1);
    block.filter = std::string(reinterpret_cast<const char*>(text.data()), text.size());
  } else {
    block.unknown.push_back(
        {.code = found.code, .value = {found.value.begin(), found.value.end()}, .order = order});
  }
}

/// Members whose absence is not kept in the block itself, until all options are seen.
struct interface_times {
  std::optional<std::uint8_t> tsresol;
  std::optional<std::uint64_t> tsoffset;
};

void take_interface_option(interface_description_block& to, interface_times& times,
                           option_taker& taker, const option_view& found) {
  switch (found.code) {
    case option::if_name:
      return taker.text(to.name, found.value);
    case option::if_description:
      return taker.text(to.description, found.value);
    case option::if_ipv4_address:
      return taker.octets(to.ipv4_addresses, found.value);
    case option::if_ipv6_address:
      return taker.octets(to.ipv6_addresses, found.value);
    case option::if_mac_address:
      return taker.octets(to.mac_address, found.value);
    case option::if_eui_address:
      return taker.octets(to.eui_address, found.value);
    case option::if_speed:
      return taker.number(to.speed, found.value);
    case option::if_tsresol:
      return taker.number(times.tsresol, found.value);
    case option::if_filter:
      return take_filter(to, found, taker.order());
    case option::if_os:
      return taker.text(to.os, found.value);
    case option::if_fcslen:
      return taker.number(to.fcs_bits, found.value);
    case option::if_tsoffset:
      return taker.number(times.tsoffset, found.value);
    case option::if_hardware:
      return taker.text(to.hardware, found.value);
    case option::if_txspeed:
      return taker.number(to.transmit_speed, found.value);
    case option::if_rxspeed:
      return taker.number(to.receive_speed, found.value);
    case option::if_iana_tzname:
      return taker.text(to.time_zone, found.value);
    default:
      return taker.any(to, found);
  }
}

void take_statistics_option(interface_statistics_block& to, option_taker& taker,
                            const option_view& found) {
  switch (found.code) {
    case option::isb_starttime:
      return taker.ticks(to.start_time, found.value);
    case option::isb_endtime:
      return taker.ticks(to.end_time, found.value);
    case option::isb_ifrecv:
      return taker.number(to.received, found.value);
    case option::isb_ifdrop:
      return taker.number(to.dropped, found.value);
    case option::isb_filteraccept:
      return taker.number(to.filter_accept, found.value);
    case option::isb_osdrop:
      return taker.number(to.os_drop, found.value);
    case option::isb_usrdeliv:
      return taker.number(to.user_deliver, found.value);
    default:
      return taker.any(to, found);
  }
}

}  // namespace

base::result<section_header_block> parse_section_header(const block_view& block,
                                                        std::uint64_t& options_left_out) {
  constexpr std::size_t fixed_bytes = 16;
  if (block.body.size() < fixed_bytes) {
    return damaged(block, "the section header is too short");
  }
  const auto major = load<std::uint16_t>(block.body.data() + 4, block.order);
  const auto minor = load<std::uint16_t>(block.body.data() + 6, block.order);
  if (major != 1 || (minor != 0 && minor != 2)) {
    return damaged(block, "version " + std::to_string(major) + "." + std::to_string(minor) +
                              " of the format is not known");
  }
  section_header_block to;
  to.section_length =
      static_cast<std::int64_t>(load<std::uint64_t>(block.body.data() + 8, block.order));
  option_taker taker(block.order, options_left_out);
  take_options(block, fixed_bytes, options_left_out, [&](const option_view& found) {
    switch (found.code) {
      case option::shb_hardware:
        return taker.text(to.hardware, found.value);
      case option::shb_os:
        return taker.text(to.os, found.value);
      case option::shb_userappl:
        return taker.text(to.application, found.value);
      default:
        return taker.any(to, found);
    }
  });
  return to;
}

base::result<interface_description_block> parse_interface_description(
    const block_view& block, std::uint64_t& options_left_out) {
  constexpr std::size_t fixed_bytes = 8;
  constexpr std::uint8_t tsresol_when_absent = 6;
  if (block.body.size() < fixed_bytes) {
    return damaged(block, "the interface description is too short");
  }
  interface_description_block to;
  to.link = packet::link_type{load<std::uint16_t>(block.body.data(), block.order)};
  to.snaplen = load<std::uint32_t>(block.body.data() + 4, block.order);
  interface_times times;
  option_taker taker(block.order, options_left_out);
  take_options(block, fixed_bytes, options_left_out,
               [&](const option_view& found) { take_interface_option(to, times, taker, found); });
  to.tsresol = times.tsresol.value_or(tsresol_when_absent);
  if (times.tsoffset) {
    to.tsoffset = static_cast<std::int64_t>(*times.tsoffset);
  }
  return to;
}

base::result<interface_statistics_block> parse_interface_statistics(
    const block_view& block, std::uint64_t& options_left_out) {
  constexpr std::size_t fixed_bytes = 12;
  if (block.body.size() < fixed_bytes) {
    return damaged(block, "the interface statistics are too short");
  }
  interface_statistics_block to;
  to.interface_id = load<std::uint32_t>(block.body.data(), block.order);
  to.timestamp = load_ticks(block.body.data() + 4, block.order);
  option_taker taker(block.order, options_left_out);
  take_options(block, fixed_bytes, options_left_out,
               [&](const option_view& found) { take_statistics_option(to, taker, found); });
  return to;
}

base::result<custom_block> parse_custom(const block_view& block) {
  if (block.body.size() < sizeof(std::uint32_t)) {
    return damaged(block, "the custom block is too short for its number");
  }
  const auto data = block.body.subspan(sizeof(std::uint32_t));
  return custom_block{.copyable = block.type == block_type::custom_copyable,
                      .pen = load<std::uint32_t>(block.body.data(), block.order),
                      .data = {data.begin(), data.end()}};
}

std::optional<packet_block_view> view_enhanced_packet(const block_view& block) noexcept {
  constexpr std::size_t fixed_bytes = 20;
  if (block.body.size() < fixed_bytes) {
    return std::nullopt;
  }
  const std::byte* const fields = block.body.data();
  const auto room = block.body.subspan(fixed_bytes);
  const auto captured = load<std::uint32_t>(fields + 12, block.order);
  if (captured > room.size()) {
    return std::nullopt;
  }
  // The block is a multiple of 4 long, so that the padding is inside as well.
  const std::size_t padded = base::align_up<std::size_t>(captured, 4);
  return packet_block_view{.interface_id = load<std::uint32_t>(fields, block.order),
                           .ticks = load_ticks(fields + 4, block.order),
                           .original_length = load<std::uint32_t>(fields + 16, block.order),
                           .data = room.first(captured),
                           .options = option_cursor(room.subspan(padded), block.order)};
}

}  // namespace captured::format
