// SPDX-License-Identifier: MIT
//
// capturectl repair: keeps what is whole of a cut or damaged file.
#include <algorithm>
#include <cstdio>

#include "capturectl.hpp"
#include "capturectl_arguments.hpp"
#include "capturectl_input.hpp"
#include "capturectl_output.hpp"
#include "capturectl_spool.hpp"
#include "format/lpcap_writer.hpp"
#include "format/pcap_writer.hpp"
#include "format/pcapng_writer.hpp"
#include "format/recording_repair.hpp"

namespace captured::capturectl {
namespace {

namespace json = boost::json;
using namespace format;

constexpr command_words words{
    "repair", "[options] FILE [OUT]",
    "Writes all of FILE up to its last whole block or record into OUT, and closes it: a\n"
    "recording of captured gets its closing statistics and the note that it was recovered, so\n"
    "that verify can account for it. FILE stays as it is. Without OUT: NAME.pcapng.part\n"
    "becomes NAME.pcapng, and NAME.pcapng becomes NAME.repaired.pcapng; no file is\n"
    "overwritten then. pcap stays pcap, pcapng stays pcapng, all else becomes pcapng; the\n"
    "output is not compressed. \"-\" is standard input or output; the report is then on\n"
    "standard error. Exit status: 0 FILE was whole, 1 something was cut off or it\n"
    "could not be repaired, 2 wrong usage.\n",
    "  capturectl repair 20240220T120000Z-main-17.pcapng.part\n"
    "  capturectl repair cut.pcap whole.pcap\n"};

std::string default_output(const std::string& path) {
  if (path == "-") {
    return path;
  }
  constexpr std::string_view part = ".part";
  if (path.ends_with(part)) {
    return path.substr(0, path.size() - part.size());
  }
  std::string stem = path;
  for (const std::string_view ending : {".gz", ".zst", ".lz4"}) {
    if (stem.ends_with(ending)) {
      stem.resize(stem.size() - ending.size());
    }
  }
  const std::size_t slash = stem.find_last_of('/');
  const std::size_t dot = stem.find_last_of('.');
  const bool has_dot = dot != std::string::npos && (slash == std::string::npos || dot > slash);
  const std::size_t at = has_dot ? dot : stem.size();
  return stem.substr(0, at) + ".repaired" + stem.substr(at);
}

/// Octets of the (decompressed) file, without zeros at the end that were never written.
std::uint64_t count_octets(const std::string& path) {
  auto source = pipeline::file_source::open(path);
  if (!source) {
    return 0;
  }
  std::vector<std::byte> part(std::size_t{1} << 20);
  std::uint64_t octets = 0;
  std::uint64_t used = 0;
  while (true) {
    const auto count = source->read(part);
    if (!count || *count == 0) {
      return used;
    }
    const auto read = std::span(part).first(*count);
    const auto last = std::find_if(read.rbegin(), read.rend(),
                                   [](std::byte octet) { return octet != std::byte{0}; });
    if (last != read.rend()) {
      used = octets + static_cast<std::uint64_t>(read.rend() - last);
    }
    octets += *count;
  }
}

/// Shows how much was written.
class watched_sink final : public octet_sink {
 public:
  watched_sink(octet_sink& to, std::uint64_t total) : to_(to), shown_(total) {}
  base::result<> write(std::span<const std::byte> octets) override {
    octets_ += octets.size();
    shown_.step_to(octets_);
    return to_.write(octets);
  }

