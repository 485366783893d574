// SPDX-License-Identifier: MIT
#include "settings/quick.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <utility>

#include "settings/print.hpp"
#include "settings/units.hpp"

namespace captured::settings {

namespace {

constexpr std::string_view command_line = "command line";

void complain(std::vector<problem>& problems, std::string text) {
  const auto same = std::ranges::find(problems, text, &problem::text);
  if (same == problems.end()) {  // the filter is that of every interface, and wrong once
    problems.push_back({std::string(command_line), {}, std::move(text)});
  }
}

configuration build(const quick_request& request) {
  configuration settings;
  auto& files = settings.outputs.emplace_back().files;
  files.directory = request.directory;
  files.retain = {0, 0, 0, {}, 0};
  for (const auto& name : request.interfaces) {
    auto& added = settings.interfaces.emplace_back();
    added.device.name = name;
    added.device.filter = request.filter;
    added.device.promiscuous = request.promiscuous;
    added.output = files.name;
  }
  return settings;
}

/// Puts the value of an option that is given into its place, or says why it is none.
template <class Value, class Into>
void read_option(const std::string& text, const char* option, const char* expected,
                 std::optional<Value> (*parse)(std::string_view), std::vector<problem>& problems,
                 const Into& into) {
  if (text.empty()) {
    return;
  }
  if (const auto value = parse(text)) {
    into(*value);
  } else {
    complain(problems, std::string(option) + ": " + quoted(text) + " is not " + expected);
  }
}

void read_options(const quick_request& request, configuration& settings,
                  std::vector<problem>& problems) {
  constexpr const char* a_size = "a size such as 64MiB";
  auto& rotate = settings.outputs.front().files.rotate;
  read_option(request.snaplen, "-s", "a number of octets", parse_number, problems,
              [&](std::uint64_t octets) {
                for (auto& one : settings.interfaces) {
                  one.device.snaplen = static_cast<std::uint32_t>(
                      std::min<std::uint64_t>(octets, std::numeric_limits<std::uint32_t>::max()));
                }
              });
  read_option(request.ring_size, "--ring-size", a_size, parse_size, problems,
              [&](std::uint64_t bytes) {
                for (auto& one : settings.interfaces) {
                  one.device.ring.size_bytes = bytes;
                }
              });
  read_option(request.rotate_size, "--rotate-size", a_size, parse_size, problems,
              [&](std::uint64_t bytes) { rotate.size_bytes = bytes; });
  read_option(request.rotate_interval, "--rotate-interval", "a duration such as 5min",
              parse_duration, problems, [&](std::chrono::milliseconds interval) {
                rotate.interval = std::chrono::duration_cast<std::chrono::seconds>(interval);
              });
}

/// Names the option instead of the key that a problem's text begins with.
std::string in_terms_of_options(std::string text) {
  constexpr auto options = std::to_array<std::pair<std::string_view, std::string_view>>({
      {".name", "-i"},
      {".filter", "-f"},
      {".directory", "-d"},
      {".snaplen", "-s"},
      {".ring.size", "--ring-size"},
      {".rotate.size", "--rotate-size"},
      {".rotate.interval", "--rotate-interval"},
      {"interfaces", "-i"},
  });
  const auto path_bytes = text.find(": ");
  if (path_bytes == std::string::npos) {
    return text;
  }
  const std::string_view path(text.data(), path_bytes);
  for (const auto& [ending, option] : options) {
    if (path.ends_with(ending)) {
      return std::string(option) + text.substr(path_bytes);
    }
  }
  return text;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_run_time(const std::string& text) {
  const auto seconds = parse_number(text);
  const auto time = parse_duration(seconds ? std::to_string(*seconds) + "s" : text);
  return time && time->count() > 0 ? time : std::nullopt;
}

quick_recording quick(const quick_request& request) {
  quick_recording recording;
  auto& problems = recording.result.problems;
  for (auto each = request.interfaces.begin(); each != request.interfaces.end(); ++each) {
    if (std::find(request.interfaces.begin(), each, *each) != each) {
      complain(problems, "-i: " + quoted(*each) + " is given twice");
    }
  }
  if (!request.duration.empty()) {
    recording.run_for = parse_run_time(request.duration);
    if (!recording.run_for) {
      complain(problems, "--duration: " + quoted(request.duration) +
                             " is not a number of seconds, or one with ms, s, min, h or d");
    }
  }
  configuration built = build(request);
  read_options(request, built, problems);
  if (problems.empty()) {
    // By way of the text, so that what holds for a file holds here.
    recording.result = parse(print(built), std::string(command_line));
    for (const auto& each : std::exchange(problems, {})) {
      complain(problems, in_terms_of_options(each.text));
    }
  }
  return recording;
}

}  // namespace captured::settings
