// SPDX-License-Identifier: MIT
#include "capturectl_filters.hpp"

#include <algorithm>
#include <array>

namespace captured::capturectl {
namespace {

/// Between them they know every word of the language.
constexpr std::array tried{packet::link_type::ethernet,   packet::link_type::raw_ip,
                           packet::link_type::ieee802_11, packet::link_type::linux_sll2,
                           packet::link_type::ppp,        packet::link_type{123},   // SunATM
                           packet::link_type{139},        packet::link_type{187}};  // MTP2, H4

}  // namespace

base::result<> filter_set::prepare(packet::link_type link) {
  if (text_.empty() || programs_.contains(link)) {
    return {};
  }
  auto& program = programs_[link];
  auto made = capture::offline_filter::compile(text_, link);
  if (made) {
    program = std::move(*made);
    any_ = true;
    useless_.reset();
    return {};
  }
  if (any_) {
    return {};
  }
  useless_ = made.error();
  const bool is_known = std::any_of(tried.begin(), tried.end(), [&](packet::link_type each) {
    return capture::offline_filter::compile(text_, each).has_value();
  });
  return is_known ? base::result<>() : base::result<>(*useless_);
}

std::vector<std::string> filter_set::remarks() const {
  std::vector<std::string> lines;
  for (const auto& [link, program] : programs_) {
    if (!program) {
      lines.push_back("the filter makes no sense for link type " +
                      std::to_string(static_cast<unsigned>(link)) + ", whose packets do not match");
    }
  }
  return lines;
}

}  // namespace captured::capturectl