 private:
  octet_sink& to_;
  progress shown_;
  std::uint64_t octets_ = 0;
};

std::unique_ptr<capture_writer> make_writer(capture_format format, octet_sink& to) {
  switch (format) {
    case capture_format::pcap_us:
    case capture_format::pcap_modified:
    case capture_format::ixia_us:
      return std::make_unique<pcap_writer>(to);
    case capture_format::pcap_ns:
    case capture_format::ixia_ns:
      return std::make_unique<pcap_writer>(
          to, pcap_options{.resolution = pcap_resolution::nanoseconds});
    default:
      return std::make_unique<pcapng_writer>(to, pcapng_options{.custom = copyability::keep_all});
  }
}

void print(const std::string& in, const std::string& out, const repair_report& report,
           bool as_json) {
  std::FILE* const to = out == "-" ? stderr : stdout;  // where no capture goes
  if (as_json) {
    json::object object{{"file", printable(in)},
                        {"output", printable(out)},
                        {"packets", report.packets},
                        {"octets_kept", report.octets_kept},
                        {"octets_lost", report.octets_lost},
                        {"was_whole", report.was_whole},
                        {"was_closed", report.was_closed}};
    if (!report.damage.empty()) {
      object["damage"] = printable(report.damage);
    }
    std::fprintf(to, "%s\n", json::serialize(object).c_str());
    return;
  }
  std::fprintf(to, "%s: %llu packets in %s\n", in.c_str(),
               static_cast<unsigned long long>(report.packets), out.c_str());
  if (!report.was_whole) {
    const std::string lost = report.octets_lost == 0
                                 ? std::string("the compressed rest was")
                                 : std::to_string(report.octets_lost) + " octets were";
    std::fprintf(to, "%s: %s; %s cut off\n", in.c_str(), report.damage.c_str(), lost.c_str());
  } else {
    std::fprintf(to, "%s: it was whole%s\n", in.c_str(),
                 report.was_closed ? "" : ", but not closed; it is now");
  }
}

bool exists(const std::string& path) {
  const base::result<pipeline::file_source> found = pipeline::file_source::open(path);
  return found.has_value();
}

/// `in` is what messages call it.
int repair_file(const std::string& in, const std::string& path, const std::string& out,
                bool as_json) {
  auto input = capture_input::open(path);
  if (!input) {
    complain(words.name, input.error().message());
    return exit_trouble;
  }
  // What format it is, is known after the first item only; so the file is opened twice.
  static_cast<void>((*input)->reader().next());
  const capture_format format = (*input)->reader().format();
  if (!why_not_read(format).empty()) {
    complain(words.name, in + ": " + (*input)->reader().failure().message());
    return exit_trouble;
  }
  const std::uint64_t octets = (*input)->reader().compression() ? 0 : count_octets(path);
  input = capture_input::open(path);
  auto sink = file_sink::open(out, file_sink::mode::fresh);
  if (!input || !sink) {
    complain(words.name, (input ? sink.error() : input.error()).message());
    return exit_trouble;
  }
  watched_sink watched(**sink, (*input)->reader().compression() ? 0 : (*input)->size());
  const auto writer = make_writer(format, watched);
  const repair_report report = repair_capture((*input)->reader(), *writer, octets);
  auto done = writer->flush();
  done = done ? (*sink)->commit() : done;
  if (!done) {
    complain(words.name, done.error().message());
    return exit_trouble;
  }
  print(in, out, report, as_json);
  return report.was_whole ? exit_well : exit_trouble;
}

}  // namespace

int repair(const std::vector<std::string>& arguments) {
  std::vector<std::string> paths;
  bool as_json = false;
  option_list visible;
  visible.flag("json", as_json, "report as one JSON object");
  if (const auto status = parse_arguments(words, visible, arguments, paths, 1, 2)) {
    return *status;
  }
  const std::string out = paths.size() == 2 ? paths[1] : default_output(paths[0]);
  if (out == "-" && paths.size() == 1) {
    complain(words.name, "standard input needs a name for the output");
    return exit_usage;
  }
  if (is_same_file(paths[0], out) || (paths.size() == 1 && exists(out))) {
    complain(words.name, "output " + out + " exists already");
    return exit_usage;
  }
  if (!is_stream(paths[0])) {
    return repair_file(paths[0], paths[0], out, as_json);
  }
  const auto spooled = spool_stream(paths[0]);
  if (!spooled) {
    complain(words.name, spooled.error().message());
    return exit_trouble;
  }
  return repair_file(paths[0] == "-" ? "standard input" : paths[0], path_of(*spooled), out,
                     as_json);
}

}  // namespace captured::capturectl
