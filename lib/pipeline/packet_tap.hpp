// SPDX-License-Identifier: MIT
//
// Lets others see the blocks of one interface as they come from its ring, before they are recorded
// and perhaps rewritten in place. All on the reactor's thread; without listeners it costs one
// branch for each block. A listener copies what it wants and never holds a block.
#pragma once

#include <vector>

#include "pipeline/shown_block.hpp"

namespace captured::pipeline {

class block_listener {
 public:
  /// A block that the kernel has filled. Valid during the call.
  virtual void on_block(const shown_block& block) = 0;

 protected:
  ~block_listener() = default;
};

class packet_tap {
 public:
  /// The listener must be detached before it ends.
  void attach(block_listener& one) { listeners_.push_back(&one); }
  void detach(const block_listener& one) { std::erase(listeners_, &one); }

  [[nodiscard]] bool idle() const noexcept { return listeners_.empty(); }
  void show(const shown_block& block) const {
    for (block_listener* const each : listeners_) {
      each->on_block(block);
    }
  }

 private:
  std::vector<block_listener*> listeners_;
};

}  // namespace captured::pipeline
