// SPDX-License-Identifier: MIT
//
// What the pieces of the path from ring to file cost: walking a ring block, encoding it in place,
// copying it out compactly, and handing a block from reactor to writer. Nanoseconds of one core
// for each packet (for each block with the queue), medians with their spread. Warm blocks were
// written just before, as the kernel does when the recorder keeps up; cold ones have left the
// caches. Needs no right and no network.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/mapping.hpp"
#include "capture/frame_cursor.hpp"
#include "pipeline/block_encoder.hpp"
#include "pipeline/in_place_encoder.hpp"
#include "pipeline/ring_feed.hpp"
#include "support/scripted_source.hpp"

using namespace captured;

namespace {

constexpr std::uint32_t block_bytes = 1u << 20;
constexpr std::uint32_t cold_blocks = 96;
constexpr std::uint32_t chunks = 8;
constexpr int rounds = 9;
constexpr std::uint32_t snaplen = 262144;

/// Blocks in memory that can be filled with the same packets again and again.
class blocks final : public capture::block_source {
 public:
  explicit blocks(std::uint32_t count)
      : memory_(base::mapping::anonymous(std::size_t{count} * block_bytes).value()),
        count_(count) {}

  void fill(std::span<const std::byte> with) {
    for (std::uint32_t i = 0; i < count_; ++i) {
      std::copy(with.begin(), with.end(), block_memory(i).begin());
    }
  }
  [[nodiscard]] std::uint32_t block_count() const noexcept override { return count_; }
  [[nodiscard]] std::span<std::byte> block_memory(std::uint32_t index) noexcept override {
    return memory_.bytes().subspan(std::size_t{index} * block_bytes, block_bytes);
  }
  /// As many as are there, then one failure, as when a ring is drained.
  [[nodiscard]] std::optional<std::uint32_t> try_take() noexcept override {
    taken_ = taken_ == count_ ? 0 : taken_ + 1;
    return taken_ == 0 ? std::nullopt : std::optional(taken_ - 1);
  }
  [[nodiscard]] std::uint64_t losses_before(std::uint32_t) const noexcept override { return 0; }
  void release(std::uint32_t) noexcept override {}
  [[nodiscard]] capture::ring_statistics statistics() noexcept override { return {}; }

 private:
  base::mapping memory_;
  std::uint32_t count_;
  std::uint32_t taken_ = 0;
};

struct full_block {
  std::vector<std::byte> octets;
  std::uint32_t packets = 0;
};

full_block make_block(std::size_t packet_bytes) {
  test::scripted_source source({.block_count = 2, .block_bytes = block_bytes});
  const auto frame = test::numbered_frame(1, packet_bytes);
  std::optional<std::uint32_t> index;
  for (std::uint64_t at = 1'519'128'000'000'000'000; !index; at += 100) {
    source.produce({.timestamp_ns = at, .data = frame});
    index = source.try_take();
  }
  const auto memory = source.block_memory(*index);
  return {{memory.begin(), memory.end()}, capture::read_block_head(memory).packet_count};
}

/// What is done with one block.
using act = std::function<std::uint64_t(blocks&, std::uint32_t index)>;

volatile std::uint64_t result_sink = 0;

struct figure {
  double median = 0;
  double least = 0;
  double most = 0;
};

figure figure_of(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  return {samples[samples.size() / 2], samples.front(), samples.back()};
}

/// Nanoseconds for each packet. Refilling is not counted.
figure measure(const full_block& one, blocks& where, const act& what) {
  std::vector<double> samples;
  const std::uint32_t repeats = where.block_count() == 1 ? 32 : 1;
  for (int round = 0; round <= rounds; ++round) {
    std::chrono::nanoseconds spent{0};
    std::uint64_t sum = 0;
    for (std::uint32_t repeat = 0; repeat < repeats; ++repeat) {
      where.fill(one.octets);
      const auto begin = std::chrono::steady_clock::now();
      for (std::uint32_t i = 0; i < where.block_count(); ++i) {
        sum += what(where, i);
      }
      spent += std::chrono::steady_clock::now() - begin;
    }
    result_sink = sum;
    if (round > 0) {  // the first one warms up
      samples.push_back(static_cast<double>(spent.count()) / repeats / where.block_count() /
                        one.packets);
    }
  }
  return figure_of(std::move(samples));
}

std::uint64_t walk(blocks& where, std::uint32_t index) {
  capture::frame_cursor cursor(where.block_memory(index));
  std::uint64_t octets = 0;
  for (packet::packet_view packet; cursor.next(packet);) {
    octets += packet.data.size();
  }
  return octets;
}

std::uint64_t in_place(blocks& where, std::uint32_t index) {
  std::uint64_t newest = 0;
  return pipeline::encode_in_place(where.block_memory(index), {.snaplen = snaplen}, newest).octets;
}

class compact {
 public:
  compact() : memory_(base::mapping::anonymous(chunks * chunk_bytes).value()) {
    std::memset(memory_.bytes().data(), 0, memory_.bytes().size());
  }
  std::uint64_t operator()(blocks& where, std::uint32_t index) {
    pipeline::block_in_work work(capture::block_lease(where, index));
    next_ = (next_ + 1) % (where.block_count() == 1 ? 1 : chunks);
    std::uint64_t newest = 0;
    return work
        .encode(memory_.bytes().subspan(next_ * chunk_bytes, chunk_bytes), {0, snaplen}, 1u << 20,
                newest)
        .octets;
  }

