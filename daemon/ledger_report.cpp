// SPDX-License-Identifier: MIT
#include "daemon/ledger_report.hpp"

#include <algorithm>

#include <boost/json.hpp>
#include <spdlog/fmt/fmt.h>

namespace captured::daemon {

namespace {

std::string unique_name(const std::vector<ledger_row>& rows, const ledger_row& row) {
  const auto same = std::count_if(rows.begin(), rows.end(), [&](const ledger_row& other) {
    return other.interface == row.interface;
  });
  return same > 1 ? row.interface + "@" + row.output : row.interface;
}

}  // namespace

bool all_balanced(const std::vector<ledger_row>& rows) {
  return std::all_of(rows.begin(), rows.end(),
                     [](const ledger_row& row) { return row.figures.balanced(); });
}

std::string ledger_table(const std::vector<ledger_row>& rows) {
  std::size_t width = 9;
  for (const ledger_row& row : rows) {
    width = std::max(width, unique_name(rows, row).size());
  }
  std::string text =
      fmt::format("{:<{}} {:>14} {:>14} {:>12} {:>12} {:>16} {:>12}\n", "interface", width,
                  "filteraccept", "stored", "osdrop", "unwritten", "octets stored", "device drop");
  for (const ledger_row& row : rows) {
    const auto& f = row.figures;
    text += fmt::format("{:<{}} {:>14} {:>14} {:>12} {:>12} {:>16} {:>12}\n",
                        unique_name(rows, row), width, f.filteraccept, f.stored, f.osdrop,
                        f.unwritten, f.octets_stored, f.ifdrop);
  }
  text += all_balanced(rows) ? "filteraccept = stored + osdrop + unwritten for every interface\n"
                             : "THE LEDGER DOES NOT BALANCE\n";
  return text;
}

std::string ledger_line(const std::vector<ledger_row>& rows) {
  std::string text = "ledger:";
  for (const ledger_row& row : rows) {
    const auto& f = row.figures;
    text += fmt::format(" {} filteraccept {} stored {} osdrop {} unwritten {} in flight {};",
                        unique_name(rows, row), f.filteraccept, f.stored, f.osdrop, f.unwritten,
                        f.in_flight());
  }
  text.pop_back();
  return text;
}

std::string ledger_json(const std::vector<ledger_row>& rows) {
  boost::json::object interfaces;
  for (const ledger_row& row : rows) {
    const auto& f = row.figures;
    interfaces[unique_name(rows, row)] = {
        {"output", row.output},       {"filteraccept", f.filteraccept},
        {"stored", f.stored},         {"osdrop", f.osdrop},
        {"unwritten", f.unwritten},   {"octets_stored", f.octets_stored},
        {"ifrecv", f.ifrecv},         {"ifdrop", f.ifdrop},
        {"steps_back", f.steps_back}, {"damaged", f.damaged}};
  }
  return boost::json::serialize(
      boost::json::object{{"interfaces", interfaces}, {"balanced", all_balanced(rows)}});
}

}  // namespace captured::daemon
