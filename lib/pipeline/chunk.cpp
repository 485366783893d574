// SPDX-License-Identifier: MIT
#include "pipeline/chunk.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace captured::pipeline {

base::result<chunk_pool> chunk_pool::make(std::uint32_t count, std::size_t chunk_bytes,
                                          std::size_t interface_count) {
  auto memory = base::mapping::anonymous(count * chunk_bytes);
  if (!memory) {
    return memory.error();
  }
  chunk_pool pool;
  pool.chunk_bytes_ = chunk_bytes;
  pool.memory_ = std::move(*memory);
  pool.chunks_.resize(count);
  pool.free_.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    chunk& one = pool.chunks_[i];
    one.index = i;
    one.memory = pool.memory_.bytes().subspan(i * chunk_bytes, chunk_bytes);
    one.shares.resize(interface_count);
    pool.free_.push_back(&one);
  }
  return pool;
}

chunk& chunk_pool::acquire() noexcept {
  CAPTURED_CHECK(!free_.empty());
  chunk& taken = *free_.back();
  free_.pop_back();
  taken.used = 0;
  taken.taken = 0;
  std::fill(taken.shares.begin(), taken.shares.end(), chunk_share{});
  return taken;
}

void chunk_pool::release(chunk& returned) noexcept {
  CAPTURED_CHECK(free_.size() < chunks_.size());
  free_.push_back(&returned);
}

}  // namespace captured::pipeline
