// SPDX-License-Identifier: MIT
#include "format/recording_repair.hpp"

#include <algorithm>

#include "format/capture_copier.hpp"
#include "format/pcapng_parse.hpp"
#include "format/recording_note.hpp"

namespace captured::format {
namespace {

class repairer {
 public:
  repairer(capture_reader& from, capture_writer& to) : from_(from), to_(to), copier_(to) {}

  repair_report run(std::uint64_t input_octets) {
    capture_item item = from_.next();
    while (item != capture_item::end && item != capture_item::failed && !to_.failed()) {
      take(item);
      item = from_.next();
    }
    report_.was_whole = item == capture_item::end;
    report_.was_closed = !note_ || closed_;
    report_.octets_kept = report_.was_whole ? input_octets : from_.failure_offset();
    if (!report_.was_whole) {
      report_.damage = from_.failure().message();
      report_.octets_lost = input_octets - std::min(input_octets, report_.octets_kept);
    }
    if (note_ && !closed_) {
      close();
    }
    return std::move(report_);
  }

 private:
  void take(capture_item item) {
    switch (item) {
      case capture_item::section:
        take_section();
        return;
      case capture_item::packet: {
        ++report_.packets;
        const capture_packet& packet = from_.packet();
        interface_totals& totals = totals_[name_of(packet.interface_id)];
        ++totals.stored;
        told_drops_[name_of(packet.interface_id)] += packet.dropcount.value_or(0);
        last_ticks_ = packet.ticks;
        copier_.copy_packet(packet, from_.stable());
        return;
      }
      case capture_item::statistics: {
        const std::string name = name_of(from_.statistics().interface_id);
        osdrop_[name] = std::max(osdrop_[name], from_.statistics().os_drop.value_or(0));
        break;
      }
      case capture_item::custom:
        if (const auto custom = parse_custom(from_.block());
            custom && end_note_text(*custom, from_.block().order)) {
          closed_ = true;
        }
        break;
      default:
        break;
    }
    copier_.copy(from_, item);
  }

  /// Says "recovered" to people, and remembers where the ledger stood.
  void take_section() {
    capture_section section = from_.section();
    for (const custom_option& each : section.header.custom) {
      const auto text = recording_note_text(each);
      auto note =
          text ? parse_recording_note(*text) : base::result<recording_note>(base::failure{});
      if (note && section.index == 0) {
        note_ = std::move(*note);
        totals_ = note_->totals;
      }
    }
    copier_.restart();
    section.header.comments.emplace_back("recovered");
    to_.begin_section(section);
  }

  [[nodiscard]] std::string name_of(std::uint32_t interface_id) const {
    const auto& name = from_.interfaces()[interface_id].description.name;
    return name.value_or("#" + std::to_string(interface_id));
  }

  /// The closing statistics of each interface, and the last note.
  void close() {
    for (auto& [name, totals] : totals_) {
      // What the last statistics counted, or what packets told of since.
      const std::uint64_t before = totals_of(note_->totals, name).osdrop;
      totals.osdrop = std::max(osdrop_[name], before + told_drops_[name]);
    }
    const auto interfaces = from_.interfaces();
    for (std::uint32_t id = 0; id < interfaces.size(); ++id) {
      const interface_totals totals = totals_of(totals_, name_of(id));
      interface_statistics_block statistics;
      statistics.timestamp = last_ticks_;
      statistics.filter_accept = totals.stored + totals.osdrop + totals.unwritten;
      statistics.os_drop = totals.osdrop;
      statistics.user_deliver = totals.stored;
      to_.add_statistics(statistics, id);
    }
    std::vector<std::byte> octets;
    append(octets, end_note{.reason = std::string(end_reason::recovered),
                            .totals = totals_,
                            .lost_octets = report_.octets_lost});
    const auto all = std::span<const std::byte>(octets);
    to_.add_block(capture_item::custom,
                  {.type = block_type::custom_not_copyable,
                   .order = byte_order::little,
                   .offset = 0,
                   .total_bytes = static_cast<std::uint32_t>(all.size()),
                   .body = all.subspan(8, all.size() - block_overhead_bytes)});
  }

  capture_reader& from_;
  capture_writer& to_;
  capture_copier copier_;
  repair_report report_;
  std::optional<recording_note> note_;
  recording_totals totals_;
  std::map<std::string, std::uint64_t> osdrop_;
  std::map<std::string, std::uint64_t> told_drops_;
  std::uint64_t last_ticks_ = 0;
  bool closed_ = false;
};

}  // namespace

repair_report repair_capture(capture_reader& from, capture_writer& to, std::uint64_t input_octets) {
  return repairer(from, to).run(input_octets);
}

}  // namespace captured::format
