// SPDX-License-Identifier: MIT
#include "format/lpcap_writer.hpp"

#include <algorithm>

#include "format/lpcap_reader.hpp"
#include "packet/packet_view.hpp"

namespace captured::format {

using base::store_little;

lpcap_writer::lpcap_writer(octet_sink& sink, octet_sink* sidecar) : buffer_(sink) {
  if (sidecar != nullptr) {
    sidecar_.emplace(*sidecar);
    append_lpcap_sidecar_head(entry_);
    write_entry();
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
  if (!link_ && lpcap_link_number(interface.description.link)) {
    write_header(interface.description.link);
  }
  return static_cast<std::uint32_t>(interfaces_.size() - 1);
}

void lpcap_writer::write_header(packet::link_type link) {
  link_ = link;
  buffer_.append(lpcap_file_header(link));
}

void lpcap_writer::write_entry() {
  sidecar_->append(entry_);
  entry_.clear();
}

std::uint8_t lpcap_writer::index_of(std::uint32_t interface_id) {
  interface_state& interface = interfaces_[interface_id];
  if (!interface.index) {
    interface.index = static_cast<std::uint8_t>(std::min<unsigned>(indices_, lpcap_index_shared));
    counts_.interfaces_merged += indices_ > lpcap_index_shared ? 1u : 0u;
    if (sidecar_ && indices_ <= lpcap_index_shared) {
      append_lpcap_interface(entry_, *interface.index, 0, interface.name);
      write_entry();
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
  const std::uint8_t index = index_of(interface_id);
  const std::size_t captured = std::min(packet.data.size(), lpcap_data_bytes_max);
  std::byte* const record = buffer_.extend(lpcap_record_header_bytes + captured);
  record[0] = static_cast<std::byte>(index);
  record[1] = static_cast<std::byte>(lpcap_traffic_of(packet.link, packet.data));
  store_little(record + 2, lpcap_time(time));
  store_little(record + 6, static_cast<std::uint32_t>(captured));
  std::copy_n(packet.data.begin(), captured, record + lpcap_record_header_bytes);

  note_time(time);
  if (packet.original_length != captured) {
    note_length(packet.original_length);
  }
  counts_.packets_cut += captured < packet.data.size() ? 1u : 0u;
  count_losses(packet);
  ++counts_.packets;
  ++record_;
}

void lpcap_writer::note_time(std::uint64_t time) {
  const bool needed = times_.next_needs_entry(time);
  if (!sidecar_) {
    ++counts_.times_wrapped;
  } else if (needed) {
    append_lpcap_time(entry_, record_, time);
    write_entry();
  }
}

void lpcap_writer::note_length(std::uint32_t original) {
  if (!sidecar_) {
    ++counts_.original_lengths;
    return;
  }
  append_lpcap_length(entry_, record_, original);
  write_entry();
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
