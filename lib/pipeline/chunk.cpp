// SPDX-License-Identifier: MIT
#include "pipeline/chunk.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"

namespace captured::pipeline {

namespace {

/// Changes of port in a chunk that need no memory: more than a slow link's blocks in a second.
constexpr std::size_t runs_expected = 256;
constexpr std::size_t held_expected = 64;

}  // namespace

chunk::~chunk() {
  for (held_block& one : held) {
    one.lease.forget();
  }
}

void chunk::add_packets(std::size_t port, std::uint32_t packets, std::uint64_t octets) {
  if (runs.empty() || runs.back().port != port) {
    runs.push_back({.port = port});
  }
  runs.back().packets += packets;
  runs.back().octets += octets;
}

void chunk::let_go() noexcept {
  for (held_block& one : held) {
    one.lease.reset();
  }
  held.clear();
}

base::result<chunk_pool> chunk_pool::make(std::uint32_t count, std::uint32_t present,
                                          std::size_t chunk_bytes, std::uint32_t block_count) {
  auto memory = base::mapping::anonymous(count * chunk_bytes, present * chunk_bytes);
  if (!memory) {
    return memory.error();
  }
  chunk_pool pool;
  pool.chunk_bytes_ = chunk_bytes;
  pool.memory_ = std::move(*memory);
  pool.present_ = pool.memory_.bytes().first(present * chunk_bytes);
  pool.chunks_.resize(count + block_count);
  pool.free_.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    chunk& one = pool.chunks_[i];
    one.index = i;
    one.memory = pool.memory_.bytes().subspan(i * chunk_bytes, chunk_bytes);
    one.runs.reserve(runs_expected);
    one.held.reserve(held_expected);
    pool.free_.push_back(&one);
  }
  std::reverse(pool.free_.begin(), pool.free_.end());  // the last one is acquired first
  pool.free_for_blocks_.reserve(block_count);
  for (std::uint32_t i = count; i < count + block_count; ++i) {
    chunk& one = pool.chunks_[i];
    one.index = i;
    one.runs.reserve(1);  // a block's packets are those of one port
    pool.free_for_blocks_.push_back(&one);
  }
  return pool;
}

chunk& chunk_pool::acquire() noexcept {
  CAPTURED_CHECK(!free_.empty());
  chunk& taken = *free_.back();
  free_.pop_back();
  taken.used = 0;
  taken.taken = 0;
  taken.runs.clear();
  taken.aside.clear();
  return taken;
}

chunk& chunk_pool::acquire(capture::block_lease block) noexcept {
  CAPTURED_CHECK(!free_for_blocks_.empty());
  chunk& taken = *free_for_blocks_.back();
  free_for_blocks_.pop_back();
  taken.memory = block.memory();
  taken.block = std::move(block);
  taken.used = 0;
  taken.taken = 0;
  taken.runs.clear();
  taken.aside.clear();
  return taken;
}

void chunk_pool::release(chunk& returned) noexcept {
  CAPTURED_CHECK(free_.size() + free_for_blocks_.size() < chunks_.size());
  if (returned.block) {
    returned.block.reset();
    free_for_blocks_.push_back(&returned);
    return;
  }
  returned.let_go();
  free_.push_back(&returned);
}

}  // namespace captured::pipeline
