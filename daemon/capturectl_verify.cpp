// SPDX-License-Identifier: MIT
//
// capturectl verify: finds the files, lets the library judge them, and prints what it found.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <initializer_list>
#include <map>

#include <boost/json.hpp>

#include "capturectl.hpp"
#include "capturectl_arguments.hpp"
#include "capturectl_input.hpp"
#include "capturectl_output.hpp"
#include "format/verification.hpp"
#include "pipeline/file_source.hpp"

namespace captured::capturectl {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

/// What is left of an output when all its files have been read.
struct output_summary {
  std::uint64_t files = 0;
  std::uint64_t packets = 0;
  std::uint64_t osdrop = 0;
  std::uint64_t unwritten = 0;
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
};

struct outcome {
  std::vector<format::file_report> files;
  std::vector<format::finding> between_files;
  std::map<std::string, output_summary> outputs;
  std::uint64_t faults = 0;
  std::uint64_t losses = 0;
};

const char* word(format::severity level) {
  switch (level) {
    case format::severity::note:
      return "note";
    case format::severity::loss:
      return "loss";
    case format::severity::fault:
      return "fault";
  }
  return "unknown";
}

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [name](std::string_view each) { return name.ends_with(each); });
}

bool is_recording_name(std::string_view name) {
  for (const std::string_view compressed : {".gz", ".zst", ".lz4"}) {
    if (name.ends_with(compressed)) {
      name.remove_suffix(compressed.size());
      break;
    }
  }
  return ends_with_any(name, {".pcapng", ".pcapng.part", ".pcap", ".lpcap"});
}

/// Of the formats that hold packets alone only what is finished is judged: where one that is being
/// written ends, it does not tell.
bool is_unfinished_name(std::string_view name) {
  return ends_with_any(name, {".pcap.part", ".lpcap.part"});
}

struct listing {
  std::vector<std::string> files;
  std::vector<format::finding> remarks;
};

/// Adds the recordings in a folder, by name, or the path itself.
base::result<> list(const std::string& path, listing& to) {
  std::error_code error;
  if (path == "-" || !fs::is_directory(path, error)) {
    to.files.push_back(path);
    return {};
  }
  const auto begin = static_cast<std::ptrdiff_t>(to.files.size());
  std::size_t unfinished = 0;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (is_recording_name(name)) {
      to.files.push_back(entry->path().string());
    }
    unfinished += is_unfinished_name(name) ? 1u : 0u;
  }
  if (error) {
    return base::system_failure(error.value(), "read folder " + path);
  }
  std::sort(to.files.begin() + begin, to.files.end());
  if (unfinished != 0) {
    to.remarks.push_back(
        {.level = format::severity::note,
         .file = path,
         .offset = std::nullopt,
         .text = std::to_string(unfinished) + " unfinished (*.pcap.part, *.lpcap.part): not read"});
  }
  return {};
}

void add_to_summary(outcome& result, const format::file_report& file) {
  if (!file.note) {
    return;
  }
  const std::uint64_t sequence = file.note->sequence;
  output_summary& output = result.outputs[file.note->output];
  output.first_sequence = output.files == 0 ? sequence : std::min(output.first_sequence, sequence);
  output.last_sequence = std::max(output.last_sequence, sequence);
  ++output.files;
  output.packets += file.packets;
  if (!file.end) {
    return;
  }
  for (const auto& [name, end] : file.end->totals) {
    const format::interface_totals begin = format::totals_of(file.note->totals, name);
    output.osdrop += end.osdrop - std::min(begin.osdrop, end.osdrop);
    output.unwritten += end.unwritten - std::min(begin.unwritten, end.unwritten);
  }
}

/// A file, and how much of all files was read of it.
class watched_source final : public format::octet_source {
 public:
  watched_source(pipeline::file_source& from, progress& shown, std::uint64_t& octets)
      : from_(from), shown_(shown), octets_(octets) {}
  base::result<std::size_t> read(std::span<std::byte> room) override {
    auto count = from_.read(room);
    octets_ += count ? *count : 0;
    shown_.step_to(octets_);
    return count;
  }

 private:
  pipeline::file_source& from_;
  progress& shown_;
  std::uint64_t& octets_;
};

outcome judge(const listing& of) {
  outcome result;
  progress shown(total_size(of.files));
  std::uint64_t octets = 0;
  for (const std::string& path : of.files) {
    auto source = pipeline::file_source::open(path);
    if (!source) {
      // A file that retention or a rename took away meanwhile is told of like any other trouble.
      format::file_report report;
      report.name = path;
      report.faults = 1;
      report.findings.push_back({.level = format::severity::fault,
                                 .file = path,
                                 .offset = std::nullopt,
                                 .text = source.error().message()});
      result.files.push_back(std::move(report));
    } else {
      watched_source watched(*source, shown, octets);
      result.files.push_back(format::verify_any_file(path, watched));
    }
    const format::file_report& file = result.files.back();
    result.faults += file.faults;
    result.losses += file.losses;
    add_to_summary(result, file);
  }
  result.between_files = format::verify_chains(result.files);
  for (const format::finding& each : result.between_files) {
    result.faults += each.level == format::severity::fault ? 1u : 0u;
    result.losses += each.level == format::severity::loss ? 1u : 0u;
  }
  result.between_files.insert(result.between_files.end(), of.remarks.begin(), of.remarks.end());
  return result;
}

