// SPDX-License-Identifier: MIT
//
// Memory for a handler that one thread posts and another one runs, again and again: Asio keeps
// what a handler took for the thread that ran it, so that the one that posts would ask the C
// library for more each time. For one handler at a time; a second one takes from the heap.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <new>

namespace captured::pipeline {

class kept_memory {
 public:
  /// Any thread. As operator new.
  [[nodiscard]] void* allocate(std::size_t bytes) {
    const bool fits = bytes <= octets_.size();
    return fits && !taken_.exchange(true, std::memory_order_acquire) ? octets_.data()
                                                                     : ::operator new(bytes);
  }
  /// Any thread.
  void deallocate(void* memory) noexcept {
    if (memory == octets_.data()) {
      taken_.store(false, std::memory_order_release);
    } else {
      ::operator delete(memory);
    }
  }

 private:
  alignas(std::max_align_t) std::array<std::byte, 256> octets_;
  std::atomic<bool> taken_{false};
};

/// An allocator for such a handler. Shares the memory, for a handler may be thrown away, unrun,
/// when whoever posted it is gone already.
template <class Value>
class kept_memory_allocator {
 public:
  using value_type = Value;

  explicit kept_memory_allocator(std::shared_ptr<kept_memory> memory) noexcept
      : memory_(std::move(memory)) {}
  template <class Other>
  // NOLINTNEXTLINE(google-explicit-constructor): allocators turn into one another
  kept_memory_allocator(const kept_memory_allocator<Other>& other) noexcept
      : memory_(other.memory()) {}

  [[nodiscard]] Value* allocate(std::size_t count) {
    return static_cast<Value*>(memory_->allocate(count * sizeof(Value)));
  }
  void deallocate(Value* at, std::size_t) noexcept { memory_->deallocate(at); }
  [[nodiscard]] const std::shared_ptr<kept_memory>& memory() const noexcept { return memory_; }

  template <class Other>
  friend bool operator==(const kept_memory_allocator& one,
                         const kept_memory_allocator<Other>& other) noexcept {
    return one.memory() == other.memory();
  }

 private:
  std::shared_ptr<kept_memory> memory_;
};

}  // namespace captured::pipeline
