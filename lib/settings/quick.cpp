// SPDX-License-Identifier: MIT
#include "settings/quick.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "settings/print.hpp"
#include "settings/units.hpp"

namespace captured::settings {

namespace {

constexpr std::string_view command_line = "command line";

configuration build(const quick_request& request) {
  configuration settings;
  auto& files = settings.outputs.emplace_back().files;
  files.directory = request.directory;
  files.retain = {0, 0, 0, {}, 0};
  for (const auto& name : request.interfaces) {
    auto& added = settings.interfaces.emplace_back();
    added.device.name = name;
    added.device.filter = request.filter;
    added.output = files.name;
  }
  return settings;
}

/// Names the option instead of the key that a problem's text begins with.
std::string in_terms_of_options(std::string text) {
  constexpr auto options = std::to_array<std::pair<std::string_view, std::string_view>>({
      {".name", "-i"},
      {".filter", "-f"},
      {".directory", "-d"},
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

void complain(std::vector<problem>& problems, std::string text) {
  const auto same = std::ranges::find(problems, text, &problem::text);
  if (same == problems.end()) {  // the filter is that of every interface, and wrong once
    problems.push_back({std::string(command_line), {}, std::move(text)});
  }
}

std::optional<std::chrono::milliseconds> read_run_time(const std::string& text) {
  if (const auto seconds = parse_number(text)) {
    return parse_duration(std::to_string(*seconds) + "s");
  }
  return parse_duration(text);
}

}  // namespace

quick_recording quick(const quick_request& request) {
  quick_recording recording;
  auto& problems = recording.result.problems;
  for (auto each = request.interfaces.begin(); each != request.interfaces.end(); ++each) {
    if (std::find(request.interfaces.begin(), each, *each) != each) {
      complain(problems, "-i: " + quoted(*each) + " is given twice");
    }
  }
  if (!request.duration.empty()) {
    recording.run_for = read_run_time(request.duration);
    if (!recording.run_for || recording.run_for->count() == 0) {
      complain(problems, "--duration: " + quoted(request.duration) +
                             " is not a number of seconds, or one with ms, s, min, h or d");
    }
  }
  if (problems.empty()) {
    // By way of the text, so that what holds for a file holds here.
    recording.result = parse(print(build(request)), std::string(command_line));
    for (const auto& each : std::exchange(problems, {})) {
      complain(problems, in_terms_of_options(each.text));
    }
  }
  return recording;
}

}  // namespace captured::settings
