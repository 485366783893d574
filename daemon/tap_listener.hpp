// SPDX-License-Identifier: MIT
//
// Sees the blocks of recorded interfaces while they are recorded. What is done with them is its
// owner's: a live view copies them, a stream makes messages of them.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <utility>

#include "daemon/recorded_interface.hpp"
#include "pipeline/packet_tap.hpp"

namespace captured::daemon {

/// All on the reactor's thread. The interface must outlive it.
class tap_listener final : public pipeline::block_listener {
 public:
  /// As pipeline::block_listener::on_block.
  using handler = std::function<void(const pipeline::shown_block& block)>;

  tap_listener(recorded_interface& from, std::uint64_t from_ns, handler on_block)
      : from_(from), from_ns_(from_ns), on_block_(std::move(on_block)) {
    from_.tap.attach(*this);
  }
  ~tap_listener() { from_.tap.detach(*this); }
  tap_listener(const tap_listener&) = delete;
  tap_listener& operator=(const tap_listener&) = delete;

  void on_block(const pipeline::shown_block& block) override {
    pipeline::shown_block bounded = block;
    bounded.from_ns = from_ns_;
    bounded.until_ns = until_ns_;
    on_block_(bounded);
  }
  [[nodiscard]] const recorded_interface& from() const noexcept { return from_; }
  /// Earlier packets were shown from elsewhere.
  void begin_at(std::uint64_t time_ns) noexcept { from_ns_ = time_ns; }
  /// Packets of this time and later ones are shown from elsewhere.
  void end_at(std::uint64_t time_ns) noexcept { until_ns_ = time_ns; }

 private:
  recorded_interface& from_;
  std::uint64_t from_ns_;
  std::uint64_t until_ns_ = pipeline::shown_block{}.until_ns;
  handler on_block_;
};

/// Those of one owner. An interface that is recorded into several outputs is shown once: from the
/// first entry that is recorded, and when that ends from another. There each packet is of the one
/// or of the other by its time; those of the former may come after some of the latter.
class tap_listeners {
 public:
  /// Is an interface of that name being shown, and not about to end?
  [[nodiscard]] bool shows(const recorded_interface& one) const {
    for (const tap_listener& each : all_) {
      if (each.from().name() == one.name() && each.from().state != interface_state::closing) {
        return true;
      }
    }
    return false;
  }
  [[nodiscard]] bool follows(const recorded_interface& one) const {
    for (const tap_listener& each : all_) {
      if (&each.from() == &one) {
        return true;
      }
    }
    return false;
  }

  void attach(recorded_interface& to, std::uint64_t from_ns, tap_listener::handler on_block) {
    all_.emplace_back(to, from_ns, std::move(on_block));
  }
  /// Another one shows packets from this time on.
  void end_at(const recorded_interface& one, std::uint64_t time_ns) {
    for (tap_listener& each : all_) {
      if (&each.from() == &one) {
        each.end_at(time_ns);
      }
    }
  }
  /// All of it was shown. Whoever took its place is not bound by a time any more, which a clock
  /// that is set back could have come before.
  void detach(const recorded_interface& one) {
    all_.remove_if([&one](const tap_listener& each) { return &each.from() == &one; });
    for (tap_listener& each : all_) {
      if (each.from().name() == one.name()) {
        each.begin_at(0);
      }
    }
  }

  void clear() { all_.clear(); }
  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }

 private:
  std::list<tap_listener> all_;
};

}  // namespace captured::daemon
