// SPDX-License-Identifier: MIT
#include "format/lpcap_reader.hpp"

#include <algorithm>
#include <utility>

#include "packet/packet_view.hpp"

namespace captured::format {
namespace {

using base::load_little;

constexpr time_ns wrap = time_ns{1} << 32;

std::optional<packet::link_type> link_of(std::uint32_t number, packet::link_type unknown) {
  switch (number) {
    case 0:
      return unknown;
    case 4:
      return packet::link_type::ethernet;
    case 8:
      return packet::link_type::ieee802_11;
    case 16:
      return packet::link_type::fddi;
    default:
      return std::nullopt;
  }
}

/// Reception as epb_flags has it; 0 for what is not known.
std::uint32_t flags_of(std::uint8_t traffic) {
  switch (traffic) {
    case 2:
      return packet::flags::broadcast;
    case 4:
      return packet::flags::unicast;
    case 8:
      return packet::flags::multicast;
    default:
      return 0;
  }
}

}  // namespace

base::result<bool> lpcap_sidecar::next(entry& found) {
  constexpr std::size_t head_bytes = 4;
  const auto broken = [&](const char* what) {
    return base::invalid_input("lpcap sidecar at offset " + std::to_string(window_.offset()), what);
  };
  if (!std::exchange(begun_, true)) {
    if (!window_.require(sizeof lpcap_sidecar_magic) ||
        load_little<std::uint64_t>(window_.ahead().data()) != lpcap_sidecar_magic) {
      return broken("\"LPMETA1\" was expected");
    }
    window_.skip(sizeof lpcap_sidecar_magic);
  }
  while (window_.require(head_bytes)) {
    const auto kind = std::to_integer<std::uint8_t>(window_.ahead()[0]);
    const std::size_t bytes = load_little<std::uint16_t>(window_.ahead().data() + 2);
    if (!window_.require(head_bytes + bytes)) {
      break;
    }
    const auto payload = window_.ahead().subspan(head_bytes, bytes);
    window_.skip(head_bytes + bytes);
    found = {};
    found.kind = static_cast<lpcap_sidecar_kind>(kind);
    if (found.kind == lpcap_sidecar_kind::time && bytes == 16) {
      found.record = load_little<std::uint64_t>(payload.data());
      found.time = load_little<std::uint64_t>(payload.data() + 8);
      return true;
    }
    if (found.kind == lpcap_sidecar_kind::interface && bytes >= 5) {
      found.index = std::to_integer<std::uint8_t>(payload[0]);
      found.if_index = load_little<std::uint32_t>(payload.data() + 1);
      const auto name = payload.subspan(5);
      found.name.assign(reinterpret_cast<const char*>(name.data()), name.size());
      return true;
    }
    if (found.kind == lpcap_sidecar_kind::original_length && bytes == 12) {
      found.record = load_little<std::uint64_t>(payload.data());
      found.length = load_little<std::uint32_t>(payload.data() + 8);
      return true;
    }
  }
  if (window_.failure().code) {
    return window_.failure();
  }
  if (!window_.ahead().empty()) {
    return broken("the sidecar is cut");
  }
  return false;
}

capture_item lpcap_reader::next(reader_state& state) {
  return place_ == place::records ? read_record(state) : read_file_header(state);
}

capture_item lpcap_reader::read_file_header(reader_state& state) {
  if (!state.window.require(lpcap_file_header_bytes)) {
    return state.fail_cut(0, "a file header of 14 octets");
  }
  const std::byte* const header = state.window.ahead().data();
  const auto number = load_little<std::uint32_t>(header + 10);
  const auto link = link_of(number, state.options.lpcap_unknown_link);
  if (!link) {
    return state.fail(10, "link type " + std::to_string(number) + " of lpcap is not known");
  }
  link_ = *link;
  snaplen_ = load_little<std::uint32_t>(header + 6);
  state.section = {.index = 0,
                   .format = capture_format::lpcap,
                   .order = byte_order::little,
                   .major = load_little<std::uint16_t>(header + 2),
                   .minor = load_little<std::uint16_t>(header + 4),
                   .header = {},
                   .link_field = number};
  state.window.skip(lpcap_file_header_bytes);
  interface_of_.fill(no_interface);
  state.packet.link = link_;
  state.packet.origin = packet_origin::lpcap_record;
  state.packet.has_flags = true;
  if (state.options.lpcap_sidecar != nullptr) {
    sidecar_.emplace(*state.options.lpcap_sidecar);
  } else {
    state.section.header.comments.emplace_back(
        "times are inferred: lpcap without its sidecar has them modulo 4.29 s only");
  }
  place_ = place::records;
  return capture_item::section;
}

void lpcap_reader::add_interface(reader_state& state, std::uint8_t index) {
  interface_of_[index] = static_cast<std::uint16_t>(state.interfaces.size());
  capture_interface interface;
  interface.description.link = link_;
  interface.description.snaplen = snaplen_;
  interface.description.name =
      names_[index].empty() ? "lpcap" + std::to_string(index) : names_[index];
  state.interfaces.push_back(std::move(interface));
}

capture_item lpcap_reader::read_record(reader_state& state) {
  octet_window& window = state.window;
  if (!window.require(lpcap_record_header_bytes)) {
    if (window.ahead().empty() && !window.failure().code) {
      return capture_item::end;
    }
    return state.fail_cut(window.offset(), "a record header of 10 octets");
  }
  const std::byte* const header = window.ahead().data();
  const auto index = std::to_integer<std::uint8_t>(header[0]);
  const auto traffic = std::to_integer<std::uint8_t>(header[1]);
  const auto stored = load_little<std::uint32_t>(header + 2);
  const auto length = load_little<std::uint32_t>(header + 6);
  constexpr std::uint32_t length_max = 262144;
  if (length > snaplen_ || length > length_max) {
    return state.fail(window.offset(),
                      "the record claims " + std::to_string(length) + " octets, at most " +
                          std::to_string(std::min(snaplen_, length_max)) + " were expected");
  }
  const bool odd = flags_of(traffic) == 0 || stored == 0;
  if (odd && !state.options.lenient) {
    return state.fail(window.offset(), "the record has traffic type " + std::to_string(traffic) +
                                           " and time " + std::to_string(stored) +
                                           "; 2, 4 or 8 and another than 0 were expected");
  }
  const std::size_t total = lpcap_record_header_bytes + length;
  if (!window.require(total)) {
    return state.fail_cut(window.offset(), "a record of " + std::to_string(total) + " octets");
  }
  if (!take_sidecar(state)) {
    return capture_item::failed;
  }
  if (interface_of_[index] == no_interface) {
    add_interface(state, index);
    return capture_item::interface;
  }
  capture_packet& packet = state.packet;
  packet.interface_id = interface_of_[index];
  packet.packet_flags = flags_of(traffic);
  packet.time = time_of(state, stored);
  packet.time_is_inferred = !timed_;
  packet.offset = window.offset();
  packet.record = window.ahead().first(total);
  packet.data = packet.record.subspan(lpcap_record_header_bytes);
  packet.original_length = std::max(own_length_.value_or(length), length);
  state.counts.unknown_kinds += odd ? 1u : 0u;
  own_time_.reset();
  own_length_.reset();
  window.skip(total);
  ++record_;
  return capture_item::packet;
}

/// Takes from the sidecar what belongs to this record and those before.
bool lpcap_reader::take_sidecar(reader_state& state) {
  while (sidecar_) {
    if (!entry_) {
      lpcap_sidecar::entry found;
      const auto more = sidecar_->next(found);
      if (!more) {
        state.failure = more.error();
        state.failure_offset = state.window.offset();
        return false;
      }
      if (!*more) {
        return true;
      }
      entry_ = std::move(found);
    }
    if (entry_->kind == lpcap_sidecar_kind::interface) {
      names_[entry_->index] = std::move(entry_->name);
    } else if (entry_->record > record_) {
      return true;
    } else if (entry_->kind == lpcap_sidecar_kind::time) {
      own_time_ = entry_->record == record_ ? std::optional(entry_->time) : own_time_;
      upper_ = entry_->time >> 32 << 32;
      timed_ = true;
    } else if (entry_->record == record_) {
      own_length_ = entry_->length;
    }
    entry_.reset();
  }
  return true;
}

time_ns lpcap_reader::time_of(reader_state& state, std::uint32_t stored) {
  if (timed_) {
    return own_time_.value_or(upper_ | stored);
  }
  if (!last_stored_) {
    unwrapped_ = anchor(state, stored);
  } else {
    unwrapped_ += static_cast<time_ns>(stored) - *last_stored_;
    if (stored < *last_stored_) {
      unwrapped_ += wrap;
      ++state.counts.times_wrapped;
    }
  }
  last_stored_ = stored;
  return unwrapped_;
}

/// The time of the first record, as far as it is known.
time_ns lpcap_reader::anchor(reader_state& state, std::uint32_t stored) const {
  if (state.options.lpcap_first) {
    return *state.options.lpcap_first;
  }
  if (!state.options.lpcap_last_bound || !state.window.stable()) {
    return 0;
  }
  // How long the file is in time is only known at its end.
  time_ns span = 0;
  std::uint32_t last = stored;
  auto rest = state.window.ahead();
  while (rest.size() >= lpcap_record_header_bytes) {
    const auto next = load_little<std::uint32_t>(rest.data() + 2);
    const auto length = load_little<std::uint32_t>(rest.data() + 6);
    if (length > rest.size() - lpcap_record_header_bytes) {
      break;
    }
    span += static_cast<time_ns>(next) - last + (next < last ? wrap : 0);
    last = next;
    rest = rest.subspan(lpcap_record_header_bytes + length);
  }
  const time_ns bound = *state.options.lpcap_last_bound;
  const time_ns late = (bound / wrap) * wrap + last;
  return (late <= bound ? late : late - wrap) - span;
}

}  // namespace captured::format
