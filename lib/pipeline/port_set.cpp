// SPDX-License-Identifier: MIT
#include "pipeline/port_set.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "capture/frame_cursor.hpp"
#include "pipeline/limits.hpp"

namespace captured::pipeline {

namespace {

/// The end block without its interfaces, and some air.
constexpr std::size_t text_bytes_base = 4096;

/// Statistics of one interface, and a line of an end block, at their longest.
constexpr std::size_t statistics_bytes = 640;
constexpr std::size_t note_line_bytes = 160;

/// Comments of one statistics block that wait; more are said to have been left out by their lack.
constexpr std::size_t note_bytes_max = 1024;

void append_statistics_of(std::vector<std::byte>& out, port& one, statistics_kind kind,
                          base::wall_time now, std::vector<std::string> comments = {}) {
  const interface_figures figures = one.figures();
  one.osdrop_said = figures.osdrop;
  append_statistics(out, figures, kind, now, std::move(comments));
}

/// Of one of its rings at least half the blocks may be lent, for they may all be of that ring.
bool is_half_lent(const port& one) {
  const capture::block_source& source = one.feed().source();
  return 2 * one.blocks_lent >= source.block_count() / source.queue_count();
}

std::size_t description_bytes(const format::interface_description_block& block) {
  std::vector<std::byte> octets;
  format::append(octets, block);
  return octets.size();
}

}  // namespace

port_set::port_set(device_count_reader device_counts, format::recording_totals earlier)
    : device_counts_(std::move(device_counts)), earlier_(std::move(earlier)) {
  measure_texts();
}

void port_set::attach(output_interface what) {
  const auto same = std::ranges::find(ports_, *what.description.block.name, &port::name);
  const auto index = static_cast<std::size_t>(same - ports_.begin());
  if (same == ports_.end()) {
    ports_.push_back(std::make_unique<port>(what));
  }
  ports_[index]->attach(std::move(what), device_counts_);
  attached_.push_back(index);
  measure_texts();
}

void port_set::measure_texts() {
  std::size_t longest = 0;
  std::size_t attached = 0;
  std::size_t listed = earlier_.size();
  for (const auto& one : ports_) {
    attached += one->attached() ? 1u : 0u;
    listed += one->listed ? 1u : 0u;
    longest = std::max(longest, description_bytes(one->description().block));
    for (const description_change& change : one->changes) {
      longest = std::max(longest, description_bytes(change.description.block));
    }
  }
  text_bytes_max_ = text_bytes_base + (statistics_bytes + note_bytes_max) * attached +
                    note_line_bytes * listed + longest;
}

port* port_set::find(const std::string& name) noexcept {
  const auto at = std::find_if(ports_.begin(), ports_.end(),
                               [&](const auto& one) { return one->name() == name; });
  return at == ports_.end() ? nullptr : at->get();
}

bool port_set::sources_closed() const noexcept {
  return std::ranges::all_of(attached_,
                             [this](std::size_t at) { return ports_[at]->feed().closed(); });
}

bool port_set::block_waiting() const noexcept {
  return std::ranges::any_of(attached_,
                             [this](std::size_t at) { return ports_[at]->feed().has_block(); });
}

bool port_set::has_lent_most() const noexcept {
  return std::ranges::any_of(attached_,
                             [this](std::size_t at) { return is_half_lent(*ports_[at]); });
}

bool port_set::holds_most() const noexcept {
  return std::ranges::any_of(attached_, [this](std::size_t at) {
    return ports_[at]->is_ring_kept() && is_half_lent(*ports_[at]);
  });
}

std::optional<port_set::taken> port_set::take_block() noexcept {
  for (std::size_t turn = 0; turn < attached_.size(); ++turn) {
    const std::size_t place = (next_ + turn) % attached_.size();
    port& candidate = *ports_[attached_[place]];
    if (candidate.is_left) {
      continue;
    }
    if (auto lease = candidate.feed().take()) {
      next_ = place + 1;
      return taken{std::move(*lease), attached_[place]};
    }
  }
  return std::nullopt;
}

std::size_t port_set::upcoming_bytes() const noexcept {
  for (std::size_t turn = 0; turn < attached_.size(); ++turn) {
    const port& candidate = *ports_[attached_[(next_ + turn) % attached_.size()]];
    if (const auto block = candidate.feed().peek()) {
      return capture::read_block_head(*block).used_bytes;
    }
  }
  return 0;
}

void port_set::forget_some(format::recording_totals& totals) {
  for (const auto& one : ports_) {
    if (totals.size() <= limits::interfaces_in_notes) {
      break;
    }
    if (!one->attached() && totals.erase(one->name()) > 0) {
      one->listed = false;
      earlier_.erase(one->name());
      has_forgotten_ = true;
    }
  }
  measure_texts();
}

std::vector<format::interface_description_block> port_set::begin_file() {
  std::vector<format::interface_description_block> blocks;
  for (const auto& one : ports_) {
    if (one->attached()) {
      one->interface_id = static_cast<std::uint32_t>(blocks.size());
      one->described = true;
      blocks.push_back(one->description().block);
    }
  }
  next_interface_id_ = static_cast<std::uint32_t>(blocks.size());
  return blocks;
}

std::vector<format::interface_description_block> port_set::descriptions_with(
    const format::interface_description_block& further) const {
  std::vector<format::interface_description_block> blocks{further};
  for (const auto& one : ports_) {
    if (one->listed && one->name() != *further.name) {
      blocks.push_back(one->description().block);
    }
  }
  for (const auto& each : earlier_) {
    if (each.first != *further.name) {
      blocks.emplace_back();
      blocks.back().name = each.first;
    }
  }
  return blocks;
}

bool port_set::is_change_due(std::size_t index, base::steady_time now,
                             std::optional<std::size_t> in_work) const {
  const port& one = *ports_[index];
  if (one.changes.empty()) {
    return false;
  }
  return change_reached_ == index ||
         (now >= one.changes.front().settled_at && in_work != index && !one.feed().has_block());
}

bool port_set::is_leaving_due(std::size_t index, std::optional<std::size_t> in_work) const {
  const port& one = *ports_[index];
  return one.leaving && in_work != index && one.blocks_lent == 0 && one.feed().drained();
}

bool port_set::is_due(std::size_t index, base::steady_time now,
                      std::optional<std::size_t> in_work) const {
  const port& one = *ports_[index];
  return !one.described || !one.notes.empty() || is_change_due(index, now, in_work) ||
         is_leaving_due(index, in_work);
}

bool port_set::description_due(base::steady_time now, std::optional<std::size_t> in_work) const {
  return std::ranges::any_of(attached_, [&](std::size_t at) { return is_due(at, now, in_work); });
}

void port_set::append_description(std::vector<std::byte>& out, port& of) {
  of.interface_id = next_interface_id_++;
  of.described = true;
  format::append(out, of.description().block);
}

void port_set::describe(std::vector<std::byte>& out, base::moment now,
                        std::optional<std::size_t> in_work, const released_handler& released) {
  for (const std::size_t i : attached_) {
    if (!is_due(i, now.steady, in_work)) {
      continue;
    }
    port& one = *ports_[i];
    if (!one.described) {
      append_description(out, one);
      return;
    }
    one.refresh(device_counts_);
    const bool leaves = is_leaving_due(i, in_work);
    if (leaves) {
      one.notes.push_back(*one.leaving);
    }
    append_statistics_of(out, one, leaves ? statistics_kind::closing : statistics_kind::running,
                         now.wall, std::exchange(one.notes, {}));
    if (is_change_due(i, now.steady, in_work)) {
      change_reached_.reset();
      one.set_description(std::move(one.changes.front().description));
      one.changes.pop_front();
      append_description(out, one);
    }
    if (leaves) {
      capture::block_source& source = one.feed().source();
      one.detach();
      std::erase(attached_, i);  // which ends the walk
      measure_texts();
      released(one.name(), source);
    }
    return;
  }
}

bool port_set::loss_statistics_due(base::steady_time now) const noexcept {
  return std::ranges::any_of(attached_, [&](std::size_t at) {
    return ports_[at]->loss_unsaid && now >= ports_[at]->loss_statistics_at;
  });
}

void port_set::append_running(std::vector<std::byte>& out, base::moment now, bool all) {
  for (const auto& one : ports_) {
    if (!one->described || !(all || one->loss_unsaid)) {
      continue;
    }
    one->refresh(device_counts_);
    one->loss_unsaid = false;
    one->loss_statistics_at = now.steady + limits::loss_statistics_pause;
    append_statistics_of(out, *one, statistics_kind::running, now.wall);
  }
}

void port_set::append_final(std::vector<std::byte>& out, statistics_kind kind,
                            base::wall_time now) {
  for (const auto& one : ports_) {
    if (!one->described) {
      continue;
    }
    one->refresh(device_counts_);
    one->loss_unsaid = false;
    append_statistics_of(out, *one, kind, now, std::exchange(one->notes, {}));
    one->described = false;
  }
}

void port_set::count_stored(std::span<const chunk_run> runs) {
  for (const chunk_run& run : runs) {
    ports_[run.port]->ledger().stored.add(run.packets);
    ports_[run.port]->ledger().octets_stored.add(run.octets);
  }
}

void port_set::count_unwritten(std::span<const chunk_run> runs) {
  for (const chunk_run& run : runs) {
    port& its = *ports_[run.port];
    its.ledger().unwritten.add(its.is_left ? 0 : run.packets);
  }
}

void port_set::count_given_up(const std::function<void()>& settle) {
  std::vector<std::uint64_t> before;
  for (const auto& one : ports_) {
    before.push_back(one->ledger().unwritten.get());
  }
  settle();
  for (std::size_t i = 0; i < before.size(); ++i) {
    ports_[i]->given_up_since += ports_[i]->ledger().unwritten.get() - before[i];
  }
}

void port_set::settle_totals() noexcept {
  for (const auto& one : ports_) {
    one->given_up += std::exchange(one->given_up_since, 0);
  }
}

void port_set::forget_file() noexcept {
  for (const auto& one : ports_) {
    one->described = false;
  }
}

format::recording_totals port_set::totals() const {
  format::recording_totals all = earlier_;
  for (const auto& one : ports_) {
    if (one->listed) {
      all[one->name()] = one->totals();
    }
  }
  return all;
}

format::recording_totals port_set::settled_totals() const {
  format::recording_totals all = earlier_;
  for (const auto& one : ports_) {
    if (one->listed) {
      all[one->name()] = one->settled_totals();
    }
  }
  return all;
}

std::map<std::string, std::uint64_t> port_set::untold(
    const format::recording_totals& totals) const {
  std::map<std::string, std::uint64_t> all;
  for (const auto& one : ports_) {
    const auto at = totals.find(one->name());
    const std::uint64_t untold = at != totals.end() ? one->untold(at->second.osdrop) : 0;
    if (untold > 0) {
      all[one->name()] = untold;
    }
  }
  return all;
}

void port_set::refresh() {
  for (const auto& one : ports_) {
    one->refresh(device_counts_);
  }
}

void port_set::settle_handed_over() noexcept {
  for (const auto& one : ports_) {
    one->settle_handed_over();
  }
}

void port_set::leave_rings() noexcept {
  for (const auto& one : ports_) {
    one->is_left = one->attached() && one->feed().is_handed_over();
  }
}

base::steady_time port_set::wake_at(base::steady_time now) const noexcept {
  base::steady_time at = base::steady_time::max();
  const auto sooner = [&](base::steady_time other) {
    if (other > now) {
      at = std::min(at, other);
    }
  };
  for (const std::size_t each : attached_) {
    const auto& one = ports_[each];
    if (one->loss_unsaid) {
      sooner(one->loss_statistics_at);
    }
    if (!one->changes.empty()) {
      sooner(one->changes.front().settled_at);
    }
  }
  return at;
}

}  // namespace captured::pipeline
