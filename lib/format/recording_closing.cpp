// SPDX-License-Identifier: MIT
#include "format/recording_closing.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.hpp"
#include "format/pcapng_blocks.hpp"

namespace captured::format {

namespace {

interface_statistics_block statistics_of(const file_report& report, const std::string& name,
                                         const interface_totals& end, std::string comment) {
  const interface_account& account = report.interfaces.at(name);
  interface_statistics_block block;
  block.interface_id = account.interface_id;
  block.timestamp = std::max(account.last_ticks, report.note->begun_ns);
  block.end_time = block.timestamp;
  block.filter_accept = end.stored + end.osdrop + end.unwritten;
  block.os_drop = end.osdrop;
  block.user_deliver = end.stored;
  block.comments.push_back(std::move(comment));
  return block;
}

}  // namespace

recording_totals totals_at_end(const file_report& report) {
  CAPTURED_CHECK(report.note.has_value());
  if (report.end) {
    return report.end->totals;
  }
  recording_totals totals = report.note->totals;
  for (const auto& [name, account] : report.interfaces) {
    interface_totals& end = totals[name];
    end.stored += account.packets;
    const auto untold = report.note->untold.find(name);
    const std::uint64_t told_before =
        end.osdrop -
        (untold == report.note->untold.end() ? 0 : std::min(untold->second, end.osdrop));
    end.osdrop =
        std::max({account.os_drop.value_or(0), end.osdrop, told_before + account.dropcount_sum});
  }
  return totals;
}

std::vector<std::byte> closing_blocks(const file_report& report, std::uint64_t octets_lost) {
  CAPTURED_CHECK(report.note.has_value());
  std::vector<std::byte> octets;
  if (report.end) {
    return octets;
  }
  const recording_totals totals = totals_at_end(report);
  for (const auto& [name, account] : report.interfaces) {
    append(octets, statistics_of(report, name, totals.at(name),
                                 "recovered: the recorder ended without closing this file; " +
                                     std::to_string(octets_lost) + " octets were cut off"));
  }
  append(octets, end_note{.reason = std::string(end_reason::recovered),
                          .totals = totals,
                          .lost_octets = octets_lost});
  return octets;
}

}  // namespace captured::format
