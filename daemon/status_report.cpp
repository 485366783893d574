// SPDX-License-Identifier: MIT
#include "daemon/status_report.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <boost/json.hpp>
#include <spdlog/fmt/chrono.h>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

namespace captured::daemon {

namespace {

namespace json = boost::json;

/// Tenths are enough, and keep the numbers short.
double rounded(double value) {
  return std::round(value * 10) / 10;
}

json::object interface_json(const interface_status& one, const traffic_rates& rates) {
  const auto& f = one.figures;
  return {{"name", one.name},
          {"output", one.output},
          {"state", one.state},
          {"why", one.why},
          {"required", one.required},
          {"up", one.up},
          {"link_type", one.link_type},
          {"filter", one.filter},
          {"filteraccept", f.filteraccept},
          {"stored", f.stored},
          {"osdrop", f.osdrop},
          {"unwritten", f.unwritten},
          {"in_flight", f.in_flight()},
          {"octets_stored", f.octets_stored},
          {"ifrecv", f.ifrecv},
          {"ifdrop", f.ifdrop},
          {"steps_back", f.steps_back},
          {"damaged", f.damaged},
          {"packets_per_second", rounded(rates.packets)},
          {"bits_per_second", std::round(rates.bits)},
          {"lost_per_second", rounded(rates.lost)}};
}

/// Until the first file must go, at the present rate; nothing without a rate or a limit.
std::optional<double> hours_left(const output_status& one, const rate_meter& rates) {
  const double rate = rates.written_by(one);
  if (!one.kept.room_octets || rate <= 0) {
    return std::nullopt;
  }
  return static_cast<double>(*one.kept.room_octets) / rate / 3600;
}

std::string time_text(base::wall_time when) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(when);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)));
}

json::object output_json(const output_status& one, const rate_meter& rates) {
  json::object told{{"name", one.name},
                    {"directory", one.directory},
                    {"state", one.state},
                    {"file", one.file},
                    {"trouble", one.trouble},
                    {"files_kept", one.kept.files},
                    {"octets_kept", one.kept.octets},
                    {"octets_per_second", std::round(rates.written_by(one))}};
  if (one.kept.oldest) {
    told["oldest"] = time_text(*one.kept.oldest);
  }
  if (one.kept.room_octets) {
    told["octets_left"] = *one.kept.room_octets;
  }
  if (const auto hours = hours_left(one, rates)) {
    told["hours_left"] = rounded(*hours);
  }
  return told;
}

/// ", 12.5 GiB kept, full in 3.2 h": all outputs together, and the one that is full first.
std::string kept_text(const recording_status& status, const rate_meter& rates) {
  std::uint64_t octets = 0;
  std::optional<double> hours;
  for (const output_status& one : status.outputs) {
    octets += one.kept.octets;
    if (const auto left = hours_left(one, rates)) {
      hours = std::min(hours.value_or(*left), *left);
    }
  }
  if (octets == 0 && !hours) {
    return {};
  }
  const double gib = static_cast<double>(octets) / (1 << 30);
  return fmt::format(", {:.1f} GiB kept{}", gib,
                     hours ? fmt::format(", full in {:.1f} h", *hours) : "");
}

}  // namespace

json::object status_json(const process_facts& process, const recording_status& status,
                         const rate_meter& rates) {
  json::array interfaces;
  for (const interface_status& one : status.interfaces) {
    interfaces.push_back(interface_json(one, rates.of(one)));
  }
  json::array outputs;
  for (const output_status& one : status.outputs) {
    outputs.push_back(output_json(one, rates));
  }
  return {{"version", CAPTURED_VERSION},
          {"pid", ::getpid()},
          {"recording", status.recording},
          {"since", time_text(status.since)},
          {"uptime_seconds", process.uptime.count()},
          {"configuration_file", process.configuration_file},
          {"rates_over_seconds", rounded(rates.span().count())},
          {"interfaces", std::move(interfaces)},
          {"outputs", std::move(outputs)}};
}

std::string status_line(const recording_status& status, const rate_meter& rates) {
  traffic_rates sum;
  std::size_t recording = 0;
  std::uint64_t stored = 0;
  std::uint64_t lost = 0;
  std::string troubles;
  for (const interface_status& one : status.interfaces) {
    const traffic_rates now = rates.of(one);
    sum.packets += now.packets;
    sum.bits += now.bits;
    stored += one.figures.stored;
    lost += one.figures.osdrop + one.figures.unwritten;
    recording += one.state == "recording" ? 1U : 0U;
    if (!one.why.empty()) {
      troubles += fmt::format("; interface {}: {}", one.name, one.why);
    }
  }
  for (const output_status& one : status.outputs) {
    if (!one.trouble.empty()) {
      troubles += fmt::format("; output {}: {}", one.name, one.trouble);
    }
  }
  return fmt::format(
      "{} of {} interface{}, {:.0f} packets/s, {:.1f} Mbit/s, stored {}, lost {}{}{}", recording,
      status.interfaces.size(), status.interfaces.size() == 1 ? "" : "s", sum.packets,
      sum.bits / 1e6, stored, lost, kept_text(status, rates), troubles);
}

}  // namespace captured::daemon
