// SPDX-License-Identifier: MIT
#include "daemon/device_filters.hpp"

#include <array>
#include <optional>

namespace captured::daemon {

base::result<device_filters> device_filters::compile(const std::vector<std::string>& texts) {
  // What capture::link_type_of gives.
  constexpr std::array links{packet::link_type::ethernet, packet::link_type::raw_ip,
                             packet::link_type::linux_sll};
  device_filters made;
  std::optional<base::failure> why;
  for (const packet::link_type link : links) {
    for (const std::string& text : texts) {
      auto compiled = capture::offline_filter::compile(text, link);
      if (compiled) {
        made.all_.emplace_back(link, std::move(*compiled));
        break;
      }
      why = why ? why : compiled.error();
    }
  }
  if (made.all_.empty() && why) {
    return *why;
  }
  return made;
}

const capture::offline_filter* device_filters::find(packet::link_type link) const noexcept {
  for (const auto& [type, filter] : all_) {
    if (type == link) {
      return &filter;
    }
  }
  return nullptr;
}

}  // namespace captured::daemon
