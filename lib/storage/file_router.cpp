// SPDX-License-Identifier: MIT
#include "storage/file_router.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"

namespace captured::storage {

base::error_code file_router::attach(std::uint32_t place, std::shared_ptr<file_operations> folder) {
  CAPTURED_CHECK(place < places_max && folder != nullptr);
  base::error_code refused;
  for (const std::span<std::byte> memory : memory_) {
    const auto why = folder->add_memory(memory);
    refused = refused ? refused : why;
  }
  attached_[place] = std::move(folder);
  return refused;
}

/// Each once: those of the places, and those that have open files alone.
template <class Act>
void file_router::each_folder(Act act) const {
  std::vector<file_operations*> told;
  const auto tell = [&](const folder_ptr& one) {
    if (one != nullptr && std::ranges::find(told, one.get()) == told.end()) {
      told.push_back(one.get());
      act(*one);
    }
  };
  std::ranges::for_each(attached_, tell);
  std::ranges::for_each(slots_, tell);
}

base::error_code file_router::add_memory(std::span<std::byte> memory) {
  memory_.push_back(memory);
  base::error_code refused;
  each_folder([&](file_operations& one) {
    const auto why = one.add_memory(memory);
    refused = refused ? refused : why;
  });
  return refused;
}

void file_router::remove_memory(std::span<std::byte> memory) {
  std::erase_if(memory_, [&](std::span<std::byte> one) { return one.data() == memory.data(); });
  each_folder([&](file_operations& one) { one.remove_memory(memory); });
}

void file_router::submit(file_request request) {
  CAPTURED_CHECK(request.slot < slots_.size() && request.place < places_max);
  // A reference of its own: a completion on the spot may let go of the one that is kept.
  folder_ptr to;
  if (!uses_slot(request.action)) {
    to = attached_[request.place];
    asked_.push_back({request.action, request.place, request.token, to});
  } else if (request.action == file_action::create) {
    to = slots_[request.slot] = attached_[request.place];
  } else {
    to = slots_[request.slot];
  }
  CAPTURED_CHECK(to != nullptr);
  to->submit(std::move(request));
}

void file_router::on_completion(const file_completion& done) noexcept {
  switch (done.action) {
    case file_action::create:
      if (done.error) {
        slots_[done.slot].reset();
      }
      return;
    case file_action::finish:
      if (!done.error) {
        slots_[done.slot].reset();
      }
      return;
    case file_action::discard:  // closed even if removing failed
    case file_action::leave:
      slots_[done.slot].reset();
      return;
    case file_action::remove:
    case file_action::measure: {
      const auto found = std::ranges::find_if(asked_, [&done](const asked& one) {
        return one.action == done.action && one.place == done.place && one.token == done.token;
      });
      if (found != asked_.end()) {
        asked_.erase(found);
      }
      return;
    }
    case file_action::publish:
    case file_action::write:
    case file_action::grow:
    case file_action::sync:
      return;
  }
}

}  // namespace captured::storage
