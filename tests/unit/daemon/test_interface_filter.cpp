// SPDX-License-Identifier: MIT
#include "capture/filter.hpp"
#include "daemon/interface_filter.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace captured::daemon;

namespace {

/// For a device that is not there no text at all can be compiled, but the empty one.
const capture::device gone{.name = "captest-absent"};

}  // namespace

TEST_CASE("what cannot be left out is given up, and the options in force do not claim it") {
  const auto filter =
      compile_interface_filter(gone, {.name = gone.name, .left_out = "tcp port 1", .snaplen = 96});
  REQUIRE(filter.has_value());
  CHECK(filter->options.left_out.empty());
  CHECK(capture::whole_filter(filter->options).empty());
  CHECK(filter->options.snaplen == 96);
  REQUIRE(filter->given_up.has_value());
  CHECK(filter->given_up->message().find(gone.name) != std::string::npos);
  CHECK(filter->program.instructions.size() == capture::accept_all(96).instructions.size());
}

TEST_CASE("a filter of the user is never given up") {
  CHECK_FALSE(
      compile_interface_filter(gone, {.filter = "udp", .left_out = "tcp port 1"}).has_value());
  CHECK_FALSE(compile_interface_filter(gone, {.filter = "udp"}).has_value());
}

TEST_CASE("with nothing to be left out nothing is given up") {
  const auto filter = compile_interface_filter(gone, {.name = gone.name});
  REQUIRE(filter.has_value());
  CHECK_FALSE(filter->given_up.has_value());
}
