// SPDX-License-Identifier: MIT
//
// verify_any_file: what the file is, and who judges it.
#include <algorithm>
#include <utility>

#include "format/capture_reader.hpp"
#include "format/decompression.hpp"
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

/// A format without our notes: whole it is, or not.
file_report verify_foreign(std::string name, octet_source& source) {
  file_report report;
  report.name = std::move(name);
  report.state = file_state::foreign;
  capture_reader reader(source);
  capture_item item = reader.next();
  while (item != capture_item::end && item != capture_item::failed) {
    if (item == capture_item::packet) {
      const capture_packet& packet = reader.packet();
      const auto& description = reader.interfaces()[packet.interface_id].description;
      interface_account& account =
          report.interfaces[description.name.value_or("#" + std::to_string(packet.interface_id))];
      ++report.packets;
      ++account.packets;
      account.octets += packet.data.size();
      account.dropcount_sum += packet.dropcount.value_or(0);
      const auto ticks = static_cast<std::uint64_t>(packet.time);
      account.steps_back += ticks < account.last_ticks ? 1u : 0u;
      account.last_ticks = ticks;
      report.octets = packet.offset + packet.record.size();
    }
    item = reader.next();
  }
  finding found{.level = severity::note,
                .file = report.name,
                .offset = std::nullopt,
                .text = std::string(name_of(reader.format())) +
                        " holds no recording note: only its structure was checked"};
  if (item == capture_item::failed) {
    report.state = file_state::broken;
    report.faults = 1;
    found.level = severity::fault;
    found.offset = reader.failure_offset();
    found.text =
        reader.failure().detail.empty() ? reader.failure().message() : reader.failure().detail;
  }
  report.findings.push_back(std::move(found));
  return report;
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
  const bool ours = format == capture_format::pcapng || format == capture_format::empty ||
                    (name.ends_with(".part") && !why_not_read(format).empty());
  return ours ? verify_file(std::move(name), octets) : verify_foreign(std::move(name), octets);
}

}  // namespace captured::format
