// SPDX-License-Identifier: MIT
#include "format/lpcap_writer.hpp"

#include <algorithm>

#include "format/lpcap_reader.hpp"
#include "packet/packet_view.hpp"

namespace captured::format {
namespace {

using base::store_little;

constexpr std::uint32_t snaplen = 16383;
constexpr std::uint8_t index_shared = 255;  ///< of all interfaces beyond the 255th

std::optional<std::uint32_t> number_of(packet::link_type link) {
  switch (link) {
    case packet::link_type::ethernet:
      return 4;
    case packet::link_type::ieee802_11:
      return 8;
    default:
      return std::nullopt;
  }
}

/// Broadcast, multicast or unicast by the destination's address.
std::uint8_t traffic_of(const capture_packet& packet) {
  constexpr std::size_t address_bytes = 6;
  constexpr std::uint8_t broadcast = 2;
  constexpr std::uint8_t unicast = 4;
  constexpr std::uint8_t multicast = 8;
  const std::size_t at = packet.link == packet::link_type::ieee802_11 ? 4 : 0;
  if (packet.data.size() < at + address_bytes) {
    return unicast;
  }
  const auto address = packet.data.subspan(at, address_bytes);
  if (std::all_of(address.begin(), address.end(),
                  [](std::byte octet) { return octet == std::byte{0xFF}; })) {
    return broadcast;
  }
  return (address[0] & std::byte{1}) != std::byte{0} ? multicast : unicast;
}

/// The head of a sidecar entry; returns where its payload goes.
std::byte* entry(output_buffer& to, lpcap_sidecar_kind kind, std::size_t bytes) {
  constexpr std::size_t head_bytes = 4;
  std::byte* const head = to.extend(head_bytes + bytes);
  head[0] = static_cast<std::byte>(kind);
  head[1] = std::byte{0};
  store_little(head + 2, static_cast<std::uint16_t>(bytes));
  return head + head_bytes;
}

}  // namespace

lpcap_writer::lpcap_writer(octet_sink& sink, octet_sink* sidecar) : buffer_(sink) {
  if (sidecar != nullptr) {
    sidecar_.emplace(*sidecar);
    store_little(sidecar_->extend(sizeof lpcap_sidecar_magic), lpcap_sidecar_magic);
  }
}

void lpcap_writer::begin_section(const capture_section& section) {
  count_section(section.header);
  interfaces_.clear();
}

std::uint32_t lpcap_writer::add_interface(const capture_interface& interface) {
  count_interface(interface.description);
  counts_.interface_names += interface.description.name && !sidecar_ ? 1u : 0u;
  interfaces_.push_back({.name = interface.description.name.value_or(""), .index = {}});
  if (!link_ && number_of(interface.description.link)) {
    write_header(interface.description.link);
  }
  return static_cast<std::uint32_t>(interfaces_.size() - 1);
}

void lpcap_writer::write_header(packet::link_type link) {
  link_ = link;
  std::byte* const header = buffer_.extend(lpcap_file_header_bytes);
  store_little(header, lpcap_magic);
  store_little(header + 2, std::uint16_t{1});
  store_little(header + 4, std::uint16_t{4});
  store_little(header + 6, snaplen);
  store_little(header + 10, number_of(link).value_or(0));
}

std::uint8_t lpcap_writer::index_of(std::uint32_t interface_id) {
  interface_state& interface = interfaces_[interface_id];
  if (!interface.index) {
    interface.index = static_cast<std::uint8_t>(std::min<unsigned>(indices_, index_shared));
    counts_.interfaces_merged += indices_ > index_shared ? 1u : 0u;
    if (sidecar_ && indices_ <= index_shared) {
      constexpr std::size_t name_bytes_max = 60000;
      const auto name = std::string_view(interface.name).substr(0, name_bytes_max);
      std::byte* const payload = entry(*sidecar_, lpcap_sidecar_kind::interface, 5 + name.size());
      payload[0] = static_cast<std::byte>(*interface.index);
      store_little(payload + 1, std::uint32_t{0});  // the kernel's number is not known here
      std::transform(name.begin(), name.end(), payload + 5,
                     [](char letter) { return static_cast<std::byte>(letter); });
    }
    ++indices_;
  }
  return *interface.index;
}

void lpcap_writer::add_packet(const capture_packet& packet, std::uint32_t interface_id,
                              bool /*stable*/) {
  if (!link_ || packet.link != *link_) {
    ++counts_.packets_left_out;
    return;
  }
  std::uint64_t time = 0;
  if (packet.time >= 0 && packet.time <= UINT64_MAX) {
    time = static_cast<std::uint64_t>(packet.time);
  } else {
    ++counts_.times_out_of_range;
  }
  auto stored = static_cast<std::uint32_t>(time);
  stored = stored == 0 ? 1 : stored;  // the original refuses 0
  const std::uint8_t index = index_of(interface_id);
  const std::size_t captured = std::min(packet.data.size(), lpcap_data_bytes_max);
  std::byte* const record = buffer_.extend(lpcap_record_header_bytes + captured);
  record[0] = static_cast<std::byte>(index);
  record[1] = static_cast<std::byte>(traffic_of(packet));
  store_little(record + 2, stored);
  store_little(record + 6, static_cast<std::uint32_t>(captured));
  std::copy_n(packet.data.begin(), captured, record + lpcap_record_header_bytes);

  note_time(time, stored);
  if (packet.original_length != captured) {
    note_length(packet.original_length);
  }
  counts_.packets_cut += captured < packet.data.size() ? 1u : 0u;
  count_losses(packet);
  ++counts_.packets;
  ++record_;
}

void lpcap_writer::note_time(std::uint64_t time, std::uint32_t stored) {
  const std::uint64_t upper = time >> 32;
  const bool needed = record_ == 0 || upper != upper_ || stored != static_cast<std::uint32_t>(time);
  upper_ = upper;
  if (!sidecar_) {
    ++counts_.times_wrapped;
  } else if (needed) {
    std::byte* const payload = entry(*sidecar_, lpcap_sidecar_kind::time, 16);
    store_little(payload, record_);
    store_little(payload + 8, time);
  }
}

void lpcap_writer::note_length(std::uint32_t original) {
  if (!sidecar_) {
    ++counts_.original_lengths;
    return;
  }
  std::byte* const payload = entry(*sidecar_, lpcap_sidecar_kind::original_length, 12);
  store_little(payload, record_);
  store_little(payload + 8, original);
}

void lpcap_writer::count_losses(const capture_packet& packet) noexcept {
  count_options(packet);
  // What kind of reception it was is kept; direction and the rest are not.
  counts_.flags += (packet.packet_flags & ~packet::flags::reception_mask) != 0 ? 1u : 0u;
}

void lpcap_writer::add_statistics(const interface_statistics_block& /*statistics*/,
                                  std::uint32_t /*interface_id*/) {
  ++counts_.statistics;
}

void lpcap_writer::add_block(capture_item item, const capture_block& /*block*/) {
  count_block(item);
}

base::result<> lpcap_writer::flush() {
  if (!link_) {
    write_header(packet::link_type::ethernet);
  }
  if (auto done = buffer_.flush(); !done || !sidecar_) {
    return done;
  }
  return sidecar_->flush();
}

bool lpcap_writer::failed() const noexcept {
  return buffer_.failed() || (sidecar_ && sidecar_->failed());
}

}  // namespace captured::format
