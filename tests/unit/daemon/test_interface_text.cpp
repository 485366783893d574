// SPDX-License-Identifier: MIT
#include "daemon/interface_text.hpp"
#include "support/catch.hpp"

namespace base = captured::base;
namespace capture = captured::capture;
namespace daemon_ = captured::daemon;

namespace {

const base::wall_time early = base::from_epoch_ns(1'767'225'600'000'000'001);
const base::wall_time late = base::from_epoch_ns(1'767'225'600'999'999'999);

}  // namespace

TEST_CASE("times are told in UTC to the nanosecond") {
  CHECK(daemon_::time_text(early) == "2026-01-01T00:00:00.000000001Z");
  CHECK(daemon_::time_text(late) == "2026-01-01T00:00:00.999999999Z");
}

TEST_CASE("the story of a change tells its interval and what held before") {
  capture::interface_options former;
  capture::interface_options present;
  present.filter = "udp";
  CHECK(daemon_::story_of_change(former, present, early, late) ==
        "changed between 2026-01-01T00:00:00.000000001Z and 2026-01-01T00:00:00.999999999Z: "
        "there was no filter before");
  former = present;
  present = {};
  present.snaplen = 96;
  present.which = capture::direction::in;
  CHECK(daemon_::story_of_change(former, present, early, late) ==
        "changed between 2026-01-01T00:00:00.000000001Z and 2026-01-01T00:00:00.999999999Z: "
        "the filter was 'udp', packets were cut at 262144 octets, the direction was auto before");
}

TEST_CASE("a description holds what is known, and nothing else") {
  capture::device from;
  from.name = "eth0";
  from.hardware_type = 1;
  capture::interface_options options;
  options.filter = "not port 22";
  options.snaplen = 96;
  const auto what = daemon_::describe(from, options, "came back");
  CHECK(what.block.name == "eth0");
  CHECK(what.block.filter == "not port 22");
  CHECK(what.block.snaplen == 262144);
  CHECK(what.snaplen == 96);
  CHECK(what.block.comments ==
        std::vector<std::string>{"packets are cut at 96 octets", "came back"});
  CHECK_FALSE(what.block.mac_address.has_value());
  CHECK_FALSE(what.block.speed.has_value());
  CHECK_FALSE(what.block.description.has_value());
}
