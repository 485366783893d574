// SPDX-License-Identifier: MIT
#include <net/if_arp.h>

#include "daemon/live_stream.hpp"
#include "format/capture_reader.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace captured::daemon;

namespace {

void become(recorded_interface& one, int hardware_type) {
  one.entry.device.name = "eth0";
  one.from.name = "eth0";
  one.from.hardware_type = static_cast<std::uint16_t>(hardware_type);
}

std::vector<packet::link_type> described_links(live_stream& view) {
  std::vector<std::byte> octets;
  view.take(octets);
  format::capture_reader reader(octets);
  std::vector<packet::link_type> found;
  for (auto item = reader.next(); item != format::capture_item::end; item = reader.next()) {
    REQUIRE(item != format::capture_item::failed);
    if (item == format::capture_item::interface) {
      found.push_back(reader.interfaces().back().description.link);
    }
  }
  return found;
}

}  // namespace

TEST_CASE("a device that comes back as another kind is described anew to a live view, and once") {
  recorded_interface one;
  live_stream view({}, {}, control_reply(nullptr));
  for (const int kind : {ARPHRD_ETHER, ARPHRD_NONE, ARPHRD_ETHER}) {
    become(one, kind);
    view.on_recorded(one);
    view.on_recorded(one);
    view.on_closed(one);
  }
  view.on_recorded(one);
  CHECK(view.interface_count() == 1);
  CHECK(described_links(view) ==
        std::vector{packet::link_type::ethernet, packet::link_type::raw_ip});
}

TEST_CASE(
    "a live view goes on with another entry of its interface, if that is of the wanted output") {
  recorded_interface first;
  recorded_interface second;
  for (recorded_interface* const each : {&first, &second}) {
    become(*each, ARPHRD_ETHER);
    each->entry.output = each == &first ? "a" : "b";
  }
  live_stream any({}, {}, control_reply(nullptr));
  live_stream of_first({.output = "a"}, {}, control_reply(nullptr));
  for (live_stream* const view : {&any, &of_first}) {
    view->on_recorded(first);
    view->on_recorded(second);
    CHECK(view->interface_count() == 1);
  }
  CHECK(second.tap.idle());
  first.state = interface_state::closing;
  for (live_stream* const view : {&any, &of_first}) {
    view->on_moved(first, second, 1);
    view->on_closed(first);
  }
  CHECK(first.tap.idle());
  CHECK_FALSE(second.tap.idle());
  CHECK(any.interface_count() == 1);
  CHECK(of_first.interface_count() == 0);
}

TEST_CASE("a live view shows nothing of a device for whose packets its filter makes no sense") {
  auto filters = device_filters::compile({"ether host 02:00:00:00:00:01"});
  REQUIRE(filters.has_value());
  recorded_interface one;
  live_stream view({.filter = "ether host 02:00:00:00:00:01"}, std::move(*filters),
                   control_reply(nullptr));
  become(one, ARPHRD_NONE);
  view.on_recorded(one);
  CHECK(view.interface_count() == 0);
  become(one, ARPHRD_ETHER);
  view.on_recorded(one);
  CHECK(view.interface_count() == 1);
}

TEST_CASE("a filter that makes sense for no kind of device is refused with the compiler's words") {
  const auto nonsense = device_filters::compile({"nonsense here"});
  REQUIRE_FALSE(nonsense.has_value());
  CHECK(nonsense.error().message().find("syntax error") != std::string::npos);
  const auto ethernet = device_filters::compile({"ether host 02:00:00:00:00:01"});
  REQUIRE(ethernet.has_value());
  CHECK(ethernet->find(packet::link_type::ethernet) != nullptr);
  CHECK(ethernet->find(packet::link_type::raw_ip) == nullptr);
}
