// SPDX-License-Identifier: MIT
#include "capture/filter_program.hpp"
#include "support/catch.hpp"

namespace capture = captured::capture;
using capture::direction;
using capture::filter_program;

namespace {

constexpr std::uint32_t snaplen = 1000;
constexpr std::uint8_t outgoing = 4;

/// What a program makes of a packet of this type; knows the instructions of the direction test.
std::uint32_t verdict(const filter_program& program, std::uint8_t packet_type) {
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < program.instructions.size(); ++at) {
    const sock_filter& instruction = program.instructions[at];
    if (instruction.code == (BPF_RET | BPF_K)) {
      return instruction.k;
    }
    if (instruction.code == (BPF_JMP | BPF_JEQ | BPF_K)) {
      at += accumulator == instruction.k ? instruction.jt : instruction.jf;
    } else {
      REQUIRE(instruction.code == (BPF_LD | BPF_B | BPF_ABS));
      REQUIRE(instruction.k == static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE));
      accumulator = packet_type;
    }
  }
  FAIL("the program runs off its end");
  return 0;
}

}  // namespace

TEST_CASE("accepting keeps the snaplen and rejecting keeps nothing") {
  CHECK(verdict(capture::accept_all(snaplen), 0) == snaplen);
  CHECK(verdict(capture::reject_all(), 0) == 0);
}

TEST_CASE("the direction test lets the right packets through to the program") {
  const auto accepts = [](direction which, std::uint8_t type) {
    return verdict(capture::restrict_direction(capture::accept_all(snaplen), which).value(), type);
  };
  for (std::uint8_t received = 0; received < outgoing; ++received) {
    CHECK(accepts(direction::both, received) == snaplen);
    CHECK(accepts(direction::in, received) == snaplen);
    CHECK(accepts(direction::out, received) == 0);
  }
  CHECK(accepts(direction::both, outgoing) == snaplen);
  CHECK(accepts(direction::in, outgoing) == 0);
  CHECK(accepts(direction::out, outgoing) == snaplen);
}

TEST_CASE("both directions need no test") {
  const auto program = capture::restrict_direction(capture::accept_all(1), direction::both).value();
  CHECK(program.instructions.size() == 1);
}

TEST_CASE("the snaplen replaces what is kept and leaves rejections alone") {
  auto program = capture::restrict_direction(capture::accept_all(1), direction::in).value();
  capture::set_snaplen(program, 96);
  CHECK(verdict(program, 0) == 96);
  CHECK(verdict(program, outgoing) == 0);
}

TEST_CASE("a program is refused when the direction test makes it too long for the kernel") {
  filter_program longest = capture::accept_all(1);
  longest.instructions.resize(BPF_MAXINSNS - 3, longest.instructions.front());
  CHECK(capture::restrict_direction(longest, direction::in).has_value());
  longest.instructions.push_back(longest.instructions.front());
  CHECK(capture::restrict_direction(longest, direction::both).has_value());
  const auto refused = capture::restrict_direction(longest, direction::in);
  REQUIRE(refused.has_error());
  CHECK(refused.error().message() ==
        "filter: compiles to 4097 instructions, the kernel takes 4096");
}
