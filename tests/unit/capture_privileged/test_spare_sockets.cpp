// SPDX-License-Identifier: MIT
// What can be done with packet sockets that were made earlier by a process that has no right at all
// any more, and what cannot.
#include <algorithm>
#include <array>

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/filter.hpp"
#include "capture/spare_sockets.hpp"
#include "support/catch.hpp"
#include "support/forked.hpp"
#include "support/scripted_source.hpp"
#include "support/veth_pair.hpp"

namespace base = captured::base;
namespace capture = captured::capture;
using captured::test::number_of;
using captured::test::numbered_frame;
using captured::test::small_ring_options;
using captured::test::stop_and_drain;
using captured::test::veth_pair;

namespace {

bool give_up_all_rights() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none{};
  return ::syscall(SYS_capset, &header, none.data()) == 0;
}

template <class Value>
std::string told(const char* what, const base::result<Value>& how) {
  return std::string(what) + ": " + (how ? "done" : how.error().message()) + "\n";
}

std::string filter_told(const capture::device& from, const char* text) {
  auto options = small_ring_options();
  options.filter = text;
  return told(text, capture::compile_filter(from, options));
}

/// Opens a ring, sends three frames and counts them.
std::string ring_told(const veth_pair& pair, const std::shared_ptr<capture::spare_sockets>& spares,
                      const capture::interface_options& options) {
  const auto program = capture::compile_filter(pair.ring_end(), options);
  if (!program) {
    return told("filter", program);
  }
  auto ring = capture::packet_ring::open(pair.ring_end(), options, *program, spares);
  if (!ring) {
    return told("ring", ring);
  }
  for (std::uint32_t i = 0; i < 3; ++i) {
    pair.send(numbered_frame(i, 100));
  }
  pair.settle();
  return std::to_string(stop_and_drain(**ring).size()) + " frames\n";
}

TEST_CASE("without a right, rings open on spare sockets, which are used again") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  CHECK(captured::testing::in_child([&pair] {
          auto spares = capture::spare_sockets::open(1).value();
          if (!give_up_all_rights()) {
            return std::string("rights cannot be given up");
          }
          auto options = small_ring_options();
          options.promiscuous = true;
          std::string text;
          for (int round = 0; round < 3; ++round) {
            options.stamps =
                round == 1 ? capture::stamp_source::hardware : capture::stamp_source::software;
            options.filter = round == 2 ? "ether src 02:00:00:00:00:01 or len > 90" : "";
            text += ring_told(*pair, spares, options);
          }
          text += told("without spares",
                       capture::packet_ring::open(pair->ring_end(), options,
                                                  capture::accept_all(1000), nullptr));
          const auto first = capture::packet_ring::open(pair->ring_end(), options,
                                                        capture::accept_all(1000), spares);
          text += told("first", first);
          text += told("second", capture::packet_ring::open(pair->ring_end(), options,
                                                            capture::accept_all(1000), spares));
          return text;
        }) ==
        "3 frames\n3 frames\n3 frames\n"
        "without spares: open packet socket for " +
            pair->ring_end().name +
            ": Operation not permitted\nfirst: done\n"
            "second: open packet socket for " +
            pair->ring_end().name +
            ": all 1 spare sockets are in use, and there is no right to open others "
            "(spare_sockets)\n");
}

TEST_CASE("without a right, spare sockets join a fanout group") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  CHECK(captured::testing::in_child([&pair] {
          auto spares = capture::spare_sockets::open(2).value();
          give_up_all_rights();
          const auto options = small_ring_options();
          std::string text;
          std::array<std::unique_ptr<capture::packet_ring>, 2> rings;
          for (auto& each : rings) {
            each =
                capture::packet_ring::open(pair->ring_end(), options, capture::reject_all(), spares)
                    .value();
            text += told("join", each->join_fanout(77, capture::fanout_mode::load_balance));
          }
          std::size_t frames = 0;
          for (auto& each : rings) {
            text += told("filter", each->attach_filter(capture::accept_all(1000)));
          }
          for (std::uint32_t i = 0; i < 4; ++i) {
            pair->send(numbered_frame(i, 100));
          }
          pair->settle();
          for (auto& each : rings) {
            frames += stop_and_drain(*each).size();
          }
          rings = {};  // the kernel binds neither of their sockets again
          text += spares->take(capture::framing::ethernet, "eth9").error().detail + "\n";
          return text + std::to_string(frames) + " frames\n";
        }) ==
        "join: done\njoin: done\nfilter: done\nfilter: done\n"
        "all 2 spare sockets are in use or, as 2, of no more use after a fanout, and there "
        "is no right to open others (spare_sockets)\n4 frames\n");
}

TEST_CASE("without a right, a filter compiles to the same program or is refused") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  const capture::device& from = pair->ring_end();
  constexpr std::array good{"udp port 53",     "not tcp port 22", "host 192.0.2.1 and len > 100",
                            "ip6 proto 58",    "ether broadcast", "icmp[0] = 8 or net 10.0.0.0/8",
                            "inbound and udp", "ifindex 3"};
  const auto program_text = [&from](const char* text) {
    auto options = small_ring_options();
    options.filter = text;
    std::string words;
    for (const sock_filter& each : capture::compile_filter(from, options).value().instructions) {
      words += std::to_string(each.code) + "," + std::to_string(each.jt) + "," +
               std::to_string(each.jf) + "," + std::to_string(each.k) + " ";
    }
    return words + "\n";
  };
  std::string with_right;
  for (const char* each : good) {
    with_right += program_text(each);
  }
  CHECK(captured::testing::in_child([&] {
          give_up_all_rights();
          std::string without;
          for (const char* each : good) {
            without += program_text(each);
          }
          return without;
        }) == with_right);
  const std::string refused = captured::testing::in_child([&from] {
    give_up_all_rights();
    return filter_told(from, "vlan 5") + filter_told(from, "udp and(vlan)") +
           filter_told(from, "udp port");
  });
  INFO(refused);
  CHECK(std::count(refused.begin(), refused.end(), '\n') == 3);
  CHECK(refused.find(": done") == std::string::npos);
  CHECK(refused.starts_with("vlan 5: filter \"vlan 5\" on " + from.name +
                            ": without CAP_NET_RAW (spare_sockets) filters cannot test for "
                            "VLANs\n"));
}

}  // namespace
