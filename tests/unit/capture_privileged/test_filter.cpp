// SPDX-License-Identifier: MIT
//
// Filters compiled for a live device, judged by what they let through and by what tcpdump, that is
// libpcap itself, would install for the same words.
#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <memory>
#include <sstream>

#include <sys/socket.h>

#include "base/bytes.hpp"
#include "capture/filter.hpp"
#include "support/catch.hpp"
#include "support/scripted_source.hpp"
#include "support/veth_pair.hpp"

namespace base = captured::base;
namespace capture = captured::capture;
using capture::direction;
using captured::test::number_of;
using captured::test::numbered_frame;
using captured::test::open_ring;
using captured::test::small_ring_options;
using captured::test::stop_and_drain;
using captured::test::veth_pair;

namespace {

using frame = std::vector<std::byte>;
using numbers = std::vector<std::uint32_t>;

std::string output_of(const std::string& command) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  REQUIRE(pipe);
  std::string text;
  std::array<char, 4096> piece{};
  while (const std::size_t count = std::fread(piece.data(), 1, piece.size(), pipe.get())) {
    text.append(piece.data(), count);
  }
  return text;
}

/// In the form of `tcpdump -ddd`: the number of instructions, then one line for each.
std::string decimal(const capture::filter_program& program) {
  std::ostringstream text;
  text << program.instructions.size() << '\n';
  for (const sock_filter& instruction : program.instructions) {
    text << instruction.code << ' ' << int{instruction.jt} << ' ' << int{instruction.jf} << ' '
         << instruction.k << '\n';
  }
  return text.str();
}

/// A minimal TCP segment over IPv4 between two ports; the mark stands in the IP identification.
frame tcp_frame(std::uint16_t mark, std::uint16_t source_port, std::uint16_t destination_port) {
  frame made = numbered_frame(0, 60);
  std::fill(made.begin() + 14, made.end(), std::byte{0});
  base::store_big<std::uint16_t>(made.data() + 12, 0x0800);
  made[14] = std::byte{0x45};
  base::store_big<std::uint16_t>(made.data() + 16, 40);
  base::store_big(made.data() + 18, mark);
  made[23] = std::byte{6};
  base::store_big(made.data() + 34, source_port);
  base::store_big(made.data() + 36, destination_port);
  return made;
}

frame vlan_frame(std::uint32_t number, std::uint16_t tpid, std::uint16_t tci) {
  frame made = numbered_frame(number, 60);
  std::array<std::byte, 4> tag{};
  base::store_big(tag.data(), tpid);
  base::store_big(tag.data() + 2, tci);
  made.insert(made.begin() + 12, tag.begin(), tag.end());
  return made;
}

/// Marks of the numbered frames that pass, in order.
numbers passing(const veth_pair& pair, const capture::interface_options& options,
                const std::vector<frame>& received, const std::vector<frame>& sent = {}) {
  const auto ring = open_ring(pair.ring_end(), options);
  for (const frame& one : received) {
    pair.send(one);
  }
  pair.settle();
  for (const frame& one : sent) {
    pair.send_from_ring_end(one);
  }
  numbers passed;
  for (const auto& packet : stop_and_drain(*ring)) {
    const auto number = number_of(packet.data);
    passed.push_back(number ? *number : base::load_big<std::uint16_t>(packet.data.data() + 18));
  }
  return passed;
}

capture::interface_options filtered(std::string text, direction which = direction::automatic) {
  auto options = small_ring_options();
  options.filter = std::move(text);
  options.which = which;
  return options;
}

}  // namespace

TEST_CASE("a program is the one that libpcap makes for the same device") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  captured::test::run("ip address add 192.0.2.1/24 dev ring0");
  if (output_of("command -v tcpdump").empty()) {
    std::cout << "SKIPPED: no tcpdump to compare with\n";
    return;
  }
  for (const std::string text :
       {"not port 22", "vlan 100", "vlan 100 and tcp port 80", "inbound", "outbound",
        "ether broadcast", "ether host 02:00:00:00:00:01", "ip6 or arp", "vlan and vlan 7",
        "tcp[tcpflags] & tcp-syn != 0 and net 192.0.2.0/24", "greater 1000", "mpls 7"}) {
    INFO(text);
    const auto program = capture::compile_filter(pair->ring_end(), filtered(text));
    REQUIRE(program.has_value());
    CHECK(decimal(*program) == output_of("tcpdump -i ring0 -ddd '" + text + "' 2>&1"));
  }
}

TEST_CASE("not port 22 leaves out exactly that") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  CHECK(passing(*pair, filtered("not port 22"),
                {tcp_frame(1, 22, 5000), tcp_frame(2, 5000, 22), tcp_frame(3, 23, 5000),
                 numbered_frame(4, 60)}) == numbers{3, 4});
}

