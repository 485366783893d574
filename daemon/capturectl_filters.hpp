// SPDX-License-Identifier: MIT
//
// One filter text as programs for all link types of a capture. What makes sense depends on the link
// type ("type mgt" is of 802.11 only); a type for which the text makes none matches nothing.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "capture/offline_filter.hpp"
#include "format/capture_model.hpp"

namespace captured::capturectl {

class filter_set {
 public:
  /// An empty text takes everything.
  explicit filter_set(std::string text) : text_(std::move(text)) {}

  /// Call it for each interface before its packets. Fails for text that makes sense for no common
  /// link type, if it makes none for those so far.
  [[nodiscard]] base::result<> prepare(packet::link_type link);
  /// Of an interface that was prepared.
  [[nodiscard]] bool matches(const format::capture_packet& packet) {
    if (text_.empty()) [[likely]] {
      return true;
    }
    if (current_ == nullptr || current_link_ != packet.link) [[unlikely]] {
      current_ = &programs_[packet.link];
      current_link_ = packet.link;
    }
    return *current_ && (*current_)->matches(packet.data, packet.original_length);
  }
  /// Did the text make sense for none of the link types, and was there any? libpcap's own words.
  [[nodiscard]] const std::optional<base::failure>& useless() const noexcept { return useless_; }
  /// For each link type for which it made no sense, a line that says so.
  [[nodiscard]] std::vector<std::string> remarks() const;

 private:
  std::string text_;
  std::map<packet::link_type, std::optional<capture::offline_filter>> programs_;
  const std::optional<capture::offline_filter>* current_ = nullptr;
  packet::link_type current_link_ = packet::link_type::null;
  bool any_ = false;
  std::optional<base::failure> useless_;
};

}  // namespace captured::capturectl
