// SPDX-License-Identifier: MIT
#include "format/capture_copier.hpp"

#include <algorithm>
#include <utility>

#include "format/pcap_reader.hpp"

namespace captured::format {

std::optional<std::uint32_t> shared_interfaces::add(capture_writer& to,
                                                    const capture_interface& interface,
                                                    uses& of_section) {
  std::vector<std::byte> octets;
  append(octets, interface.description);
  std::string key(octets.size(), '\0');
  std::transform(octets.begin(), octets.end(), key.begin(),
                 [](std::byte octet) { return std::to_integer<char>(octet); });
  const std::size_t bytes = key.size();
  auto found = kinds_.find(key);
  if (found != kinds_.end()) {
    std::uint32_t& used = of_section[found->second.number];
    if (used < found->second.ids.size()) {
      return found->second.ids[used++];
    }
  }
  if (count_ == interfaces_max || octets_ + bytes > octets_max) {
    ++left_out_;
    return std::nullopt;
  }
  if (found == kinds_.end()) {
    const kind made{.number = static_cast<std::uint32_t>(kinds_.size()), .ids = {}};
    found = kinds_.emplace(std::move(key), made).first;
  }
  ++count_;
  octets_ += bytes;
  ++of_section[found->second.number];
  found->second.ids.push_back(to.add_interface(interface));
  return found->second.ids.back();
}

void capture_copier::add_interface(const capture_interface& interface, capture_format format) {
  const auto id = static_cast<std::uint32_t>(ids_.size());
  if (wanted_ && !wanted_(interface.description, id)) {
    note_id(std::nullopt);
    return;
  }
  capture_interface added = interface;
  if (format != capture_format::pcapng && added.description.snaplen == 0) {
    // Only pcapng says "no limit" by it; what other formats mean is the most that readers take.
    added.description.snaplen = captured_length_max(added.description.link);
  }
  packet::link_type& link = added.description.link;
  if (cooked_ && is_relabelled(link)) {
    link = *cooked_;
  }
  note_id(shared_ != nullptr ? shared_->add(to_, added, uses_) : to_.add_interface(added));
}

void capture_copier::note_id(std::optional<std::uint32_t> id) {
  same_ids_ = same_ids_ && id == ids_.size();
  ids_.push_back(id);
}

void capture_copier::catch_up(const capture_reader& from) {
  copy(from, capture_item::section);
  for (const capture_interface& each : from.interfaces()) {
    add_interface(each, from.section().format);
  }
}

void capture_copier::copy(const capture_reader& from, capture_item item) {
  switch (item) {
    case capture_item::section:
      restart();
      if (shared_ == nullptr) {
        to_.begin_section(from.section());
      } else {
        section_header_block plain;
        plain.section_length = from.section().header.section_length;
        sections_merged_ += from.section().header == plain ? 0u : 1u;
      }
      break;
    case capture_item::interface:
      add_interface(from.interfaces().back(), from.section().format);
      break;
    case capture_item::packet:
      copy_packet(from.packet(), from.stable());
      break;
    case capture_item::statistics:
      if (const auto& id = ids_[from.statistics().interface_id]) {
        to_.add_statistics(from.statistics(), *id);
      }
      break;
    case capture_item::name_resolution:
    case capture_item::secrets:
    case capture_item::custom:
    case capture_item::other:
      to_.add_block(item, from.block());
      break;
    case capture_item::end:
    case capture_item::failed:
      break;
  }
}

}  // namespace captured::format
