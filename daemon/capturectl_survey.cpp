// SPDX-License-Identifier: MIT
#include "capturectl_survey.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "capturectl_input.hpp"
#include "capturectl_output.hpp"

namespace captured::capturectl {
namespace {

using namespace format;

class surveyor {
 public:
  surveyor(capture_input& input, file_summary& summary)
      : input_(input), reader_(input.reader()), to_(summary), progress_(input.size()) {}

  void run() {
    while (true) {
      if (take_run()) {
        continue;
      }
      const capture_item item = reader_.next();
      if (item == capture_item::packet) [[likely]] {
        take_packet(reader_.packet());
        progress_.at(reader_.octets_read());
        input_.moved();
      } else if (item == capture_item::end || item == capture_item::failed) {
        finish(item);
        return;
      } else {
        take(item);
      }
    }
  }

 private:
  bool take_run() {
    const capture_input::run found = input_.next_run();
    if (found.totals.packets == 0) {
      return false;
    }
    take_totals(found.totals);
    progress_.step_to(reader_.octets_read());
    return true;
  }

  void take_totals(const packet_totals& found) {
    if (!std::exchange(to_.has_time, true)) {
      to_.first = to_.last = found.first;
      to_.earliest = found.earliest;
      to_.latest = found.latest;
    }
    to_.packets += found.packets;
    to_.octets += found.octets;
    to_.original_octets += found.original_octets;
    to_.steps_back += found.steps_back + (found.first < to_.last ? 1u : 0u);
    to_.last = found.last;
    to_.earliest = std::min(to_.earliest, found.earliest);
    to_.latest = std::max(to_.latest, found.latest);
    for (std::size_t id = 0; id < found.interfaces.size(); ++id) {
      if (const std::size_t at = section_begin_ + id; at < to_.interfaces.size()) {
        to_.interfaces[at].packets += found.interfaces[id].packets;
        to_.interfaces[at].octets += found.interfaces[id].octets;
      }
    }
  }

  void take_packet(const capture_packet& packet) {
    ++to_.packets;
    to_.octets += packet.data.size();
    to_.original_octets += packet.original_length;
    if (packet.has_time) [[likely]] {
      if (!to_.has_time) [[unlikely]] {
        to_.has_time = true;
        to_.inferred = packet.time_is_inferred;
        to_.first = to_.earliest = to_.latest = to_.last = packet.time;
      }
      to_.steps_back += packet.time < to_.last ? 1u : 0u;
      to_.last = packet.time;
      to_.earliest = std::min(to_.earliest, packet.time);
      to_.latest = std::max(to_.latest, packet.time);
    } else {
      ++to_.without_time;
    }
    to_.packet_comments += (packet.options_seen & option_bits::comment) != 0 ? 1u : 0u;
    const std::size_t at = section_begin_ + packet.interface_id;
    if (at < to_.interfaces.size()) [[likely]] {
      interface_summary& interface = to_.interfaces[at];
      ++interface.packets;
      interface.octets += packet.data.size();
      interface.dropcount_sum += packet.dropcount.value_or(0);
    }
  }

  void take(capture_item item) {
    switch (item) {
      case capture_item::section:
        take_section(reader_.section());
        break;
      case capture_item::interface:
        ++to_.interfaces_count;
        add_comments(reader_.interfaces().back().description.comments);
        if (to_.interfaces.size() < listed_max && !beyond_) {
          const capture_interface& interface = reader_.interfaces().back();
          to_.interfaces.push_back(
              {.section = reader_.section().index,
               .id = static_cast<std::uint32_t>(reader_.interfaces().size() - 1),
               .description = interface.description,
               .scale = interface.scale});
        } else {
          beyond_ = true;
        }
        break;
      case capture_item::statistics: {
        ++to_.statistics;
        add_comments(reader_.statistics().comments);
        const std::size_t at = section_begin_ + reader_.statistics().interface_id;
        if (at < to_.interfaces.size()) {
          to_.interfaces[at].statistics = reader_.statistics();
        }
        break;
      }
      case capture_item::name_resolution:
        ++to_.name_resolution;
        break;
      case capture_item::secrets:
        ++to_.secrets;
        break;
      case capture_item::custom:
        ++to_.custom;
        break;
      default:
        ++to_.other;
    }
  }

  void take_section(const capture_section& section) {
    // Interfaces that are not listed must not be taken for those of another section.
    section_begin_ = beyond_ ? std::numeric_limits<std::size_t>::max() / 2 : to_.interfaces.size();
    if (to_.sections++ == 0) {
      to_.header = section.header;
      if (section.format != capture_format::pcapng) {
        to_.link_field = section.link_field;
      }
    }
    add_comments(section.header.comments);
  }

  void add_comments(const std::vector<std::string>& comments) {
    for (const std::string& each : comments) {
      if (to_.comments.size() < listed_max && comments_bytes_ + each.size() <= comments_bytes_max) {
        comments_bytes_ += each.size();
        to_.comments.push_back(each);
      }
    }
  }

  void finish(capture_item item) {
    to_.format_name = name_of(reader_.format());
    to_.peculiarities = reader_.counts();
    if (reader_.compression()) {
      to_.compression = name_of(*reader_.compression());
    }
    if (item == capture_item::failed) {
      to_.error = reader_.failure().message();
      to_.error_offset = reader_.failure_offset();
    }
  }

  capture_input& input_;
  capture_reader& reader_;
  file_summary& to_;
  std::size_t comments_bytes_ = 0;
  progress progress_;
  std::size_t section_begin_ = 0;
  bool beyond_ = false;
};

}  // namespace

file_summary survey(const std::string& path, const read_options& options) {
  file_summary summary;
  summary.path = path;
  auto input = capture_input::open(path, options, capture_input::access::sums);
  if (!input) {
    summary.error = input.error().message();
    return summary;
  }
  summary.size = (*input)->size();
  surveyor(**input, summary).run();
  return summary;
}

}  // namespace captured::capturectl
