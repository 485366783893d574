// SPDX-License-Identifier: MIT
#include "pipeline/port.hpp"

#include <utility>

namespace captured::pipeline {

namespace {

/// Counters of a device that was made anew start again from zero.
std::uint64_t growth(std::uint64_t now, std::uint64_t base) {
  return now < base ? now : now - base;
}

}  // namespace

port::port(std::uint32_t interface_id, output_interface what,
           const device_count_reader& device_counts)
    : interface_id_(interface_id), what_(std::move(what)), name_(*what_.description.name) {
  if (device_counts) {
    device_base_ = device_counts(name_);
  }
}

void port::refresh(const device_count_reader& device_counts) {
  const capture::ring_statistics ring = what_.feed->source().statistics();
  ledger().filteraccept.set(ring.packets_total);
  ledger().osdrop.set(ring.drops_total);
  const auto device = device_counts ? device_counts(name_) : std::nullopt;
  if (device && device_base_) {
    ledger().ifrecv.set(growth(device->received, device_base_->received));
    ledger().ifdrop.set(growth(device->dropped, device_base_->dropped));
  }
}

interface_figures port::figures() const {
  interface_figures now;
  now.interface_id = interface_id_;
  now.begun = what_.begun;
  now.filteraccept = ledger().filteraccept.get();
  now.osdrop = ledger().osdrop.get();
  now.encoded = encoded;
  if (device_base_) {
    now.received = ledger().ifrecv.get();
    now.dropped = ledger().ifdrop.get();
  }
  now.unreported = now.osdrop - losses_reported;
  return now;
}

format::interface_totals port::totals() const {
  return {.stored = encoded, .osdrop = ledger().osdrop.get(), .unwritten = 0};
}

}  // namespace captured::pipeline