void print_finding(const format::finding& each) {
  std::printf("%s: %s", printable(each.file).c_str(), word(each.level));
  if (each.offset) {
    std::printf(" at offset %llu", static_cast<unsigned long long>(*each.offset));
  }
  std::printf(": %s\n", printable(each.text).c_str());
}

void print_text(const outcome& result) {
  for (const format::file_report& file : result.files) {
    std::printf("%s: %s, %llu packets, %llu octets\n", printable(file.name).c_str(),
                describe(file.state), static_cast<unsigned long long>(file.packets),
                static_cast<unsigned long long>(file.octets));
    std::for_each(file.findings.begin(), file.findings.end(), print_finding);
    if (file.findings_left_out != 0) {
      std::printf("%s: and %llu more\n", printable(file.name).c_str(),
                  static_cast<unsigned long long>(file.findings_left_out));
    }
  }
  std::for_each(result.between_files.begin(), result.between_files.end(), print_finding);
  for (const auto& [name, output] : result.outputs) {
    std::printf(
        "output %s: %llu files, numbers %llu to %llu, stored %llu, osdrop %llu, "
        "unwritten %llu\n",
        printable(name).c_str(), static_cast<unsigned long long>(output.files),
        static_cast<unsigned long long>(output.first_sequence),
        static_cast<unsigned long long>(output.last_sequence),
        static_cast<unsigned long long>(output.packets),
        static_cast<unsigned long long>(output.osdrop),
        static_cast<unsigned long long>(output.unwritten));
  }
  std::printf("%zu files: %llu faults, %llu losses\n", result.files.size(),
              static_cast<unsigned long long>(result.faults),
              static_cast<unsigned long long>(result.losses));
}

json::array to_json(const std::vector<format::finding>& findings) {
  json::array array;
  for (const format::finding& each : findings) {
    json::object object{{"level", word(each.level)},
                        {"file", printable(each.file)},
                        {"text", printable(each.text)}};
    if (each.offset) {
      object["offset"] = *each.offset;
    }
    array.push_back(std::move(object));
  }
  return array;
}

json::object to_json(const format::file_report& file) {
  json::object interfaces;
  for (const auto& [name, account] : file.interfaces) {
    interfaces[printable(name)] = json::object{{"packets", account.packets},
                                               {"octets", account.octets},
                                               {"dropcount_sum", account.dropcount_sum},
                                               {"steps_back", account.steps_back}};
  }
  json::object object{{"name", printable(file.name)},
                      {"state", describe(file.state)},
                      {"octets", file.octets},
                      {"packets", file.packets},
                      {"interfaces", std::move(interfaces)},
                      {"findings", to_json(file.findings)},
                      {"findings_left_out", file.findings_left_out}};
  if (file.note) {
    object["output"] = printable(file.note->output);
    object["recording"] = printable(file.note->recording);
    object["sequence"] = file.note->sequence;
  }
  return object;
}

void print_json(const outcome& result) {
  json::array files;
  for (const format::file_report& file : result.files) {
    files.push_back(to_json(file));
  }
  json::object outputs;
  for (const auto& [name, output] : result.outputs) {
    outputs[printable(name)] = json::object{{"files", output.files},
                                            {"first_sequence", output.first_sequence},
                                            {"last_sequence", output.last_sequence},
                                            {"stored", output.packets},
                                            {"osdrop", output.osdrop},
                                            {"unwritten", output.unwritten}};
  }
  const json::object whole{{"files", std::move(files)},
                           {"between_files", to_json(result.between_files)},
                           {"outputs", std::move(outputs)},
                           {"faults", result.faults},
                           {"losses", result.losses}};
  std::puts(json::serialize(whole).c_str());
}

constexpr command_words words{
    "verify", "[options] FILE... | FOLDER...",
    "Checks recorded files to the octet, their statistics against their packets, and the\n"
    "files of each output against one another. Of a folder, all *.pcapng, *.pcapng.part,\n"
    "*.pcap and *.lpcap in it, compressed or not. Of files of other formats than pcapng the\n"
    "structure alone. Exit status: 0 all is well, 1 something is broken or lost, 2 wrong usage.\n",
    "  capturectl verify /var/lib/captured\n"
    "  capturectl verify --json today.pcapng | jq .losses\n"};

}  // namespace

int verify(const std::vector<std::string>& arguments) {
  std::vector<std::string> paths;
  bool as_json = false;
  option_list visible;
  visible.flag("json", as_json, "print one JSON object");
  constexpr std::size_t paths_max = 1'000'000;
  if (const auto status = parse_arguments(words, visible, arguments, paths, 1, paths_max)) {
    return *status;
  }
  listing files;
  for (const std::string& path : paths) {
    if (const auto found = list(path, files); !found) {
      std::fprintf(stderr, "capturectl verify: %s\n", found.error().message().c_str());
      return exit_usage;
    }
  }
  const outcome result = judge(files);
  as_json ? print_json(result) : print_text(result);
  return result.faults + result.losses == 0 ? exit_well : exit_trouble;
}

}  // namespace captured::capturectl
