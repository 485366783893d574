// SPDX-License-Identifier: MIT
#include "daemon/rate_meter.hpp"

namespace captured::daemon {

namespace {

constexpr auto span_least = std::chrono::seconds(1);

/// A counter that begins anew, because its interface came back, is no negative rate.
double growth(std::uint64_t before, std::uint64_t after) {
  return after > before ? static_cast<double>(after - before) : 0.0;
}

}  // namespace

void rate_meter::take(clock::time_point now, const recording_status& status) {
  // Readings in quick succession replace one another, and the oldest goes when the one after it
  // is far enough back to measure from.
  if (readings_.size() > 1 && now - readings_[readings_.size() - 2].at < span_least) {
    readings_.pop_back();
  }
  while (readings_.size() > 1 && now - readings_[1].at >= span_least) {
    readings_.pop_front();
  }
  reading made{now, {}, {}};
  for (const interface_status& one : status.interfaces) {
    made.figures[{one.name, one.output}] = one.figures;
  }
  for (const output_status& one : status.outputs) {
    made.written[one.name] = one.kept.octets_written;
  }
  readings_.push_back(std::move(made));
}

traffic_rates rate_meter::of(const interface_status& one) const {
  const double seconds = span().count();
  if (seconds <= 0) {
    return {};
  }
  const auto before = readings_.front().figures.find({one.name, one.output});
  const auto after = readings_.back().figures.find({one.name, one.output});
  if (before == readings_.front().figures.end() || after == readings_.back().figures.end()) {
    return {};
  }
  const auto& from = before->second;
  const auto& to = after->second;
  return {.packets = growth(from.stored, to.stored) / seconds,
          .bits = 8 * growth(from.octets_stored, to.octets_stored) / seconds,
          .lost = growth(from.osdrop, to.osdrop) / seconds};
}

double rate_meter::written_by(const output_status& one) const {
  const double seconds = span().count();
  if (seconds <= 0) {
    return 0;
  }
  const auto before = readings_.front().written.find(one.name);
  const auto after = readings_.back().written.find(one.name);
  if (before == readings_.front().written.end() || after == readings_.back().written.end()) {
    return 0;
  }
  return growth(before->second, after->second) / seconds;
}

std::chrono::duration<double> rate_meter::span() const {
  return readings_.empty() ? clock::duration(0) : readings_.back().at - readings_.front().at;
}

}  // namespace captured::daemon
