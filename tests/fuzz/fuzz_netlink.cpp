// SPDX-License-Identifier: MIT
//
// Messages about devices with any octets in them: what is read of a cut datagram is the beginning
// of what is read of the whole, and every event names its device.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.hpp"
#include "capture/link_message.hpp"

namespace capture = captured::capture;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A copy of just this size, so that the address sanitizer sees a read behind it.
  const auto* const octets = reinterpret_cast<const std::byte*>(data);
  const std::vector<std::byte> datagram(octets, octets + size);
  std::vector<capture::link_event> events;
  const bool whole = capture::parse_link_events(datagram, events).has_value();
  CAPTURED_CHECK(whole || size != 0);
  for (const auto& event : events) {
    CAPTURED_CHECK(!event.link.name.empty());
    CAPTURED_CHECK(event.link.name.size() + event.link.description.size() < size);
  }
  // A message is at least its head.
  CAPTURED_CHECK(events.size() * 16 <= size);

  const std::vector<std::byte> half(datagram.begin(),
                                    datagram.begin() + static_cast<std::ptrdiff_t>(size / 2));
  std::vector<capture::link_event> fewer;
  const bool half_whole = capture::parse_link_events(half, fewer).has_value();
  CAPTURED_CHECK(half_whole || !half.empty());
  CAPTURED_CHECK(fewer.size() <= events.size());
  for (std::size_t i = 0; i < fewer.size(); ++i) {
    CAPTURED_CHECK(fewer[i] == events[i]);
  }
  return 0;
}
