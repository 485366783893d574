// SPDX-License-Identifier: MIT
#include "format/figure_verification.hpp"

#include <set>
#include <utility>

namespace captured::format {
namespace {

std::string counted(std::uint64_t count, const char* noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

/// The last statistics block against the last note, which was just held against the packets.
void judge_statistics(file_report& report, const std::string& name,
                      const interface_account& account) {
  const interface_totals end = totals_of(report.end->totals, name);
  if (!account.has_statistics) {
    // An interface that was gone before this file began has no description here.
    if (account.packets != 0 || end != totals_of(report.note->totals, name)) {
      add_finding(report, severity::fault, std::nullopt, name + ": there is no statistics block");
    }
    return;
  }
  const auto compare = [&](const char* counter, std::optional<std::uint64_t> said,
                           std::uint64_t expected) {
    if (!said) {
      add_finding(report, severity::fault, std::nullopt,
                  name + ": the last statistics have no " + counter);
    } else if (*said != expected) {
      add_finding(report, severity::fault, std::nullopt,
                  name + ": " + counter + " is " + std::to_string(*said) +
                      " in the last statistics, " + std::to_string(expected) + " in the last note");
    }
  };
  compare("isb_usrdeliv", account.user_deliver, end.stored);
  compare("isb_osdrop", account.os_drop, end.osdrop);
  if (report.end->reason == end_reason::stop) {
    compare("isb_filteraccept", account.filter_accept, end.stored + end.osdrop + end.unwritten);
  }
}

/// Notes against packets: totals at the start + what the file holds = totals at the end.
void judge_interface(file_report& report, const std::string& name) {
  const interface_totals start = totals_of(report.note->totals, name);
  const interface_totals end = totals_of(report.end->totals, name);
  const auto found = report.interfaces.find(name);
  const interface_account account =
      found == report.interfaces.end() ? interface_account{} : found->second;
  if (report.note->forgotten && !report.note->totals.contains(name)) {
    // It may be back, with the figures of a time that the notes no longer list.
    if (end.stored < account.packets) {
      add_finding(report, severity::fault, std::nullopt,
                  name + ": the notes count " + std::to_string(end.stored) +
                      " stored packets, but the file alone holds " +
                      counted(account.packets, "packet"));
    }
    return judge_statistics(report, name, account);
  }
  if (end.stored - start.stored != account.packets) {
    add_finding(report, severity::fault, std::nullopt,
                name + ": the notes count from " + std::to_string(start.stored) + " to " +
                    std::to_string(end.stored) + " stored packets, but the file holds " +
                    counted(account.packets, "packet"));
  }
  if (end.osdrop < start.osdrop || end.unwritten < start.unwritten) {
    add_finding(report, severity::fault, std::nullopt,
                name + ": the totals at the end are below those at the start");
  } else if (end.osdrop < account.dropcount_sum) {
    // Not held against the growth in this file alone: a loss that the file before already counts in
    // its closing statistics is told by the first packet after it, which may lie in this one.
    add_finding(report, severity::fault, std::nullopt,
                name + ": the packets tell of " + std::to_string(account.dropcount_sum) +
                    " drops, the notes of " + std::to_string(end.osdrop));
  }
  judge_statistics(report, name, account);
}

void report_losses(file_report& report, const std::string& name) {
  const interface_totals start = totals_of(report.note->totals, name);
  const interface_totals end = totals_of(report.end->totals, name);
  if (end.osdrop > start.osdrop) {
    add_finding(report, severity::loss, std::nullopt,
                name + ": the kernel dropped " + counted(end.osdrop - start.osdrop, "packet"));
  }
  if (end.unwritten > start.unwritten) {
    add_finding(
        report, severity::loss, std::nullopt,
        name + ": the disk did not take " + counted(end.unwritten - start.unwritten, "packet"));
  }
}

}  // namespace

void add_finding(file_report& report, severity level, std::optional<std::uint64_t> offset,
                 std::string text) {
  report.losses += level == severity::loss ? 1u : 0u;
  report.faults += level == severity::fault ? 1u : 0u;
  if (report.findings.size() == findings_per_file_max) {
    ++report.findings_left_out;
    return;
  }
  report.findings.push_back(
      {.level = level, .file = report.name, .offset = offset, .text = std::move(text)});
}

void judge_figures(file_report& report) {
  std::set<std::string> names;
  const auto add_names = [&](const auto& map) {
    for (const auto& each : map) {
      names.insert(each.first);
    }
  };
  add_names(report.interfaces);
  add_names(report.note->totals);
  add_names(report.end->totals);
  for (const std::string& name : names) {
    judge_interface(report, name);
    report_losses(report, name);
  }
  if (report.end->lost_octets != 0) {
    add_finding(report, severity::loss, std::nullopt,
                "repair cut off " + counted(report.end->lost_octets, "octet"));
  }
}

}  // namespace captured::format
