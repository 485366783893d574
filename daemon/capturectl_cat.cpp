// SPDX-License-Identifier: MIT
//
// capturectl cat: files one behind the other on standard output, for pipes into other programs.
#include <limits>

#include "capturectl.hpp"
#include "capturectl_arguments.hpp"
#include "capturectl_comments.hpp"
#include "capturectl_input.hpp"
#include "capturectl_output.hpp"
#include "format/capture_copier.hpp"

namespace captured::capturectl {
namespace {

using namespace format;

constexpr command_words words{
    "cat", "[options] FILE...",
    "Writes the files one behind the other to standard output, as one capture with one\n"
    "section, for pipes into other programs. Files may be of any format, compressed or not.\n"
    "Exit status: 0 all is well, 1 a file is broken or packets could not be written, 2 wrong\n"
    "usage.\n",
    "  capturectl cat captures/*.pcapng.zst | tshark -r - -Y dns\n"
    "  capturectl cat today.pcapng | wireshark -k -i -\n"
    "  capturectl cat -F pcap-us today.pcapng | tcpdump -n -r -\n"};

void copy_file(const std::string& path, capture_writer& to, shared_interfaces& shared,
               transfer_report& report, progress& shown, std::uint64_t& octets_before,
               std::uint64_t& headers) {
  auto input = capture_input::open(path, {}, capture_input::access::streamed);
  if (!input) {
    report.errors.push_back(input.error().message());
    return;
  }
  capture_reader& reader = (*input)->reader();
  capture_copier copier(to, shared);
  while (!to.failed()) {
    const capture_item item = reader.next();
    if (item == capture_item::packet) [[likely]] {
      ++report.packets_read;
      copier.copy_packet(reader.packet(), reader.stable());
      shown.at(octets_before + reader.octets_read());
      (*input)->moved();
    } else if (item == capture_item::failed) {
      report.errors.push_back(path + ": " + reader.failure().message());
      break;
    } else if (item == capture_item::end) {
      break;
    } else {
      copier.copy(reader, item);
    }
  }
  add_counts(report.input, reader.counts());
  headers += copier.sections_merged();
  octets_before += (*input)->size();
  if (const auto done = to.flush(); !done) {
    report.errors.push_back(done.error().message());
  }
}

}  // namespace

int cat(const std::vector<std::string>& arguments) {
  std::vector<std::string> paths;
  output_options output_choice;
  bool quiet = false;
  bool as_json = false;
  option_list visible;
  visible.value("format,F", output_choice.format, "pcapng (default), pcap, pcap-us, pcap-ns, lpcap")
      .value("compress", output_choice.compression, "gzip, zstd, none")
      .flag("json", as_json, "report as one JSON object, on standard error")
      .flag("quiet,q", quiet, "do not say what was lost");
  constexpr std::size_t files_max = 1'000'000;
  if (const auto status = parse_arguments(words, visible, arguments, paths, 1, files_max)) {
    return *status;
  }
  if (const auto known = check_output_options("-", output_choice); !known) {
    complain(words.name, known.error().message());
    return exit_usage;
  }
  for (const std::string& path : paths) {
    if (is_same_file(path, "-")) {
      complain(words.name, "standard output is one of the inputs, " + path);
      return exit_usage;
    }
  }
  auto output = capture_output::open("-", output_choice);
  if (!output) {
    complain(words.name, output.error().message());
    return exit_trouble;
  }
  transfer_report report;
  shared_interfaces shared;
  capture_writer& writer = (*output)->writer();
  capture_section section;
  section.format = capture_format::pcapng;
  kept_comments comments;
  for (const std::string& path : paths) {
    comments.look_into(path);
  }
  section.header.comments = comments.texts();
  writer.begin_section(section);
  progress shown(quiet ? std::nullopt : std::optional(total_size(paths)));
  std::uint64_t octets = 0;
  std::uint64_t headers = 0;
  for (const std::string& path : paths) {
    copy_file(path, writer, shared, report, shown, octets, headers);
    if (writer.failed()) {
      break;
    }
  }
  add_counts(report.counts, writer.counts());
  if (const auto done = (*output)->finish(); !done && report.errors.empty()) {
    report.errors.push_back(done.error().message());
  }
  sum_up(report);
  if (headers != 0) {
    report.remarks.push_back(section_remark(headers, comments));
  }
  report_left_out(report, shared);
  return print_report(words.name, report, {.json = as_json, .quiet = quiet, .to_error = true});
}

}  // namespace captured::capturectl
