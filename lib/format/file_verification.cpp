// SPDX-License-Identifier: MIT
//
// verify_file: one pass over the blocks. How their figures agree is for figure_verification.
#include <algorithm>
#include <utility>

#include "format/block_reader.hpp"
#include "format/figure_verification.hpp"
#include "format/pcapng_parse.hpp"
#include "format/verification.hpp"

namespace captured::format {
namespace {

class file_verifier {
 public:
  file_verifier(std::string name, octet_source& source) : reader_(source) {
    report_.name = std::move(name);
  }

  file_report run() {
    block_reader::step step = reader_.next();
    while (step.what == block_reader::status::block && take(step.block)) {
      report_.octets = reader_.offset();
      step = reader_.next();
    }
    judge_state(judge_end(step));
    if (report_.note && report_.state == file_state::closed) {
      judge_figures(report_);
    }
    return std::move(report_);
  }

 private:
  void find(severity level, std::optional<std::uint64_t> offset, std::string text) {
    add_finding(report_, level, offset, std::move(text));
  }
  /// False, for callers that give up with it.
  bool fault(std::uint64_t offset, std::string text) {
    find(severity::fault, offset, std::move(text));
    return false;
  }

  bool not_described(const block_view& block, std::uint32_t interface_id) {
    return fault(block.offset,
                 "the block is of interface " + std::to_string(interface_id) + ", not described");
  }

  [[nodiscard]] bool is_part() const { return report_.name.ends_with(".part"); }

  bool take(const block_view& block);
  bool take_section(const block_view& block);
  bool take_interface(const block_view& block);
  bool take_packet(const block_view& block);
  bool take_old_packet(const block_view& block);
  bool take_statistics(const block_view& block);
  bool take_custom(const block_view& block);
  interface_account* account_of(std::uint32_t interface_id);

  [[nodiscard]] bool is_unwritten_space() const;
  bool judge_end(const block_reader::step& step);
  void judge_state(bool whole);

