// SPDX-License-Identifier: MIT
//
// Any octets through the front door, with all readers and decompressors behind it: mapped, streamed
// in odd pieces and lenient must not crash, and what is read mapped and streamed must be the same.
#include <algorithm>
#include <cstdlib>

#include "format/capture_reader.hpp"
#include "format/packet_options.hpp"

using namespace captured;
using namespace captured::format;

namespace {

class odd_source final : public octet_source {
 public:
  explicit odd_source(std::span<const std::byte> octets) : rest_(octets) {}
  base::result<std::size_t> read(std::span<std::byte> room) override {
    step_ = step_ % 7 + 1;
    const std::size_t count = std::min({room.size(), rest_.size(), step_ * step_});
    std::copy_n(rest_.begin(), count, room.begin());
    rest_ = rest_.subspan(count);
    return count;
  }

 private:
  std::span<const std::byte> rest_;
  std::size_t step_ = 0;
};

struct tally {
  std::uint64_t items = 0;
  std::uint64_t sum = 0;
  bool failed = false;
  bool operator==(const tally&) const = default;
};

/// A compressed input of some octets may hold millions of packets: a search need not see all.
constexpr std::uint64_t items_max = 20'000;

tally read_all(capture_reader& reader) {
  tally result;
  for (; result.items < items_max; ++result.items) {
    const capture_item item = reader.next();
    if (item == capture_item::end || item == capture_item::failed) {
      result.failed = item == capture_item::failed;
      break;
    }
    if (item == capture_item::packet) {
      const capture_packet& packet = reader.packet();
      for (const std::byte octet : packet.data) {
        result.sum = result.sum * 31 + std::to_integer<std::uint64_t>(octet);
      }
      result.sum += static_cast<std::uint64_t>(packet.time) + packet.original_length;
      result.sum += options_of(packet).comments.size();
    } else if (item == capture_item::name_resolution) {
      result.sum += names_of(reader.block()).size();
    } else if (item == capture_item::secrets) {
      result.sum += secrets_of(reader.block()) ? 1u : 0u;
    }
  }
  return result;
}

/// The same by way of plain packets, one by one and many at once, where there are such.
tally read_runs(capture_reader& reader, bool one_by_one) {
  tally result;
  packet_totals totals;
  while (result.items + totals.packets < items_max) {
    plain_packet plain;
    if (one_by_one && reader.next_plain(plain)) {
      ++result.items;
      result.sum += static_cast<std::uint64_t>(plain.time) + plain.original + plain.captured;
      continue;
    }
    if (!one_by_one && !reader.next_run(totals).empty()) {
      continue;
    }
    const capture_item item = reader.next();
    if (item == capture_item::end || item == capture_item::failed) {
      result.failed = item == capture_item::failed;
      break;
    }
    ++result.items;
    if (item == capture_item::packet) {
      const capture_packet& packet = reader.packet();
      result.sum +=
          static_cast<std::uint64_t>(packet.time) + packet.original_length + packet.data.size();
    }
  }
  result.items += totals.packets;
  return result;
}

/// As read_runs, without them.
tally read_plainly(capture_reader& reader) {
  tally result;
  for (; result.items < items_max; ++result.items) {
    const capture_item item = reader.next();
    if (item == capture_item::end || item == capture_item::failed) {
      result.failed = item == capture_item::failed;
      break;
    }
    if (item == capture_item::packet) {
      const capture_packet& packet = reader.packet();
      result.sum +=
          static_cast<std::uint64_t>(packet.time) + packet.original_length + packet.data.size();
    }
  }
  return result;
}

void check_runs(std::span<const std::byte> octets) {
  capture_reader plainly(octets);
  const tally expected = read_plainly(plainly);
  capture_reader single(octets);
  const tally one_by_one = read_runs(single, true);
  odd_source source(octets);
  capture_reader streamed(source);
  const tally at_once = read_runs(streamed, false);
  if (expected.items == items_max || plainly.compression()) {
    return;  // not read to the same place
  }
  if (!(one_by_one == expected) || at_once.items != expected.items ||
      at_once.failed != expected.failed) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto octets = std::as_bytes(std::span(data, size));
  capture_reader mapped(octets);
  odd_source source(octets);
  capture_reader streamed(source);
  const tally whole = read_all(mapped);
  const tally pieces = read_all(streamed);
  // How much comes out of damaged compression depends on how it was fed.
  const bool may_differ = mapped.compression().has_value() && whole.failed && pieces.failed;
  if (!(whole == pieces) && !may_differ) {
    std::abort();
  }
  check_runs(octets);
  read_options lenient{.lenient = true, .skip_unknown_versions = true, .clip_to_snaplen = true};
  lenient.lpcap_last_bound = time_ns{1} << 62;
  capture_reader kind(octets, lenient);
  static_cast<void>(read_all(kind));
  return 0;
}
