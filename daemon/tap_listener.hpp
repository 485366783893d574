// SPDX-License-Identifier: MIT
//
// Sees the blocks of one recorded interface, from its making to its end. What is done with them is
// its owner's: a live view copies them, a stream makes messages of them.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <utility>

#include "daemon/recorded_interface.hpp"
#include "pipeline/packet_tap.hpp"

namespace captured::daemon {

/// All on the reactor's thread. The interface must outlive it.
class tap_listener final : public pipeline::block_listener {
 public:
  /// As pipeline::block_listener::on_block.
  using handler = std::function<void(std::span<std::byte> block, capture::framing form)>;

  tap_listener(recorded_interface& from, handler on_block)
      : from_(from), on_block_(std::move(on_block)) {
    from_.tap.attach(*this);
  }
  ~tap_listener() { from_.tap.detach(*this); }
  tap_listener(const tap_listener&) = delete;
  tap_listener& operator=(const tap_listener&) = delete;

  void on_block(std::span<std::byte> block, capture::framing form) override {
    on_block_(block, form);
  }
  [[nodiscard]] const recorded_interface& from() const noexcept { return from_; }

 private:
  recorded_interface& from_;
  handler on_block_;
};

/// Is one of them on an interface of that name? One that is recorded into several outputs is shown
/// once.
template <class Listeners>
[[nodiscard]] bool is_shown(const Listeners& all, const recorded_interface& one) {
  for (const tap_listener& each : all) {
    if (each.from().name() == one.name()) {
      return true;
    }
  }
  return false;
}

}  // namespace captured::daemon
