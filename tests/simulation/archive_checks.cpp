// SPDX-License-Identifier: MIT
//
// What all files together must say: of one another, and of what was sent.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "archive.hpp"

namespace captured::simulation {

void archive::check_chains() {
  std::vector<format::file_report> reports;
  for (const auto& each : files_) {
    if (!each.second.is_damaged) {
      reports.push_back(each.second.report);
    }
  }
  // Files end in no order. One that was cut by the end of the process may have one behind it that
  // was not; then what is missing is told by both.
  std::ranges::sort(reports, std::ranges::less{}, [](const auto& one) {
    return std::tuple(one.note->output, one.note->recording, one.note->sequence);
  });
  // Where numbers were used twice, each recording can only be judged by itself.
  for (auto rest = std::span(reports); !rest.empty();) {
    const auto end = has_gap_ ? std::ranges::find_if(rest,
                                                     [&rest](const auto& one) {
                                                       return one.note->recording !=
                                                              rest.front().note->recording;
                                                     })
                              : rest.end();
    check_chain(rest.first(static_cast<std::size_t>(end - rest.begin())));
    rest = rest.subspan(static_cast<std::size_t>(end - rest.begin()));
  }
}

/// Somebody has seen a file of this number, or nobody had to.
bool archive::is_known(const file_number& one) const {
  return excused_.contains(one) || std::ranges::any_of(files_, [&one](const auto& each) {
           return each.second.sequence == one.second && each.second.output == one.first;
         });
}

/// Forgiven is what follows from a file that never got its name: it is missing, and the drops that
/// it alone told of are told by none. And one that was given up may hold more than its successor
/// knows.
void archive::check_chain(std::span<const format::file_report> files) {
  std::set<std::string> behind_unseen;
  std::set<std::string> behind_given_up;
  std::set<std::string> has_unseen_twin;
  for (std::size_t i = 1; i < files.size(); ++i) {
    const format::file_report& before = files[i - 1];
    const format::file_report& after = files[i];
    bool is_all_known = after.note->output == before.note->output;
    for (std::uint64_t each = before.note->sequence + 1;
         is_all_known && each < after.note->sequence; ++each) {
      is_all_known = is_known({after.note->output, each});
    }
    if (is_all_known) {
      behind_unseen.insert(after.name);
    }
    if (given_up_.contains({before.note->output, before.note->sequence})) {
      behind_given_up.insert(after.name);
    }
    if (excused_.contains({after.note->output, after.note->sequence})) {
      has_unseen_twin.insert(after.name);
    }
  }
  for (const format::finding& each : format::verify_chains(files)) {
    const auto tells = [&each](const char* words) {
      return each.text.find(words) != std::string::npos;
    };
    const bool is_forgiven = (tells("missing between") && behind_unseen.contains(each.file)) ||
                             (tells(" osdrop, but ") && has_unseen_twin.contains(each.file)) ||
                             (tells(" it begins with ") && behind_given_up.contains(each.file));
    breaches_.check(each.level != format::severity::fault || is_forgiven,
                    [&] { return each.file + ": " + each.text; });
  }
}

std::vector<const archived_file*> archive::in_order() const {
  std::vector<const archived_file*> all;
  for (const auto& each : files_) {
    all.push_back(&each.second);
  }
  std::ranges::stable_sort(all, std::ranges::less{}, [](const archived_file* one) {
    return std::pair(std::string_view(one->recording), one->sequence);
  });
  return all;
}

void archive::check_losses(const traffic& sent, std::uint64_t excused) {
  std::map<std::string, std::uint64_t> by_recording;
  for (const auto& [name, one] : files_) {
    if (one.report.end) {
      std::uint64_t& most = by_recording[one.recording];
      most = std::max(most, format::totals_of(one.report.end->totals, sent.name).osdrop);
    }
  }
  std::uint64_t told = 0;
  for (const auto& [recording, drops] : by_recording) {
    told += drops;
  }
  const auto dropped =
      static_cast<std::uint64_t>(std::ranges::count(sent.packets, packet_fate::dropped));
  // The end of a file that was set aside is not believed: what it tells of may be told again.
  const bool is_told_once = told <= dropped && told + excused >= dropped;
  breaches_.check(was_any_set_aside_ || is_told_once, [&] {
    return sent.name + ": of " + std::to_string(dropped) + " drops the files tell of " +
           std::to_string(told) + ", and " + std::to_string(excused) + " may be untold";
  });
}

void archive::check_packets(std::uint32_t interface, const traffic& sent,
                            const std::vector<account>& accounts,
                            std::optional<std::uint32_t> all_from) {
  std::vector<bool> is_found(sent.packets.size());
  std::optional<std::uint32_t> last;
  const bool drops_have_places = !sent.has_loose_drops;
  // What the device refused is taken from its ring again, as far as that has it.
  const bool may_repeat = all_from && was_any_set_aside_;
  for (const archived_file* file : in_order()) {
    for (const found_frame& frame : file->frames) {
      if (frame.number >> number_bits != interface) {
        continue;
      }
      const std::uint32_t number = frame.number & number_mask;
      const auto words = [&](const char* what) {
        return sent.name + " packet " + std::to_string(number) + " in " + file->name + what;
      };
      breaches_.check(number < sent.packets.size() && sent.packets[number] != packet_fate::dropped,
                      [&] { return words(" was never accepted"); });
      if (number >= sent.packets.size()) {
        continue;
      }
      breaches_.check(may_repeat || !is_found[number], [&] { return words(" is there twice"); });
      breaches_.check(may_repeat || !last || number > *last,
                      [&] { return words(" is out of order"); });
      is_found[number] = true;
      std::uint64_t gap = 0;
      for (std::uint32_t i = number; i > 0 && sent.packets[i - 1] == packet_fate::dropped; --i) {
        if (std::ranges::find(sent.rings, i) != sent.rings.end()) {
          break;  // lost in another ring
        }
        ++gap;
      }
      breaches_.check(!drops_have_places || frame.dropcount == gap, [&] {
        return words(" tells of ") + std::to_string(frame.dropcount) + " drops before it, not " +
               std::to_string(gap);
      });
      last = number;
    }
  }
  for (std::uint32_t i = all_from.value_or(0); all_from && i < sent.packets.size(); ++i) {
    breaches_.check(sent.packets[i] == packet_fate::dropped || is_found[i], [&] {
      return sent.name + " packet " + std::to_string(i) + " was in its ring and is in no file";
    });
  }
  for (const account& one : accounts) {
    std::uint64_t count = 0;
    for (std::uint32_t i = one.first; i < one.end; ++i) {
      count += is_found[i] ? 1u : 0u;
      breaches_.check(sent.packets[i] != packet_fate::published || is_found[i], [&] {
        return sent.name + " packet " + std::to_string(i) + " was published and is gone";
      });
    }
    breaches_.check(one.is_settled ? count == one.stored : count >= one.stored, [&] {
      return sent.name + ": of packets " + std::to_string(one.first) + " to " +
             std::to_string(one.end) + " " + std::to_string(count) + " are in files, and " +
             std::to_string(one.stored) + " are stored as the ledger has it";
    });
  }
}

}  // namespace captured::simulation
