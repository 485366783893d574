// SPDX-License-Identifier: MIT
//
// Sees the blocks of one recorded interface, from its making to its end. What is done with them is
// its owner's: a live view copies them, a stream makes messages of them.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <utility>

#include "capture/device.hpp"
#include "daemon/recorded_interface.hpp"
#include "pipeline/packet_tap.hpp"

namespace captured::daemon {

/// All on the reactor's thread. The interface must outlive it.
class tap_listener final : public pipeline::block_listener {
 public:
  /// As pipeline::block_listener::on_block.
  using handler = std::function<void(std::span<std::byte> block, capture::framing form)>;

  tap_listener(recorded_interface& from, handler on_block)
      : from_(from), link_(capture::link_type_of(from.from)), on_block_(std::move(on_block)) {
    from_.tap.attach(*this);
  }
  ~tap_listener() { from_.tap.detach(*this); }
  tap_listener(const tap_listener&) = delete;
  tap_listener& operator=(const tap_listener&) = delete;

  void on_block(std::span<std::byte> block, capture::framing form) override {
    on_block_(block, form);
  }
  [[nodiscard]] const recorded_interface& from() const noexcept { return from_; }
  /// Of its packets when it was attached.
  [[nodiscard]] packet::link_type link() const noexcept { return link_; }

 private:
  recorded_interface& from_;
  packet::link_type link_;
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

/// A device of that name came back as one of another kind: what was said of it does not hold.
template <class Listeners>
void drop_former(Listeners& all, const recorded_interface& one) {
  all.remove_if([&one](const tap_listener& each) {
    return &each.from() == &one && each.link() != capture::link_type_of(one.from);
  });
}

}  // namespace captured::daemon
