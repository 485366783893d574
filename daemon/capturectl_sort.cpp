// SPDX-License-Identifier: MIT
//
// capturectl sort: a file with its packets in the order of their times.
#include <algorithm>
#include <optional>

#include "capturectl.hpp"
#include "capturectl_arguments.hpp"
#include "capturectl_input.hpp"
#include "capturectl_output.hpp"
#include "capturectl_spool.hpp"
#include "format/capture_copier.hpp"
#include "format/packet_sorter.hpp"
#include "format/pcapng_writer.hpp"

namespace captured::capturectl {
namespace {

using namespace format;

struct sort_options {
  std::vector<std::string> paths;
  output_options output;
  std::uint32_t window = 65536;
  bool json = false;
  bool quiet = false;
  bool lenient = false;
};

class sorter {
 public:
  sorter(const sort_options& options, capture_input& input, capture_output& output)
      : options_(options),
        input_(input),
        reader_(input.reader()),
        output_(output),
        copier_(output.writer(), shared_),
        window_(options.window,
                {.packet =
                     [this](const capture_packet& packet, std::uint32_t interface_id) {
                       output_.writer().add_packet(packet, interface_id, true);
                     },
                 .plain =
                     [this](const plain_packet& packet, std::uint32_t interface_id) {
                       output_.writer().add_plain(packet, interface_id, true);
                     }}),
        progress_(options.quiet ? std::nullopt : std::optional(input.size())) {}

  transfer_report run() {
    capture_item item = reader_.next();
    while (item != capture_item::end && item != capture_item::failed &&
           !output_.writer().failed()) {
      take(item);
      take_plain();
      item = reader_.next();
    }
    window_.flush();
    if (item == capture_item::failed) {
      report_.errors.push_back(options_.paths[0] + ": " + reader_.failure().message());
    }
    for (std::uint32_t id = 0; id < statistics_.size(); ++id) {
      if (statistics_[id]) {
        output_.writer().add_statistics(*statistics_[id], id);
      }
    }
    finish();
    return std::move(report_);
  }

 private:
  void take_plain() {
    plain_packet packet;
    while (copier_.takes_plain() && reader_.next_plain(packet) && !output_.writer().failed()) {
      ++report_.packets_read;
      if (const auto& id = copier_.id_of(packet.interface_id)) {
        window_.add(packet, *id);
      }
      progress_.at(reader_.octets_read());
      input_.moved();
    }
  }

  void take(capture_item item) {
    if (item == capture_item::packet) [[likely]] {
      ++report_.packets_read;
      const capture_packet& packet = reader_.packet();
      if (const auto& id = copier_.id_of(packet.interface_id)) {
        window_.add(packet, *id);
      }
      progress_.at(reader_.octets_read());
      input_.moved();
      return;
    }
    if (item == capture_item::section && !begun_) {
      output_.writer().begin_section(reader_.section());
      begun_ = true;
      copier_.restart();
      return;
    }
    if (item == capture_item::statistics) {
      hold_statistics();
      return;
    }
    copier_.copy(reader_, item);
  }

  /// Behind the packets that are held; of each interface the last says what the others said.
  void hold_statistics() {
    const auto& id = copier_.id_of(reader_.statistics().interface_id);
    if (!id) {
      return;
    }
    statistics_.resize(std::max<std::size_t>(statistics_.size(), *id + 1));
    auto& held = statistics_[*id];
    if (held) {
      output_.writer().add_statistics(*held, *id);
    }
    held = reader_.statistics();
  }

  void finish() {
    add_counts(report_.counts, output_.writer().counts());
    if (const auto done = output_.finish(); !done) {
      report_.errors.push_back(done.error().message());
    } else {
      report_.outputs.push_back(options_.paths[1]);
    }
    add_counts(report_.input, reader_.counts());
    sum_up(report_);
    report_left_out(report_, shared_);
    if (copier_.sections_merged() != 0) {
      report_.remarks.push_back(std::to_string(copier_.sections_merged()) +
                                " section headers behind the first, with comments or names, "
                                "are gone");
    }
    report_.remarks.push_back(std::to_string(window_.moved()) + " packets were moved");
    if (window_.out_of_window() != 0) {
      report_.errors.push_back(std::to_string(window_.out_of_window()) +
                               " packets are still out of order: a larger --window is needed");
    }
  }

  const sort_options& options_;
  capture_input& input_;
  capture_reader& reader_;
  capture_output& output_;
  shared_interfaces shared_;
  capture_copier copier_;
  packet_sorter window_;
  progress progress_;
  std::vector<std::optional<interface_statistics_block>> statistics_;  ///< by interface
  bool begun_ = false;
  transfer_report report_;
};

constexpr command_words words{
    "sort", "[options] IN OUT",
    "Writes the packets of IN into OUT in the order of their times. A packet may be so many\n"
    "packets away from its place as --window says; memory grows with the window only. What\n"
    "comes from a pipe, or is compressed, is first laid down in TMPDIR. Exit status: 0 all is\n"
    "well, 1 IN is broken or packets are further away than the window, 2 wrong usage.\n",
    "  capturectl sort mixed.pcapng sorted.pcapng\n"
    "  capturectl sort --window 1000000 mixed.pcapng sorted.pcapng\n"};

int sort_file(const sort_options& options) {
  std::string error;
  auto input = open_mapped(options.paths[0], {.lenient = options.lenient}, error);
  if (!input) {
    complain(words.name, input.error().message());
    return exit_trouble;
  }
  auto output = capture_output::open(options.paths[1], options.output);
  if (!output) {
    complain(words.name, output.error().message());
    return exit_trouble;
  }
  transfer_report report = sorter(options, **input, **output).run();
  if (!error.empty()) {
    report.errors.push_back(std::move(error));
  }
  return print_report(
      words.name, report,
      {.json = options.json, .quiet = options.quiet, .to_error = options.paths[1] == "-"});
}

}  // namespace

int sort(const std::vector<std::string>& arguments) {
  sort_options options;
  option_list visible;
  visible
      .value("window,w", options.window,
             "packets; 65536 when not given, 370 octets of memory for each")
      .value("format,F", options.output.format,
             "pcapng, pcap, pcap-us, pcap-ns, lpcap; else by the name")
      .value("compress", options.output.compression, "gzip, zstd, none")
      .flag("lenient", options.lenient, "go on after damage where it is clear how")
      .flag("json", options.json, "report as one JSON object")
      .flag("quiet,q", options.quiet, "do not say what was lost or moved");
  if (const auto status = parse_arguments(words, visible, arguments, options.paths, 2, 2)) {
    return *status;
  }
  constexpr std::uint32_t window_max = 1u << 28;
  const auto known = check_output_options(options.paths[1], options.output);
  if (!known || options.window == 0 || options.window > window_max ||
      is_same_file(options.paths[0], options.paths[1])) {
    complain(words.name, known ? "the window must be 1 to 268435456, and OUT another file than IN"
                               : known.error().message());
    return exit_usage;
  }
  return sort_file(options);
}

}  // namespace captured::capturectl
