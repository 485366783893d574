// SPDX-License-Identifier: MIT
#include "pipeline/record_form.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "format/pcap_reader.hpp"

namespace captured::pipeline {

namespace {

struct as_pcap {
  format::pcap_records records;

  [[nodiscard]] std::size_t bytes(const packet::packet_view& packet,
                                  std::uint64_t /*losses*/) const noexcept {
    return records.bytes(packet);
  }
  [[nodiscard]] std::size_t encode(std::byte* out, const packet::packet_view& packet,
                                   std::uint64_t /*losses*/) const noexcept {
    return records.encode(out, packet);
  }
};

struct as_lpcap {
  format::lpcap_records& records;
  std::vector<std::byte>& sidecar;

  [[nodiscard]] std::size_t bytes(const packet::packet_view& packet,
                                  std::uint64_t /*losses*/) const noexcept {
    return records.bytes(packet);
  }
  [[nodiscard]] std::size_t encode(std::byte* out, const packet::packet_view& packet,
                                   std::uint64_t /*losses*/) const {
    return records.encode(out, packet, sidecar);
  }
};

}  // namespace

bool holds_link_type(file_format format, packet::link_type link) noexcept {
  return format != file_format::lpcap || format::lpcap_link_number(link).has_value();
}

void record_form::begin_file(packet::link_type link, std::vector<std::byte>& out,
                             std::vector<std::byte>& sidecar) {
  if (format_ == file_format::lpcap) {
    CAPTURED_CHECK(holds_link_type(format_, link));
    const auto head = format::lpcap_file_header(link);
    out.insert(out.end(), head.begin(), head.end());
    format::append_lpcap_sidecar_head(sidecar);
    lpcap_.emplace(link);
    walker_ = format::record_walker::of(head);
    return;
  }
  captured_max_ = format::captured_length_max(link);
  const auto head = format::pcap_file_header(format_ == file_format::pcap_nano, captured_max_,
                                             static_cast<std::uint32_t>(link));
  out.insert(out.end(), head.begin(), head.end());
  walker_ = format::record_walker::of(head);
}

encode_progress record_form::encode(block_in_work& block, std::span<std::byte> room,
                                    const record_source& from, std::uint64_t packets_max,
                                    std::uint64_t& newest_ns, std::vector<std::byte>& sidecar) {
  if (format_ == file_format::lpcap) {
    lpcap_->set_interface(from.number, from.name, from.kernel_index, from.snaplen);
    return block.encode_as(as_lpcap{*lpcap_, sidecar}, room, packets_max, newest_ns);
  }
  const format::pcap_records records{.nanoseconds = format_ == file_format::pcap_nano,
                                     .snaplen = std::min(from.snaplen, captured_max_)};
  return block.encode_as(as_pcap{records}, room, packets_max, newest_ns);
}

}  // namespace captured::pipeline
