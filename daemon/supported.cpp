// SPDX-License-Identifier: MIT
#include "daemon/supported.hpp"

namespace captured::daemon {

namespace {

void check_interface(const settings::interface_settings& one, std::vector<std::string>& refusals) {
  const std::string name = "interface " + one.device.name + ": ";
  if (one.is_pattern()) {
    refusals.push_back(name + "patterns are not supported by this version; name each interface");
  }
  if (one.queues != 1) {
    refusals.push_back(name + "queues: " + std::to_string(one.queues) +
                       " is not supported by this version; only 1 is");
  }
  if (one.timestamp != settings::timestamp_source::software) {
    refusals.push_back(name + "timestamp: hardware is not supported by this version");
  }
}

void check_output(const pipeline::output_options& one, support_report& report) {
  const std::string name = "output " + one.files.name + ": ";
  if (one.encoding == pipeline::encoding::in_place) {
    report.refusals.push_back(name + "encoding: in-place is not supported by this version");
  }
  if (one.link_types == pipeline::link_type_policy::split) {
    report.refusals.push_back(name + "link_types: split is not supported by this version");
  }
  if (one.files.direct == storage::direct_mode::on) {
    report.refusals.push_back(name + "direct: on is not supported by this version");
  }
  if (one.files.retain != storage::retain_options{0, 0, 0, std::chrono::seconds(0), 0}) {
    report.warnings.push_back(name + "retain is not carried out by this version: no file is " +
                              "ever removed");
  }
}

}  // namespace

support_report check_supported(const settings::configuration& wanted) {
  support_report report;
  for (const auto& one : wanted.interfaces) {
    check_interface(one, report.refusals);
  }
  for (const auto& one : wanted.outputs) {
    check_output(one, report);
  }
  for (const auto& one : wanted.interfaces) {
    // An exact stop waits three of its timeouts for the ring, and then the disk needs time too.
    if (6 * one.device.ring.timeout > wanted.stop_timeout) {
      report.refusals.push_back("interface " + one.device.name +
                                ": ring.timeout must be at most a sixth of stop_timeout, or a " +
                                "stop could not end in time");
    }
  }
  if (wanted.reactor.threads != 1) {
    report.refusals.emplace_back("reactor: only 1 thread is supported by this version");
  }
  if (!wanted.reactor.cpus.empty() || !wanted.writer.cpus.empty()) {
    report.refusals.emplace_back("cpus are not supported by this version; use taskset(1)");
  }
  return report;
}

}  // namespace captured::daemon