TEST_CASE("vlan sees the tag that was taken out of the frame") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  const std::vector<frame> frames = {numbered_frame(1, 60), vlan_frame(2, 0x8100, 100),
                                     vlan_frame(3, 0x8100, 0xe064), vlan_frame(4, 0x8100, 101),
                                     vlan_frame(5, 0x88a8, 100)};
  CHECK(passing(*pair, filtered("vlan 100"), frames) == numbers{2, 3, 5});
  CHECK(passing(*pair, filtered("vlan"), frames) == numbers{2, 3, 4, 5});
  CHECK(passing(*pair, filtered("not vlan"), frames) == numbers{1});
  CHECK(passing(*pair, filtered("vlan 100 and ether proto 0x88b5"), frames) == numbers{2, 3, 5});
}

TEST_CASE("the direction is chosen by option or by words, alone and together with a filter") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  const std::vector<frame> received = {numbered_frame(1, 60), tcp_frame(2, 22, 80)};
  const std::vector<frame> sent = {numbered_frame(3, 60), tcp_frame(4, 22, 80)};
  const auto pass = [&](const char* text, direction which) {
    return passing(*pair, filtered(text, which), received, sent);
  };
  CHECK(pass("", direction::automatic) == numbers{1, 2, 3, 4});
  CHECK(pass("", direction::both) == numbers{1, 2, 3, 4});
  CHECK(pass("", direction::in) == numbers{1, 2});
  CHECK(pass("", direction::out) == numbers{3, 4});
  CHECK(pass("inbound", direction::both) == numbers{1, 2});
  CHECK(pass("outbound", direction::both) == numbers{3, 4});
  CHECK(pass("tcp", direction::both) == numbers{2, 4});
  CHECK(pass("tcp", direction::in) == numbers{2});
  CHECK(pass("tcp", direction::out) == numbers{4});
  CHECK(pass("inbound", direction::out).empty());
}

TEST_CASE("ip broadcast knows the device's network") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  captured::test::run("ip address add 192.0.2.1/24 dev ring0");
  const auto frame_to = [](std::uint16_t mark, std::uint32_t address) {
    frame made = tcp_frame(mark, 1, 2);
    base::store_big(made.data() + 30, address);
    return made;
  };
  CHECK(passing(*pair, filtered("ip broadcast"),
                {frame_to(1, 0xc00002ff), frame_to(2, 0xc0000207), frame_to(3, 0xffffffff),
                 frame_to(4, 0xc0000200), frame_to(5, 0xff000001)}) == numbers{1, 3, 4});
}

TEST_CASE("loopback shows each packet once, and twice when both directions are asked for") {
  if (!veth_pair::make()) {
    return;
  }
  const auto loopback = capture::find_device("lo").value();
  const auto sender = captured::test::open_sender("lo");
  std::uint64_t sent = 0;
  const auto count_for = [&](direction which) {
    auto options = filtered("ether proto 0x88b5", which);
    options.promiscuous = false;
    const auto ring = open_ring(loopback, options);
    const auto one = numbered_frame(1, 60);
    REQUIRE(::send(sender.get(), one.data(), one.size(), 0) == 60);
    captured::test::wait_for_received("lo", ++sent);
    return stop_and_drain(*ring).size();
  };
  CHECK(count_for(direction::automatic) == 1);
  CHECK(count_for(direction::in) == 1);
  CHECK(count_for(direction::out) == 1);
  CHECK(count_for(direction::both) == 2);
}

TEST_CASE("a bad filter, or one for this device only, is refused in one clear line") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  const auto why_not = [&](const std::string& text) {
    const auto program = capture::compile_filter(pair->ring_end(), filtered(text));
    return program ? "accepted" : program.error().message();
  };
  CHECK(why_not("tcp prot 80") == "filter \"tcp prot 80\" on ring0: syntax error");
  CHECK(why_not("ip broadcast") ==
        "filter \"ip broadcast\" on ring0: netmask not known, so 'ip broadcast' not supported");
  capture::device gone = pair->ring_end();
  gone.name = "gone0";
  const auto program = capture::compile_filter(gone, filtered("tcp"));
  REQUIRE(program.has_error());
  CHECK(program.error().message() == "open gone0 for its filter: No such device exists");
}

TEST_CASE("a filter longer than the kernel takes is refused with both lengths") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  std::string text = "ether proto 0x0801";
  for (int i = 2; i < 4200; ++i) {
    text += " or ether[" + std::to_string(i) + "] = 7";
  }
  const auto program = capture::compile_filter(pair->ring_end(), filtered(text));
  REQUIRE(program.has_error());
  CHECK_THAT(program.error().detail, Catch::Matchers::StartsWith("compiles to ") &&
                                         Catch::Matchers::EndsWith("the kernel takes 4096"));
}
