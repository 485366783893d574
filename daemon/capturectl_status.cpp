// SPDX-License-Identifier: MIT
//
// capturectl status: how the running service stands, as a table or as JSON.
#include <algorithm>
#include <cstdio>

#include <boost/json.hpp>

#include "capturectl.hpp"
#include "capturectl_control.hpp"

namespace captured::capturectl {
namespace {

namespace json = boost::json;

constexpr auto answer_time = std::chrono::seconds(10);

constexpr command_words words{
    "status", "[options]",
    "Tells how the running captured stands: for each interface its state, its rates over the\n"
    "last seconds and where its packets went since the start (stored; osdrop: lost in the\n"
    "kernel, for the disk or the machine was too slow; unwritten: not taken by the disk at a\n"
    "stop), for each output the file that is being written, for each stream to a collector where\n"
    "the packets that it was offered went, and what is in trouble.\n"
    "Exit status: 0 all is well, 1 an output or an interface that is required is in trouble, or\n"
    "nobody answers, 2 wrong usage.\n",
    "  capturectl status\n"
    "  capturectl status --json | jq '.interfaces[] | {name, osdrop}'\n"};

/// Members that are missing, because the service is of another version, show as nothing.
std::string text_of(const json::object& from, const char* name) {
  const json::value* const found = from.if_contains(name);
  return found != nullptr && found->is_string() ? printable(found->get_string()) : "";
}

double number_of(const json::object& from, const char* name) {
  const json::value* const found = from.if_contains(name);
  json::error_code error;
  return found != nullptr && found->is_number() ? found->to_number<double>(error) : 0;
}

std::vector<json::object> objects_of(const json::object& from, const char* name) {
  std::vector<json::object> made;
  const json::value* const found = from.if_contains(name);
  if (found != nullptr && found->is_array()) {
    for (const json::value& each : found->get_array()) {
      if (each.is_object()) {
        made.push_back(each.get_object());
      }
    }
  }
  return made;
}

std::string duration_text(long long seconds) {
  char text[64];
  if (seconds >= 86400) {
    std::snprintf(text, sizeof text, "%lld d %lld h", seconds / 86400, seconds % 86400 / 3600);
  } else if (seconds >= 3600) {
    std::snprintf(text, sizeof text, "%lld h %lld min", seconds / 3600, seconds % 3600 / 60);
  } else {
    std::snprintf(text, sizeof text, "%lld min %lld s", seconds / 60, seconds % 60);
  }
  return text;
}

void print_interfaces(const std::vector<json::object>& interfaces) {
  int name_width = 9;
  int output_width = 6;
  for (const json::object& one : interfaces) {
    name_width = std::max(name_width, static_cast<int>(text_of(one, "name").size()));
    output_width = std::max(output_width, static_cast<int>(text_of(one, "output").size()));
  }
  std::printf("%-*s %-*s %-10s %11s %10s %15s %12s %10s\n", name_width, "interface", output_width,
              "output", "state", "packets/s", "Mbit/s", "stored", "osdrop", "unwritten");
  for (const json::object& one : interfaces) {
    std::printf("%-*s %-*s %-10s %11.0f %10.1f %15.0f %12.0f %10.0f\n", name_width,
                text_of(one, "name").c_str(), output_width, text_of(one, "output").c_str(),
                text_of(one, "state").c_str(), number_of(one, "packets_per_second"),
                number_of(one, "bits_per_second") / 1e6, number_of(one, "stored"),
                number_of(one, "osdrop"), number_of(one, "unwritten"));
  }
  for (const json::object& one : interfaces) {
    if (const std::string filter = text_of(one, "filter"); !filter.empty()) {
      std::printf("interface %s: filter %s\n", text_of(one, "name").c_str(), filter.c_str());
    }
  }
}

/// Why an interface is not recorded, what an output suffers from.
std::string trouble_of(const json::object& one) {
  const std::string why = text_of(one, "why");
  return why.empty() ? text_of(one, "trouble") : why;
}

void print_troubles(const char* kind, const std::vector<json::object>& all) {
  for (const json::object& one : all) {
    if (const std::string trouble = trouble_of(one); !trouble.empty()) {
      std::printf("%s %s: TROUBLE: %s\n", kind, text_of(one, "name").c_str(), trouble.c_str());
    }
  }
}

bool in_trouble(const std::vector<json::object>& all) {
  return std::any_of(all.begin(), all.end(), [](const json::object& one) {
    const auto* const required = one.if_contains("required");
    const bool excused = required != nullptr && *required == false;
    return !trouble_of(one).empty() && !excused;
  });
}

/// What is kept of an output's files, and for how long there is room.
void print_kept(const json::object& output) {
  constexpr double gib = 1 << 30;
  std::printf("output %s: %.0f files kept, %.1f GiB", text_of(output, "name").c_str(),
              number_of(output, "files_kept"), number_of(output, "octets_kept") / gib);
  if (const std::string oldest = text_of(output, "oldest"); !oldest.empty()) {
    std::printf(", the oldest from %s", oldest.c_str());
  }
  if (output.contains("octets_left")) {
    std::printf("; room for %.1f GiB", number_of(output, "octets_left") / gib);
  }
  if (output.contains("hours_left")) {
    std::printf(", %.1f h at the present rate", number_of(output, "hours_left"));
  }
  std::printf("\n");
}

void print_stream(const json::object& stream) {
  const auto* const connected = stream.if_contains("connected");
  std::printf("stream %s: %s to %s; offered %.0f, sent %.0f, dropped %.0f, waiting %.0f",
              text_of(stream, "name").c_str(),
              connected != nullptr && *connected == true ? "connected" : "not connected",
              text_of(stream, "to").c_str(), number_of(stream, "offered"),
              number_of(stream, "sent"), number_of(stream, "dropped"),
              number_of(stream, "waiting"));
  if (const double unconfirmed = number_of(stream, "unconfirmed"); unconfirmed > 0) {
    std::printf(", unconfirmed %.0f", unconfirmed);
  }
  if (const double own = number_of(stream, "own"); own > 0) {
    std::printf(", own %.0f", own);
  }
  std::printf("\n");
}

void print_status(const json::object& status) {
  std::printf("captured %s, pid %.0f, recording since %s (%s)\n",
              text_of(status, "version").c_str(), number_of(status, "pid"),
              text_of(status, "since").c_str(),
              duration_text(static_cast<long long>(number_of(status, "uptime_seconds"))).c_str());
  std::printf("recording %s", text_of(status, "recording").c_str());
  if (const std::string file = text_of(status, "configuration_file"); !file.empty()) {
    std::printf(", configuration %s", file.c_str());
  }
  std::printf("\n\n");
  print_interfaces(objects_of(status, "interfaces"));
  for (const json::object& one : objects_of(status, "outputs")) {
    const std::string file = text_of(one, "file");
    std::printf("output %s: %s in %s%s%s\n", text_of(one, "name").c_str(),
                text_of(one, "state").c_str(), text_of(one, "directory").c_str(),
                file.empty() ? "" : ", writing ", file.c_str());
    print_kept(one);
  }
  const auto streams = objects_of(status, "streams");
  std::for_each(streams.begin(), streams.end(), print_stream);
  print_troubles("interface", objects_of(status, "interfaces"));
  print_troubles("output", objects_of(status, "outputs"));
  print_troubles("stream", streams);
}

}  // namespace

int status(const std::vector<std::string>& arguments) {
  const auto [ended, answer, as_json] =
      ask(words, arguments, "print the status as one JSON object", answer_time);
  if (ended) {
    return *ended;
  }
  const json::value* const found = answer->values.if_contains("status");
  if (!answer->ok || found == nullptr || !found->is_object()) {
    complain(words.name, answer->ok ? "the answer holds no status" : printable(answer->errors[0]));
    return exit_trouble;
  }
  const json::object& told = found->get_object();
  if (as_json) {
    std::puts(json::serialize(told).c_str());
  } else {
    print_status(told);
  }
  const bool trouble =
      in_trouble(objects_of(told, "interfaces")) || in_trouble(objects_of(told, "outputs"));
  return trouble ? exit_trouble : exit_well;
}

}  // namespace captured::capturectl
