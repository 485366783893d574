// SPDX-License-Identifier: MIT
#include "format/lpcap_record.hpp"

#include <algorithm>

namespace captured::format {

namespace {

using base::store_little;

/// Room for an entry's payload behind its head; returns where it goes.
std::byte* entry(std::vector<std::byte>& out, lpcap_sidecar_kind kind, std::size_t bytes) {
  const std::size_t before = out.size();
  out.resize(before + lpcap_sidecar_entry_bytes + bytes);
  std::byte* const head = out.data() + before;
  head[0] = static_cast<std::byte>(kind);
  head[1] = std::byte{0};
  store_little(head + 2, static_cast<std::uint16_t>(bytes));
  return head + lpcap_sidecar_entry_bytes;
}

}  // namespace

std::optional<std::uint32_t> lpcap_link_number(packet::link_type link) noexcept {
  switch (link) {
    case packet::link_type::ethernet:
      return 4;
    case packet::link_type::ieee802_11:
      return 8;
    default:
      return std::nullopt;
  }
}

std::array<std::byte, lpcap_file_header_bytes> lpcap_file_header(packet::link_type link) noexcept {
  constexpr std::uint32_t snaplen = 16383;
  std::array<std::byte, lpcap_file_header_bytes> header{};
  store_little(header.data(), lpcap_magic);
  store_little(header.data() + 2, std::uint16_t{1});
  store_little(header.data() + 4, std::uint16_t{4});
  store_little(header.data() + 6, snaplen);
  store_little(header.data() + 10, lpcap_link_number(link).value_or(0));
  return header;
}

std::uint8_t lpcap_traffic_of(packet::link_type link, std::span<const std::byte> packet) noexcept {
  constexpr std::size_t address_bytes = 6;
  constexpr std::uint8_t broadcast = 2;
  constexpr std::uint8_t unicast = 4;
  constexpr std::uint8_t multicast = 8;
  const std::size_t at = link == packet::link_type::ieee802_11 ? 4 : 0;
  if (packet.size() < at + address_bytes) {
    return unicast;
  }
  const auto address = packet.subspan(at, address_bytes);
  if (std::all_of(address.begin(), address.end(),
                  [](std::byte octet) { return octet == std::byte{0xFF}; })) {
    return broadcast;
  }
  return (address[0] & std::byte{1}) != std::byte{0} ? multicast : unicast;
}

void append_lpcap_sidecar_head(std::vector<std::byte>& out) {
  out.resize(out.size() + sizeof lpcap_sidecar_magic);
  store_little(out.data() + out.size() - sizeof lpcap_sidecar_magic, lpcap_sidecar_magic);
}

void append_lpcap_time(std::vector<std::byte>& out, std::uint64_t record, std::uint64_t stamp_ns) {
  std::byte* const payload = entry(out, lpcap_sidecar_kind::time, 16);
  store_little(payload, record);
  store_little(payload + 8, stamp_ns);
}

void append_lpcap_length(std::vector<std::byte>& out, std::uint64_t record,
                         std::uint32_t original) {
  std::byte* const payload = entry(out, lpcap_sidecar_kind::original_length, 12);
  store_little(payload, record);
  store_little(payload + 8, original);
}

void append_lpcap_interface(std::vector<std::byte>& out, std::uint8_t index,
                            std::uint32_t kernel_index, std::string_view name) {
  constexpr std::size_t name_bytes_max = 60000;
  name = name.substr(0, name_bytes_max);
  std::byte* const payload = entry(out, lpcap_sidecar_kind::interface, 5 + name.size());
  payload[0] = static_cast<std::byte>(index);
  store_little(payload + 1, kernel_index);
  std::transform(name.begin(), name.end(), payload + 5,
                 [](char letter) { return static_cast<std::byte>(letter); });
}

void lpcap_records::set_interface(std::size_t number, std::string_view name,
                                  std::uint32_t kernel_index, std::uint32_t snaplen) {
  if (number >= indices_.size()) {
    indices_.resize(number + 1);
  }
  number_ = number;
  name_ = name;
  kernel_index_ = kernel_index;
  snaplen_ = std::min<std::uint32_t>(snaplen, lpcap_data_bytes_max);
}

void lpcap_records::give_index(std::vector<std::byte>& sidecar) {
  const auto index =
      static_cast<std::uint8_t>(std::min<unsigned>(indices_given_, lpcap_index_shared));
  if (indices_given_ <= lpcap_index_shared) {
    append_lpcap_interface(sidecar, index, kernel_index_, name_);
    ++indices_given_;
  }
  indices_[number_] = index;
}

}  // namespace captured::format