 private:
  static constexpr std::size_t chunk_bytes = block_bytes;
  base::mapping memory_;
  std::size_t next_ = 0;
};

/// What a compact encoder does at the least: headers and packets one behind the other. `to` may be
/// the block's own memory, where each packet ends up before the place from which it came.
std::uint64_t pack(std::span<std::byte> block, std::byte* to) {
  constexpr std::size_t head_bytes = 28;
  constexpr std::size_t tail_bytes = 4;
  capture::frame_cursor cursor(block);
  std::byte* at = to;
  for (packet::packet_view packet; cursor.next(packet);) {
    const std::uint64_t when = packet.timestamp_ns;
    const std::size_t bytes = packet.data.size();
    std::memmove(at + head_bytes, packet.data.data(), bytes);
    std::memcpy(at, &when, sizeof when);
    std::memset(at + sizeof when, 0, head_bytes - sizeof when);
    at += head_bytes + bytes + tail_bytes;
  }
  return static_cast<std::uint64_t>(at - to);
}

std::uint64_t pack_inside(blocks& where, std::uint32_t index) {
  const auto memory = where.block_memory(index);
  return pack(memory, memory.data());
}

class pack_out {
 public:
  std::uint64_t operator()(blocks& where, std::uint32_t index) {
    next_ = (next_ + 1) % (where.block_count() == 1 ? 1 : chunks);
    return pack(where.block_memory(index), room_.data() + next_ * block_bytes);
  }

 private:
  std::vector<std::byte> room_ = std::vector<std::byte>(chunks * block_bytes);
  std::size_t next_ = 0;
};

figure measure_queue() {
  blocks source(64);
  pipeline::ring_feed feed(source);
  std::vector<double> samples;
  constexpr int bursts = 1000;
  for (int round = 0; round <= rounds; ++round) {
    std::uint64_t taken = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (int burst = 0; burst < bursts; ++burst) {
      feed.offer_finished_blocks();
      while (auto lease = feed.take()) {
        ++taken;
      }
    }
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - begin;
    if (round > 0) {
      samples.push_back(spent.count() / static_cast<double>(taken));
    }
  }
  return figure_of(std::move(samples));
}

/// In the file for each packet; of a walk those of the packet itself.
double octets_of(const full_block& one, const act& what) {
  blocks single(1);
  single.fill(one.octets);
  return static_cast<double>(what(single, 0)) / one.packets;
}

void print(const char* what, std::size_t packet_bytes, const char* state, const figure& found,
           double octets_per_packet) {
  std::printf("%-22s %5zu  %-5s %8.1f   %7.1f to %7.1f", what, packet_bytes, state, found.median,
              found.least, found.most);
  octets_per_packet > 0 ? std::printf(" %10.1f\n", octets_per_packet) : std::printf("\n");
}

}  // namespace

int main() {
  std::printf("%-22s %5s  %-5s %8s   %18s %10s\n", "", "size", "", "ns", "least to most", "octets");
  blocks warm(1);
  blocks cold(cold_blocks);
  compact copier;
  pack_out packer;
  for (const std::size_t size : {64u, 128u, 512u, 1500u}) {
    const full_block one = make_block(size);
    const std::pair<const char*, act> acts[] = {
        {"walk", walk},
        {"in place", in_place},
        {"compact copy", [&copier](blocks& where, std::uint32_t i) { return copier(where, i); }},
        {"packed inside the ring", pack_inside},
        {"packed into a chunk",
         [&packer](blocks& where, std::uint32_t i) { return packer(where, i); }}};
    for (const auto& [name, what] : acts) {
      for (blocks* where : {&warm, &cold}) {
        const figure found = measure(one, *where, what);
        print(name, size, where == &warm ? "warm" : "cold", found, octets_of(one, what));
      }
    }
  }
  print("queue, each block", 0, "", measure_queue(), 0);
}
