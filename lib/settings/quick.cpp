// SPDX-License-Identifier: MIT
#include "settings/quick.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "settings/units.hpp"
#include "settings/values.hpp"

namespace captured::settings {

namespace {

constexpr std::string_view command_line = "command line";

void complain(std::vector<problem>& problems, std::string text) {
  const auto same = std::ranges::find(problems, text, &problem::text);
  if (same == problems.end()) {  // the filter is that of every interface, and wrong once
    problems.push_back({std::string(command_line), {}, std::move(text)});
  }
}

/// ", name: value" for an option that was given.
std::string entry(std::string_view name, const std::string& value) {
  return value.empty() ? std::string() : ", " + std::string(name) + ": " + yaml_scalar(value);
}

/// The request as the text of a file, so that what holds for a file holds here.
std::string as_text(const quick_request& request) {
  std::string text = "interfaces: [";
  for (const auto& name : request.interfaces) {
    text += "{ name: " + yaml_scalar(name) + ", filter: " + yaml_scalar(request.filter) +
            ", promiscuous: " + (request.promiscuous ? "true" : "false") +
            entry("snaplen", request.snaplen);
    if (!request.ring_size.empty()) {
      text += ", ring: { size: " + yaml_scalar(request.ring_size) + " }";
    }
    text += " }, ";
  }
  text += "]\noutputs: [{ directory: " + yaml_scalar(request.directory) +
          ", retain: { size: 0, free: 0, age: 0, files: 0 }, rotate: { packets: 0" +
          entry("size", request.rotate_size) + entry("interval", request.rotate_interval) +
          " } }]\n"
          "control: { socket: \"\" }\n"
          "user: " +
          yaml_scalar(request.user) + "\n";
  return text;
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
      {"user", "--user"},
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
  std::vector<problem> problems;
  quick_request once = request;
  once.interfaces.clear();
  for (const auto& each : request.interfaces) {
    if (std::ranges::find(once.interfaces, each) == once.interfaces.end()) {
      once.interfaces.push_back(each);
    } else {
      complain(problems, "-i: " + quoted(each) + " is given twice");
    }
  }
  if (!request.duration.empty()) {
    recording.run_for = parse_run_time(request.duration);
    if (!recording.run_for) {
      complain(problems, "--duration: " + quoted(request.duration) +
                             " is not a number of seconds, or one with ms, s, min, h or d");
    }
  }
  recording.result = parse(as_text(once), std::string(command_line));
  for (const auto& each : recording.result.problems) {
    complain(problems, in_terms_of_options(each.text));
  }
  if (!problems.empty()) {
    recording.result = {std::nullopt, std::move(problems), std::string(command_line)};
  }
  recording.result.source.reset();  // places in a text that nobody wrote
  return recording;
}

}  // namespace captured::settings
