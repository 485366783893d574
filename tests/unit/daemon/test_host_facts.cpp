// SPDX-License-Identifier: MIT
#include <algorithm>

#include "daemon/host_facts.hpp"
#include "settings/print.hpp"
#include "support/catch.hpp"

using namespace captured;

TEST_CASE("what the kernel tells of devices, memory and file systems is gathered") {
  auto wanted = settings::shipped();
  wanted.outputs[0].files.directory = "/dev/shm/captured/not/yet/made";
  wanted.outputs.push_back(wanted.outputs[0]);
  wanted.outputs[1].files.directory = "/nosuchfolder/captures";
  wanted.user = "root";
  wanted.control.group = "no-such-group";
  const auto facts = daemon::gather_facts(wanted);
  const auto loopback = std::ranges::find(facts.devices, "lo", &daemon::device_facts::name);
  REQUIRE(loopback != facts.devices.end());
  CHECK(loopback->loopback);
  CHECK(loopback->link == packet::link_type::ethernet);
  CHECK(facts.memory_bytes > 64u << 20);
  CHECK(facts.user_known);
  CHECK_FALSE(facts.group_known);
  REQUIRE(facts.directories.size() == 2);
  CHECK(facts.directories[0].on == daemon::directory_facts::kind::memory);
  CHECK_FALSE(facts.directories[0].root);
  CHECK(facts.directories[1].root);
  CHECK(facts.directories[1].size_bytes > 0);
}
