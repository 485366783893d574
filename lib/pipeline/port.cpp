// SPDX-License-Identifier: MIT
#include "pipeline/port.hpp"

#include <utility>

#include "base/check.hpp"

namespace captured::pipeline {

namespace {

/// Counters of a device that was made anew start again from zero.
std::uint64_t growth(std::uint64_t now, std::uint64_t base) {
  return now < base ? now : now - base;
}

}  // namespace

port::port(const output_interface& first)
    : encoded(first.ledger->stored.get()),
      losses_reported(first.ledger->osdrop.get()),
      osdrop_said(first.ledger->osdrop.get()),
      name_(first.description.block.name.value()),
      ledger_(*first.ledger),
      begun_(first.begun) {}

void port::attach(output_interface what, const device_count_reader& device_counts) {
  CAPTURED_CHECK(!attached() && &ledger_ == what.ledger);
  feed_ = what.feed;
  is_ring_kept_ = what.is_ring_kept;
  description_ = std::move(what.description);
  listed = true;
  described = false;
  newest_ns.assign(feed_->source().queue_count(), 0);
  changes.clear();
  notes.clear();
  leaving.reset();
  never_told_ = ledger_.osdrop.get() - losses_reported;
  earlier_ = {.filteraccept = ledger_.filteraccept.get(),
              .osdrop = ledger_.osdrop.get(),
              .received = ledger_.ifrecv.get(),
              .dropped = ledger_.ifdrop.get()};
  device_base_ = device_counts ? device_counts(name_) : std::nullopt;
  device_counted_ |= device_base_.has_value();
}

void port::detach() {
  CAPTURED_CHECK(attached() && feed_->drained());
  feed_ = nullptr;
  described = false;
}

void port::refresh(const device_count_reader& device_counts) {
  if (!attached()) {
    return;
  }
  const capture::ring_statistics ring = feed_->source().statistics();
  ledger_.filteraccept.set(feed_->is_handed_over() ? encoded - given_up + ledger_.unwritten.get() +
                                                         earlier_.osdrop + ring.drops_total
                                                   : earlier_.filteraccept + ring.packets_total);
  ledger_.osdrop.set(earlier_.osdrop + ring.drops_total);
  // Once it leaves, a device of its name may be another one.
  const auto device = device_counts && !leaving ? device_counts(name_) : std::nullopt;
  if (device && device_base_) {
    ledger_.ifrecv.set(earlier_.received + growth(device->received, device_base_->received));
    ledger_.ifdrop.set(earlier_.dropped + growth(device->dropped, device_base_->dropped));
  }
}

void port::settle_handed_over() noexcept {
  if (attached() && feed_->is_handed_over()) {
    ledger_.filteraccept.set(ledger_.stored.get() + ledger_.osdrop.get() + ledger_.unwritten.get());
  }
}

std::uint64_t port::untold(std::uint64_t osdrop) const noexcept {
  const std::uint64_t told = losses_reported + never_told_;
  return osdrop > told ? osdrop - told : 0;
}

interface_figures port::figures() const {
  interface_figures now;
  now.interface_id = interface_id;
  now.begun = begun_;
  now.filteraccept = ledger_.filteraccept.get();
  now.osdrop = ledger_.osdrop.get();
  now.encoded = encoded - given_up;
  if (device_counted_) {
    now.received = ledger_.ifrecv.get();
    now.dropped = ledger_.ifdrop.get();
  }
  now.unreported = now.osdrop - losses_reported;
  return now;
}

format::interface_totals port::settled_totals() const {
  return {.stored = ledger_.stored.get(),
          .osdrop = ledger_.osdrop.get(),
          .unwritten = ledger_.unwritten.get()};
}

format::interface_totals port::totals() const {
  return {.stored = encoded - given_up,
          .osdrop = attached() && !described ? osdrop_said : ledger_.osdrop.get(),
          .unwritten = ledger_.unwritten.get() - given_up_since};
}

}  // namespace captured::pipeline
