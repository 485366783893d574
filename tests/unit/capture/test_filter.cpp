// SPDX-License-Identifier: MIT
//
// What needs no rights; filters on a live device are tested in capture_privileged.
#include "capture/filter.hpp"
#include "support/catch.hpp"

namespace capture = captured::capture;
using capture::direction;

TEST_CASE("good filter texts pass the check without a device") {
  for (const char* const text :
       {"", "not port 22", "vlan 100", "inbound", "ip broadcast", "tcp[13] & 2 != 0"}) {
    INFO(text);
    CHECK(capture::check_filter(text).has_value());
  }
}

TEST_CASE("a bad filter text is refused in libpcap's words, with the text") {
  const auto syntax = capture::check_filter("tcp prot 80");
  REQUIRE(syntax.has_error());
  CHECK(syntax.error().message() == "filter \"tcp prot 80\": syntax error");
  const auto impossible = capture::check_filter("ip and arp");
  REQUIRE(impossible.has_error());
  CHECK(impossible.error().message() == "filter \"ip and arp\": expression rejects all packets");
  const auto hidden = capture::check_filter(std::string("tcp\0 port", 9));
  REQUIRE(hidden.has_error());
  CHECK(hidden.error().detail == "a NUL character is not part of the syntax");
}

TEST_CASE("automatic direction means in on loopback and both elsewhere") {
  capture::device link;
  CHECK(capture::effective_direction(direction::automatic, link) == direction::both);
  link.loopback = true;
  CHECK(capture::effective_direction(direction::automatic, link) == direction::in);
  CHECK(capture::effective_direction(direction::both, link) == direction::both);
  CHECK(capture::effective_direction(direction::out, link) == direction::out);
}

TEST_CASE("an empty filter keeps the snaplen of every packet and needs no rights") {
  const capture::device link{.name = "eth0", .hardware_type = 1};
  for (const char* const text : {"", " \t\n"}) {
    const auto program = capture::compile_filter(link, {.filter = text, .snaplen = 128}).value();
    REQUIRE(program.instructions.size() == 1);
    CHECK(program.instructions[0].code == (BPF_RET | BPF_K));
    CHECK(program.instructions[0].k == 128);
  }
}

TEST_CASE("a snaplen of nothing is refused") {
  const auto refused =
      capture::compile_filter(capture::device{.name = "eth0"}, {.filter = "tcp", .snaplen = 0});
  REQUIRE(refused.has_error());
  CHECK(refused.error().message() == "filter \"tcp\" on eth0: a snaplen of 0 would keep no packet");
}
