// SPDX-License-Identifier: MIT
//
// capturectl info: tells what is in capture files, as text or JSON.
#include <algorithm>
#include <cstdio>

#include "capturectl.hpp"
#include "capturectl_arguments.hpp"
#include "capturectl_survey.hpp"

namespace captured::capturectl {
namespace {

namespace json = boost::json;
using namespace format;

double seconds_of(const file_summary& file) {
  return static_cast<double>(file.latest - file.earliest) / 1e9;
}

std::string resolution_of(std::uint8_t tsresol) {
  return ((tsresol & 0x80) != 0 ? "2^-" : "10^-") + std::to_string(tsresol & 0x7F);
}

// ---- JSON ----

template <class T>
void put(json::object& to, const char* key, const std::optional<T>& value) {
  if (!value) {
    return;
  }
  if constexpr (std::is_same_v<T, std::string>) {
    to[key] = printable(*value);
  } else {
    to[key] = *value;
  }
}

json::object to_json(const interface_statistics_block& statistics,
                     const std::optional<tick_scale>& scale) {
  json::object object;
  const auto put_time = [&](const char* key, std::optional<std::uint64_t> ticks) {
    if (ticks && scale) {
      object[key] = capturectl::to_json(scale->to_ns(*ticks));
    }
  };
  put_time("time_ns", statistics.timestamp);
  put_time("start_ns", statistics.start_time);
  put_time("end_ns", statistics.end_time);
  put(object, "ifrecv", statistics.received);
  put(object, "ifdrop", statistics.dropped);
  put(object, "filteraccept", statistics.filter_accept);
  put(object, "osdrop", statistics.os_drop);
  put(object, "usrdeliv", statistics.user_deliver);
  return object;
}

json::object to_json(const interface_summary& interface) {
  const interface_description_block& description = interface.description;
  json::object object{{"section", interface.section},
                      {"id", interface.id},
                      {"link_type", static_cast<unsigned>(description.link)},
                      {"snaplen", description.snaplen},
                      {"tsresol", resolution_of(description.tsresol)},
                      {"packets", interface.packets},
                      {"octets", interface.octets},
                      {"dropcount_sum", interface.dropcount_sum}};
  put(object, "name", description.name);
  put(object, "description", description.description);
  put(object, "filter", description.filter);
  put(object, "hardware", description.hardware);
  put(object, "os", description.os);
  put(object, "speed", description.speed);
  put(object, "tsoffset", description.tsoffset);
  put(object, "fcs_bits", description.fcs_bits);
  if (interface.statistics) {
    object["statistics"] = to_json(*interface.statistics, interface.scale);
  }
  return object;
}

json::object to_json(const file_summary& file) {
  json::array interfaces;
  for (const interface_summary& each : file.interfaces) {
    interfaces.push_back(to_json(each));
  }
  json::array comments;
  for (const std::string& each : file.comments) {
    comments.emplace_back(printable(each));
  }
  const auto time = [&](time_ns value) {
    return file.has_time ? capturectl::to_json(value) : json::value(nullptr);
  };
  json::array remarks;
  for (const std::string& each : describe_peculiarities(file.peculiarities)) {
    remarks.emplace_back(each);
  }
  json::object object{{"file", printable(file.path)},
                      {"format", file.format_name},
                      {"size", file.size},
                      {"packets", file.packets},
                      {"octets", file.octets},
                      {"original_octets", file.original_octets},
                      {"first_ns", time(file.first)},
                      {"last_ns", time(file.last)},
                      {"earliest_ns", time(file.earliest)},
                      {"latest_ns", time(file.latest)},
                      {"steps_back", file.steps_back},
                      {"without_time", file.without_time},
                      {"times_inferred", file.inferred},
                      {"sections", file.sections},
                      {"interface_count", file.interfaces_count},
                      {"interfaces", std::move(interfaces)},
                      {"statistics", file.statistics},
                      {"name_resolution", file.name_resolution},
                      {"secrets", file.secrets},
                      {"custom", file.custom},
                      {"other_blocks", file.other},
                      {"packet_comments", file.packet_comments},
                      {"comments", std::move(comments)},
                      {"remarks", std::move(remarks)}};
  if (!file.compression.empty()) {
    object["compression"] = file.compression;
  }
  put(object, "link_type_field", file.link_field);
  put(object, "hardware", file.header.hardware);
  put(object, "os", file.header.os);
  put(object, "application", file.header.application);
  put(object, "error", file.error);
  put(object, "error_offset", file.error_offset);
  return object;
}

// ---- Text ----

void print_line(const char* label, const std::string& value) {
  std::printf("  %-14s %s\n", label, value.c_str());
}

void print_statistics(const interface_statistics_block& statistics) {
  std::string text;
  const auto add = [&](const char* name, std::optional<std::uint64_t> value) {
    if (value) {
      text += (text.empty() ? "" : ", ") + std::string(name) + " " + std::to_string(*value);
    }
  };
  add("received", statistics.received);
  add("dropped by interface", statistics.dropped);
  add("accepted by filter", statistics.filter_accept);
  add("dropped by system", statistics.os_drop);
  add("delivered", statistics.user_deliver);
  if (!text.empty()) {
    std::printf("      %s\n", text.c_str());
  }
}

void print_interface(const interface_summary& interface) {
  const interface_description_block& description = interface.description;
  std::printf("    %u.%u %s: link type %u, snaplen %u, %llu packets, %llu octets",
              interface.section, interface.id,
              printable(description.name.value_or("(no name)")).c_str(),
              static_cast<unsigned>(description.link), description.snaplen,
              static_cast<unsigned long long>(interface.packets),
              static_cast<unsigned long long>(interface.octets));
  if (interface.dropcount_sum != 0) {
    std::printf(", %llu drops told by packets",
                static_cast<unsigned long long>(interface.dropcount_sum));
  }
  std::putchar('\n');
  if (description.filter) {
    std::printf("      filter %s\n", printable(*description.filter).c_str());
  }
  if (interface.statistics) {
    print_statistics(*interface.statistics);
  }
}

void print_rates(const file_summary& file) {
  if (!file.has_time) {
    return;
  }
  print_line("first packet", to_text(file.first) + " UTC" + (file.inferred ? " (inferred)" : ""));
  print_line("last packet", to_text(file.last) + " UTC");
  const double seconds = seconds_of(file);
  char text[128];
  std::snprintf(text, sizeof text, "%.6f s", seconds);
  print_line("duration", text);
  if (seconds > 0) {
    std::snprintf(text, sizeof text, "%.1f packets/s, %.3f Mbit/s",
                  static_cast<double>(file.packets) / seconds,
                  static_cast<double>(file.original_octets) * 8 / 1e6 / seconds);
    print_line("rates", text);
  }
  if (file.steps_back != 0) {
    print_line("steps back", std::to_string(file.steps_back));
  }
}

void print_text(const file_summary& file) {
  std::printf("%s\n", printable(file.path).c_str());
  if (file.error) {
    print_line("error", *file.error);
  }
  print_line("format",
             file.format_name + (file.compression.empty() ? "" : " in " + file.compression) + ", " +
                 std::to_string(file.sections) + (file.sections == 1 ? " section" : " sections"));
  print_line("packets", std::to_string(file.packets) + ", " + std::to_string(file.octets) +
                            " octets captured of " + std::to_string(file.original_octets));
  print_rates(file);
  for (const auto& [label, value] :
       {std::pair("hardware", &file.header.hardware), std::pair("system", &file.header.os),
        std::pair("written by", &file.header.application)}) {
    if (*value) {
      print_line(label, printable(**value));
    }
  }
  for (const std::string& each : describe_peculiarities(file.peculiarities)) {
    print_line("remark", each);
  }
  for (const std::string& each : file.comments) {
    print_line("comment", printable(each));
  }
  if (file.packet_comments != 0) {
    print_line("commented", std::to_string(file.packet_comments) + " packets");
  }
  print_line("interfaces", std::to_string(file.interfaces_count));
  std::for_each(file.interfaces.begin(), file.interfaces.end(), print_interface);
}

struct info_options {
  std::vector<std::string> paths;
  bool json = false;
  bool lenient = false;
  bool skip_versions = false;
};

constexpr command_words words{
    "info", "[options] FILE...",
    "Tells what is in capture files of any format, compressed or not: sections, interfaces\n"
    "with their filters, packets, times and rates, what the statistics say was lost, and\n"
    "comments. \"-\" is standard input. Exit status: 0 all is well, 1 a file is broken,\n"
    "2 wrong usage.\n",
    "  capturectl info today.pcapng\n"
    "  capturectl info --json *.pcapng | jq '.files[] | select(.error)'\n"};

}  // namespace

int info(const std::vector<std::string>& arguments) {
  info_options options;
  option_list visible;
  visible.flag("json", options.json, "print one JSON object")
      .flag("lenient", options.lenient, "go on after damage where it is clear how")
      .flag("skip-unknown-versions", options.skip_versions,
            "leave out pcapng sections of a version that is not known");
  constexpr std::size_t files_max = 1'000'000;
  if (const auto status = parse_arguments(words, visible, arguments, options.paths, 1, files_max)) {
    return *status;
  }
  json::array files;
  std::uint64_t packets = 0;
  std::uint64_t octets = 0;
  std::uint64_t broken = 0;
  for (const std::string& path : options.paths) {
    const file_summary file =
        survey(path, {.lenient = options.lenient, .skip_unknown_versions = options.skip_versions});
    packets += file.packets;
    octets += file.octets;
    broken += file.error ? 1u : 0u;
    if (options.json) {
      files.push_back(to_json(file));
    } else {
      print_text(file);
    }
  }
  if (options.json) {
    const json::object totals{{"files", options.paths.size()},
                              {"packets", packets},
                              {"octets", octets},
                              {"broken", broken}};
    std::puts(
        json::serialize(json::object{{"files", std::move(files)}, {"totals", totals}}).c_str());
  } else if (options.paths.size() > 1) {
    std::printf("%zu files: %llu packets, %llu octets, %llu broken\n", options.paths.size(),
                static_cast<unsigned long long>(packets), static_cast<unsigned long long>(octets),
                static_cast<unsigned long long>(broken));
  }
  return broken == 0 ? exit_well : exit_trouble;
}

}  // namespace captured::capturectl
