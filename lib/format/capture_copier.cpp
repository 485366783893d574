// SPDX-License-Identifier: MIT
#include "format/capture_copier.hpp"

#include <algorithm>

namespace captured::format {

std::uint32_t shared_interfaces::add(capture_writer& to, const capture_interface& interface) {
  const auto found = std::find(known_.begin(), known_.end(), interface.description);
  if (found != known_.end()) {
    return static_cast<std::uint32_t>(found - known_.begin());
  }
  known_.push_back(interface.description);
  return to.add_interface(interface);
}

void capture_copier::add_interface(const capture_interface& interface) {
  const auto id = static_cast<std::uint32_t>(ids_.size());
  if (wanted_ && !wanted_(interface.description, id)) {
    ids_.emplace_back(std::nullopt);
    return;
  }
  capture_interface added = interface;
  packet::link_type& link = added.description.link;
  if (cooked_ && (link == packet::link_type::ethernet || link == packet::link_type::linux_sll ||
                  link == packet::link_type::linux_sll2)) {
    link = *cooked_;
  }
  ids_.emplace_back(shared_ != nullptr ? shared_->add(to_, added) : to_.add_interface(added));
}

void capture_copier::catch_up(const capture_reader& from) {
  copy(from, capture_item::section);
  for (const capture_interface& each : from.interfaces()) {
    add_interface(each);
  }
}

void capture_copier::copy(const capture_reader& from, capture_item item) {
  switch (item) {
    case capture_item::section:
      ids_.clear();
      if (shared_ == nullptr) {
        to_.begin_section(from.section());
      } else {
        section_header_block plain;
        plain.section_length = from.section().header.section_length;
        sections_merged_ += from.section().header == plain ? 0u : 1u;
      }
      break;
    case capture_item::interface:
      add_interface(from.interfaces().back());
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
