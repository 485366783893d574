// SPDX-License-Identifier: MIT
//
// verify_any_file: what the file is, and who judges it.
#include <algorithm>
#include <utility>

#include "format/capture_reader.hpp"
#include "format/decompression.hpp"
#include "format/figure_verification.hpp"
#include "format/pcapng_parse.hpp"
#include "format/verification.hpp"

namespace captured::format {
namespace {

/// The octets of a window once more as a source.
class window_source final : public octet_source {
 public:
  explicit window_source(octet_window& from) : from_(from) {}
  base::result<std::size_t> read(std::span<std::byte> room) override {
    if (!from_.require(1)) {
      if (from_.failure().code) {
        return from_.failure();
      }
      return std::size_t{0};
    }
    const auto part = from_.ahead().first(std::min(room.size(), from_.ahead().size()));
    std::copy(part.begin(), part.end(), room.begin());
    from_.skip(part.size());
    return part.size();
  }

 private:
  octet_window& from_;
};

/// A file without our notes, as the strict reader sees it: whole it is, or not.
class foreign_verifier {
 public:
  foreign_verifier(std::string name, octet_source& source) : reader_(source) {
    report_.name = std::move(name);
    report_.state = file_state::foreign;
  }

  file_report run() {
    capture_item item = reader_.next();
    while (item != capture_item::end && item != capture_item::failed) {
      take(item);
      item = reader_.next();
    }
    if (item == capture_item::failed) {
      const base::failure& why = reader_.failure();
      fault(reader_.failure_offset(), why.detail.empty() ? why.message() : why.detail);
    } else {
      end_section(report_.octets);
      if (report_.faults == 0) {
        add_finding(report_, severity::note, std::nullopt,
                    std::string(name_of(reader_.format())) +
                        " without a recording note: only its structure was checked");
      }
    }
    return std::move(report_);
  }

 private:
  void take(capture_item item) {
    const capture_block& block = reader_.block();
    if (item == capture_item::section) {
      end_section(block.offset);
      section_begin_ = block.offset + block.total_bytes;
      section_length_ = reader_.section().header.section_length;
    } else if (item == capture_item::packet) {
      take_packet(reader_.packet());
    }
    if (reader_.format() == capture_format::pcapng) {
      report_.octets = block.offset + block.total_bytes;
    }
  }

  void take_packet(const capture_packet& packet) {
    const auto& description = reader_.interfaces()[packet.interface_id].description;
    interface_account& account =
        report_.interfaces[description.name.value_or("#" + std::to_string(packet.interface_id))];
    ++report_.packets;
    ++account.packets;
    account.octets += packet.data.size();
    account.dropcount_sum += packet.dropcount.value_or(0);
    const auto ticks = static_cast<std::uint64_t>(packet.time);
    account.steps_back += ticks < account.last_ticks ? 1u : 0u;
    account.last_ticks = ticks;
    report_.octets = packet.offset + packet.record.size();
  }

  /// Is the section as long as its header says, where it says so? Programs write what is wrong
  /// there, and readers pass over it: nothing is lost by it.
  void end_section(std::uint64_t end) {
    constexpr std::int64_t not_said = -1;
    if (section_length_ != not_said &&
        static_cast<std::uint64_t>(section_length_) != end - section_begin_) {
      add_finding(report_, severity::note, section_begin_,
                  "the section header says that " + std::to_string(section_length_) +
                      " octets follow it, there are " + std::to_string(end - section_begin_));
    }
  }

  void fault(std::uint64_t offset, std::string text) {
    report_.state = file_state::broken;
    add_finding(report_, severity::fault, offset, std::move(text));
  }

  capture_reader reader_;
  file_report report_;
  std::uint64_t section_begin_ = 0;
  std::int64_t section_length_ = -1;
};

/// Is it pcapng whose first section header is whole and has no note of ours?
bool has_no_note(octet_window& window) {
  block_walker walker;
  block_walker::step step = walker.next(window.ahead());
  while (step.what == block_walker::status::more_needed && window.require(step.octets_needed)) {
    step = walker.next(window.ahead());
  }
  if (step.what != block_walker::status::block) {
    return false;
  }
  std::uint64_t left_out = 0;
  const auto header = parse_section_header(step.block, left_out);
  return header &&
         std::none_of(header->custom.begin(), header->custom.end(), [](const custom_option& each) {
           return recording_note_text(each).has_value();
         });
}

}  // namespace

file_report verify_any_file(std::string name, octet_source& source) {
  octet_window outer(source);
  std::vector<std::unique_ptr<octet_source>> decompressors;
  std::vector<std::unique_ptr<octet_window>> windows;
  octet_window* window = &outer;
  constexpr std::size_t layers_max = 3;
  static_cast<void>(window->require(detection_bytes));
  capture_format format = detect_format(window->ahead());
  while (is_compression(format) && windows.size() < layers_max) {
    decompressors.push_back(make_decompressor(format, *window));
    windows.push_back(std::make_unique<octet_window>(*decompressors.back()));
    window = windows.back().get();
    static_cast<void>(window->require(detection_bytes));
    format = detect_format(window->ahead());
  }
  window_source octets(*window);
  // Of a file being written, or an empty one, verify_file knows more.
  const bool part = name.ends_with(".part");
  const bool ours = (format == capture_format::pcapng && (part || !has_no_note(*window))) ||
                    format == capture_format::empty || (part && !why_not_read(format).empty());
  return ours ? verify_file(std::move(name), octets)
              : foreign_verifier(std::move(name), octets).run();
}

}  // namespace captured::format
