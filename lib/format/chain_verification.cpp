// SPDX-License-Identifier: MIT
//
// verify_chains: what the notes of neighbouring files say of one another.
#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "format/verification.hpp"

namespace captured::format {
namespace {

/// The name a file has, or will have when it is complete, or had before it was compressed, without
/// its folder.
std::string_view final_name(std::string_view path) {
  constexpr std::string_view part = ".part";
  path.remove_prefix(path.find_last_of('/') + 1);  // npos + 1 is 0
  for (const std::string_view compressed : {".gz", ".zst", ".lz4"}) {
    if (path.ends_with(compressed)) {
      path.remove_suffix(compressed.size());
      break;
    }
  }
  if (path.ends_with(part)) {
    path.remove_suffix(part.size());
  }
  return path;
}

std::string quoted(std::string_view name) {
  return "\"" + std::string(name) + "\"";
}

/// The recorder puts "+N" behind a name that somebody else's file took while the file was open; its
/// successor may have been begun by then and names it as it was to be called.
bool is_named_apart(std::string_view name, std::string_view wanted) {
  constexpr std::string_view suffix = ".pcapng";
  if (!name.ends_with(suffix) || !wanted.ends_with(suffix)) {
    return false;
  }
  name.remove_suffix(suffix.size());
  wanted.remove_suffix(suffix.size());
  if (!name.starts_with(wanted)) {
    return false;
  }
  const std::string_view number = name.substr(wanted.size());
  return number.size() > 1 && number.front() == '+' &&
         number.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

class chain_verifier {
 public:
  std::vector<finding> run(std::span<const file_report> files) {
    std::vector<const file_report*> ours;
    for (const file_report& file : files) {
      if (file.note) {
        ours.push_back(&file);
      }
    }
    std::stable_sort(ours.begin(), ours.end(), [](const auto* left, const auto* right) {
      return std::pair(std::string_view(left->note->output), left->note->sequence) <
             std::pair(std::string_view(right->note->output), right->note->sequence);
    });
    for (std::size_t i = 0; i < ours.size(); ++i) {
      const bool follows = i > 0 && ours[i - 1]->note->output == ours[i]->note->output;
      if (follows) {
        judge_neighbours(*ours[i - 1], *ours[i]);
      }
      const bool goes_on = follows && ours[i - 1]->note->recording == ours[i]->note->recording;
      if (!goes_on) {
        finish_recording();
      }
      add_drops(*ours[i]);
    }
    finish_recording();
    return std::move(findings_);
  }

 private:
  void find(severity level, const file_report& file, std::string text) {
    findings_.push_back(
        {.level = level, .file = file.name, .offset = std::nullopt, .text = std::move(text)});
  }

  void judge_neighbours(const file_report& before, const file_report& after);
  void judge_succession(const file_report& before, const file_report& after);
  void judge_totals(const file_report& before, const file_report& after);
  bool judge_lost(const file_report& after, const std::string& name, const interface_totals& ended,
                  const interface_totals& begun);
  void judge_new_recording(const file_report& before, const file_report& after);

  void add_drops(const file_report& file);
  void finish_recording();

  std::vector<finding> findings_;
  std::map<std::string, std::uint64_t> told_drops_;  ///< by interface, in the recording at hand
  const file_report* last_with_end_ = nullptr;       ///< of the recording at hand
};

void chain_verifier::judge_neighbours(const file_report& before, const file_report& after) {
  const std::uint64_t step = after.note->sequence - before.note->sequence;
  if (step == 0) {
    find(severity::fault, after,
         "it has the same sequence number as " + quoted(final_name(before.name)) + ", " +
             std::to_string(after.note->sequence));
    return;
  }
  if (step > 1) {
    find(severity::fault, after,
         std::to_string(step - 1) + (step == 2 ? " file is" : " files are") + " missing between " +
             quoted(final_name(before.name)) + " (" + std::to_string(before.note->sequence) +
             ") and this one (" + std::to_string(after.note->sequence) + ")");
    return;
  }
  judge_succession(before, after);
}

/// Files whose numbers follow one another.
void chain_verifier::judge_succession(const file_report& before, const file_report& after) {
  const std::string_view expected = final_name(before.name);
  if (!after.note->previous) {
    find(severity::fault, after, "it names no predecessor, which should be " + quoted(expected));
  } else if (const auto named = final_name(*after.note->previous);
             is_named_apart(expected, named)) {
    find(severity::note, after,
         "its predecessor " + quoted(expected) + " was to be called " + quoted(named) +
             ", which another file had taken");
  } else if (named != expected) {
    find(severity::fault, after,
         "it names " + quoted(*after.note->previous) + " as its predecessor, which should be " +
             quoted(expected));
  }
  if (after.note->recording == before.note->recording) {
    judge_totals(before, after);
  } else {
    judge_new_recording(before, after);
  }
}

void chain_verifier::judge_totals(const file_report& before, const file_report& after) {
  if (!before.end) {
    // A file that has a successor is being closed, or is broken and said to be so.
    find(severity::note, after,
         "its totals cannot be judged: " + quoted(final_name(before.name)) + " is " +
             describe(before.state));
    return;
  }
  std::set<std::string> names;
  for (const auto& each : before.end->totals) {
    names.insert(each.first);
  }
  for (const auto& each : after.note->totals) {
    names.insert(each.first);
  }
  for (const std::string& name : names) {
    if (after.note->forgotten && !after.note->totals.contains(name)) {
      continue;
    }
    const interface_totals ended = totals_of(before.end->totals, name);
    const interface_totals begun = totals_of(after.note->totals, name);
    const auto compare = [&](const char* what, std::uint64_t at_end, std::uint64_t at_start) {
      // Its successor was begun before a crash or a disk's end cost it its last packets.
      if (at_end < at_start && before.end->reason == end_reason::recovered) {
        find(severity::loss, before,
             name + ": " + std::to_string(at_start - at_end) + " " + what +
                 " were counted up to its successor that repair did not find in it");
      } else if (at_end != at_start) {
        find(severity::fault, after,
             name + ": it begins with " + std::to_string(at_start) + " " + what + ", but " +
                 quoted(final_name(before.name)) + " ended with " + std::to_string(at_end));
      }
    };
    if (judge_lost(after, name, ended, begun)) {
      continue;
    }
    compare("osdrop", ended.osdrop, begun.osdrop);
    compare("stored", ended.stored, begun.stored);
    compare("unwritten", ended.unwritten, begun.unwritten);
  }
}

/// Were packets given up between the two files? Of an earlier file that was left in a folder that
/// was gone it is known late what that cost. One that never got its name may have lain between.
bool chain_verifier::judge_lost(const file_report& after, const std::string& name,
                                const interface_totals& ended, const interface_totals& begun) {
  const std::uint64_t lost = begun.unwritten - ended.unwritten;
  const std::uint64_t taken_back = ended.stored - begun.stored;
  if (begun.unwritten <= ended.unwritten || begun.stored > ended.stored || taken_back > lost ||
      begun.osdrop < ended.osdrop) {
    return false;
  }
  if (taken_back > 0) {
    find(severity::loss, after,
         name + ": " + std::to_string(taken_back) +
             " packets that were counted as stored were not taken by the disk after all");
  }
  if (lost > taken_back) {
    find(severity::loss, after,
         name + ": " + std::to_string(lost - taken_back) +
             " packets before it were not taken by the disk, with the file they were to be in");
  }
  if (begun.osdrop > ended.osdrop) {
    find(severity::loss, after,
         name + ": " + std::to_string(begun.osdrop - ended.osdrop) +
             " drops were told in a file that the disk did not take");
  }
  return true;
}

void chain_verifier::judge_new_recording(const file_report& before, const file_report& after) {
  for (const auto& [name, totals] : after.note->totals) {
    if (totals != interface_totals{} && !judge_lost(after, name, {}, totals)) {
      find(severity::fault, after, name + ": a new recording begins, but not from zero");
    }
  }
  if (before.end && before.end->reason == end_reason::rotation) {
    find(severity::loss, before,
         "the recording went on after this file, but its next file was never written");
  }
}

/// A loss at the end of a file may be told by a packet of the next one, so that only the sums since
/// the recording began can be held against its totals.
void chain_verifier::add_drops(const file_report& file) {
  for (const auto& [name, account] : file.interfaces) {
    told_drops_[name] += account.dropcount_sum;
  }
  if (!file.end) {
    return;
  }
  last_with_end_ = &file;
  for (const auto& [name, told] : told_drops_) {
    const std::uint64_t osdrop = totals_of(file.end->totals, name).osdrop;
    // What one file alone contradicts was said of that file.
    const auto account = file.interfaces.find(name);
    const bool said = account != file.interfaces.end() && account->second.dropcount_sum > osdrop;
    const bool forgotten = file.note->forgotten && !file.end->totals.contains(name);
    if (told > osdrop && !said && !forgotten) {
      find(severity::fault, file,
           name + ": the packets since the recording began tell of " + std::to_string(told) +
               " drops, the note at the end of " + std::to_string(osdrop));
    }
  }
}

/// Sum of the drops told + remainder = osdrop at the end.
void chain_verifier::finish_recording() {
  if (last_with_end_ != nullptr) {
    for (const auto& [name, totals] : last_with_end_->end->totals) {
      const auto told = told_drops_.find(name);
      const std::uint64_t sum = told == told_drops_.end() ? 0 : told->second;
      if (totals.osdrop != 0 && sum <= totals.osdrop) {
        find(severity::note, *last_with_end_,
             name + ": " + std::to_string(sum) + " drops told by packets + " +
                 std::to_string(totals.osdrop - sum) + " not told by any here = osdrop " +
                 std::to_string(totals.osdrop));
      }
    }
  }
  told_drops_.clear();
  last_with_end_ = nullptr;
}

}  // namespace

std::vector<finding> verify_chains(std::span<const file_report> files) {
  return chain_verifier().run(files);
}

}  // namespace captured::format