  block_reader reader_;
  file_report report_;
  std::vector<interface_account*> section_interfaces_;  ///< by id; the accounts are in the report
  bool any_section_ = false;
  bool ends_ = false;  ///< our last block was seen
};

interface_account* file_verifier::account_of(std::uint32_t interface_id) {
  return interface_id < section_interfaces_.size() ? section_interfaces_[interface_id] : nullptr;
}

/// False when the block is such that nothing behind it can be trusted.
bool file_verifier::take(const block_view& block) {
  if (std::exchange(ends_, false)) {
    return fault(block.offset, "blocks follow the one that should be the last");
  }
  switch (block.type) {
    case block_type::section_header:
      return take_section(block);
    case block_type::interface_description:
      return take_interface(block);
    case block_type::enhanced_packet:
      return take_packet(block);
    case block_type::packet:
    case block_type::simple_packet:
      return take_old_packet(block);
    case block_type::interface_statistics:
      return take_statistics(block);
    case block_type::custom_copyable:
    case block_type::custom_not_copyable:
      return take_custom(block);
    default:
      return true;
  }
}

bool file_verifier::take_section(const block_view& block) {
  std::uint64_t left_out = 0;
  const auto header = parse_section_header(block, left_out);
  if (!header) {
    return fault(block.offset, header.error().detail);
  }
  section_interfaces_.clear();
  if (std::exchange(any_section_, true)) {
    if (report_.note) {
      return fault(block.offset, "a second section begins; our files have one");
    }
    return true;
  }
  for (const custom_option& each : header->custom) {
    const auto text = recording_note_text(each);
    if (!text) {
      continue;
    }
    auto note = parse_recording_note(*text);
    if (!note) {
      return fault(block.offset, note.error().message());
    }
    report_.note = std::move(*note);
    break;
  }
  return true;
}

bool file_verifier::take_interface(const block_view& block) {
  std::uint64_t left_out = 0;
  const auto description = parse_interface_description(block, left_out);
  if (!description) {
    return fault(block.offset, description.error().detail);
  }
  const std::size_t id = section_interfaces_.size();
  if (id == interfaces_per_section_max) {
    return fault(block.offset, "there are more than " + std::to_string(id) + " interfaces");
  }
  const std::string name = description->name.value_or("#" + std::to_string(id));
  section_interfaces_.push_back(&report_.interfaces[name]);
  section_interfaces_.back()->interface_id = static_cast<std::uint32_t>(id);
  return true;
}

bool file_verifier::take_packet(const block_view& block) {
  const auto packet = view_enhanced_packet(block);
  if (!packet) {
    return fault(block.offset, "the packet is longer than its block");
  }
  interface_account* const account = account_of(packet->interface_id);
  if (account == nullptr) {
    return not_described(block, packet->interface_id);
  }
  option_cursor options = packet->options;
  option_view each;
  while (options.next(each)) {
    if (each.code == option::epb_dropcount && each.value.size() == sizeof(std::uint64_t)) {
      account->dropcount_sum += load<std::uint64_t>(each.value.data(), block.order);
    }
  }
  if (options.damaged()) {
    find(severity::fault, block.offset, "the options of the packet run out of its block");
  }
  ++report_.packets;
  ++account->packets;
  account->octets += packet->data.size();
  account->steps_back += packet->ticks < account->last_ticks ? 1u : 0u;
  account->last_ticks = packet->ticks;
  return true;
}

/// The obsolete and the simple packet block: of foreign files only, and only counted.
bool file_verifier::take_old_packet(const block_view& block) {
  const bool simple = block.type == block_type::simple_packet;
  const std::size_t fixed_bytes = simple ? 4 : 20;
  if (block.body.size() < fixed_bytes) {
    return fault(block.offset, "the packet block is too short");
  }
  const std::uint32_t id = simple ? 0 : load<std::uint16_t>(block.body.data(), block.order);
  interface_account* const account = account_of(id);
  if (account == nullptr) {
    return not_described(block, id);
  }
  if (!simple &&
      load<std::uint32_t>(block.body.data() + 12, block.order) > block.body.size() - fixed_bytes) {
    return fault(block.offset, "the packet is longer than its block");
  }
  ++report_.packets;
  ++account->packets;
  return true;
}

bool file_verifier::take_statistics(const block_view& block) {
  std::uint64_t left_out = 0;
  const auto statistics = parse_interface_statistics(block, left_out);
  if (!statistics) {
    return fault(block.offset, statistics.error().detail);
  }
  interface_account* const account = account_of(statistics->interface_id);
  if (account == nullptr) {
    return not_described(block, statistics->interface_id);
  }
  account->has_statistics = true;
  account->filter_accept = statistics->filter_accept;
  account->os_drop = statistics->os_drop;
  account->user_deliver = statistics->user_deliver;
  return true;
}

bool file_verifier::take_custom(const block_view& block) {
  const auto custom = parse_custom(block);
  if (!custom) {
    return fault(block.offset, custom.error().detail);
  }
  const auto text = end_note_text(*custom, block.order);
  if (!text || !report_.note) {
    return true;
  }
  auto end = parse_end_note(*text);
  if (!end) {
    return fault(block.offset, end.error().message());
  }
  report_.end = std::move(*end);
  ends_ = true;
  return true;
}

/// A file being written is preallocated: where nothing is written yet there are zeros. A block that
/// lies across the edge of what is written lacks its length or its trailer.
bool file_verifier::is_unwritten_space() const {
  const auto octets = reader_.ahead();
  if (octets.size() < block_overhead_bytes) {
    return true;
  }
  const auto total = base::load_little<std::uint32_t>(octets.data() + 4);
  if (total == 0) {
    return true;
  }
  return total >= block_overhead_bytes && total <= octets.size() &&
         base::load_little<std::uint32_t>(octets.data() + total - 4) == 0;
}

/// Is the file whole, judged by how the walk over it ended?
bool file_verifier::judge_end(const block_reader::step& step) {
  const std::uint64_t offset = report_.octets;
  switch (step.what) {
    case block_reader::status::end:
      if (offset == 0 && !is_part()) {
        return fault(0, "the file is empty");
      }
      return true;
    case block_reader::status::failed:
      return fault(offset, reader_.failure().message());
    case block_reader::status::truncated:
      if (is_part()) {
        return true;
      }
      return fault(offset, "the file ends inside a block");
    case block_reader::status::damaged:
      if (is_part() && is_unwritten_space()) {
        return true;
      }
      return fault(offset, describe(step.problem));
    case block_reader::status::block:
      break;  // it was refused, and why is among the findings
  }
  return false;
}

void file_verifier::judge_state(bool whole) {
  if (!whole) {
    report_.state = file_state::broken;
  } else if (is_part()) {
    report_.state = file_state::open;
    find(severity::note, report_.octets,
         ends_ ? "the file is complete but not renamed yet" : "the file is being written");
  } else if (!report_.note) {
    report_.state = file_state::foreign;
    find(severity::note, std::nullopt,
         "the file has no recording note: only its structure was checked");
  } else if (ends_) {
    report_.state = file_state::closed;
  } else {
    report_.state = file_state::cut;
    fault(report_.octets, "the file ends without our last block: it was cut or never closed");
  }
}

}  // namespace

const char* describe(file_state state) noexcept {
  switch (state) {
    case file_state::closed:
      return "closed";
    case file_state::open:
      return "open";
    case file_state::cut:
      return "cut";
    case file_state::foreign:
      return "foreign";
    case file_state::broken:
      return "broken";
  }
  return "unknown";
}

file_report verify_file(std::string name, octet_source& source) {
  return file_verifier(std::move(name), source).run();
}

}  // namespace captured::format
