// SPDX-License-Identifier: MIT
#include "daemon/interface_text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <ctime>

#include "capture/filter.hpp"

namespace captured::daemon {

namespace {

std::string filter_words(const std::string& filter) {
  return filter.empty() ? "there was no filter" : "the filter was '" + filter + "'";
}

const char* direction_word(capture::direction which) {
  switch (which) {
    case capture::direction::in:
      return "in";
    case capture::direction::out:
      return "out";
    case capture::direction::both:
      return "both";
    case capture::direction::automatic:
      break;
  }
  return "auto";
}

/// An interface's name as it can stand in that of an output: other octets by their numbers.
std::string file_word(const std::string& interface) {
  std::string word;
  for (const char letter : interface) {
    const auto octet = static_cast<unsigned char>(letter);
    if (std::isalnum(octet) != 0 || letter == '.' || letter == '-' || letter == '_') {
      word += letter;
    } else {
      std::array<char, 4> text{};
      std::snprintf(text.data(), text.size(), "_%02x", unsigned{octet});
      word += text.data();
    }
  }
  return word;
}

}  // namespace

pipeline::port_description describe(const capture::device& from,
                                    const capture::interface_options& options,
                                    const std::string& story) {
  pipeline::port_description what;
  auto& block = what.block;
  const auto say = [](std::optional<std::string>& option, const std::string& text) {
    if (!text.empty()) {
      option = text;
    }
  };
  block.link = capture::link_type_of(from);
  block.name = from.name;
  say(block.description, from.description);
  say(block.hardware, from.hardware);
  say(block.filter, capture::whole_filter(options));
  say(block.os, pipeline::describe_host().os);
  if (from.mac) {
    auto& mac = block.mac_address.emplace();
    std::transform(from.mac->begin(), from.mac->end(), mac.begin(),
                   [](std::byte octet) { return std::to_integer<std::uint8_t>(octet); });
  }
  block.speed = from.speed_bits;
  if (options.snaplen < block.snaplen) {
    // Readers insist on one snaplen for all interfaces of a file: the real one is said in words.
    block.comments.push_back("packets are cut at " + std::to_string(options.snaplen) + " octets");
  }
  if (options.stamps == capture::stamp_source::hardware) {
    block.comments.emplace_back(
        "times are of the card's clock; for packets that it does not stamp, of the system's");
  }
  if (!story.empty()) {
    block.comments.push_back(story);
  }
  what.snaplen = options.snaplen;
  what.kernel_index = static_cast<std::uint32_t>(std::max(from.index, 0));
  return what;
}

std::string story_of_change(const capture::interface_options& former,
                            const capture::interface_options& present, base::wall_time before,
                            base::wall_time after) {
  std::string story = "changed between " + time_text(before) + " and " + time_text(after) + ":";
  const std::size_t head = story.size();
  const auto add = [&](const std::string& words) {
    story += (story.size() == head ? " " : ", ") + words;
  };
  const std::string before_it = capture::whole_filter(former);
  if (before_it != capture::whole_filter(present)) {
    add(filter_words(before_it));
  }
  if (former.snaplen != present.snaplen) {
    add("packets were cut at " + std::to_string(former.snaplen) + " octets");
  }
  if (former.which != present.which) {
    add(std::string("the direction was ") + direction_word(former.which));
  }
  return story + " before";
}

std::string time_text(base::wall_time when) {
  const std::uint64_t ns = base::to_epoch_ns(when);
  const auto seconds = static_cast<std::time_t>(ns / 1'000'000'000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text.data() + size, text.size() - size, ".%09uZ",
                static_cast<unsigned>(ns % 1'000'000'000));
  return text.data();
}

std::string link_word(packet::link_type link) {
  switch (link) {
    case packet::link_type::ethernet:
      return "ethernet";
    case packet::link_type::raw_ip:
      return "raw";
    case packet::link_type::linux_sll:
    case packet::link_type::linux_sll2:
      return "cooked";
    default:
      return "link" + std::to_string(static_cast<unsigned>(link));
  }
}

std::string series_word(const pipeline::output_options& output, const std::string& interface,
                        packet::link_type link) {
  const bool usual = link == packet::link_type::ethernet;
  switch (output.format) {
    case pipeline::file_format::pcap:
    case pipeline::file_format::pcap_nano:
      return file_word(interface) + (usual ? "" : "-" + link_word(link));
    case pipeline::file_format::lpcap:
      return usual ? "" : link_word(link);
    case pipeline::file_format::pcapng:
      break;
  }
  return output.link_types == pipeline::link_type_policy::split ? link_word(link) : "";
}

}  // namespace captured::daemon
