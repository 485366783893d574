// SPDX-License-Identifier: MIT
//
// Which packets are a stream's own, and which of an interface it is offered.
#include <net/if_arp.h>

#include "base/bytes.hpp"
#include "capture/filter.hpp"
#include "daemon/device_filters.hpp"
#include "daemon/own_traffic.hpp"
#include "daemon/packet_stream.hpp"
#include "support/catch.hpp"
#include "support/scripted_source.hpp"

using namespace captured;
using namespace captured::daemon;

namespace {

/// TCP over IPv4 from 192.0.2.`host`, port `port`, behind so many VLAN tags.
std::vector<std::byte> tcp_frame(int tags, int host, int port) {
  std::vector<int> octets{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
  for (int i = 0; i < tags; ++i) {
    octets.insert(octets.end(), {0x81, 0, 0, 5 + i});
  }
  octets.insert(octets.end(),
                {8, 0,   0x45, 0, 0,    40,  0,  0,   0, 0,         64,         6,    0,
                 0, 192, 0,    2, host, 198, 51, 100, 1, port >> 8, port & 255, 0x12, 0x34});
  octets.resize(octets.size() + 16);
  std::vector<std::byte> frame;
  for (const int each : octets) {
    frame.push_back(static_cast<std::byte>(each));
  }
  return frame;
}

/// The same over IPv6, from 2001:db8::`host`.
std::vector<std::byte> tcp_frame_6(int host, int port) {
  std::vector<int> octets{2, 0,    0,    0,    0, 1, 2, 0, 0,  0, 0,
                          2, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 20, 6, 64};
  octets.insert(octets.end(), {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host});
  octets.insert(octets.end(), {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100});
  octets.insert(octets.end(), {port >> 8, port & 255, 0x12, 0x34});
  octets.resize(octets.size() + 16);
  std::vector<std::byte> frame;
  for (const int each : octets) {
    frame.push_back(static_cast<std::byte>(each));
  }
  return frame;
}

bool takes(const device_filters& filters, const std::vector<std::byte>& frame) {
  return filters.find(packet::link_type::ethernet)
      ->matches(frame, static_cast<std::uint32_t>(frame.size()));
}

}  // namespace

TEST_CASE("a stream's own packets are left out before a filter's VLAN shifts what follows") {
  const std::string own = own_packets({.host = "192.0.2.7", .port = 50051});
  CHECK(own == "host 192.0.2.7 and tcp port 50051");
  const std::string rest = "not (" + own + ")";
  CHECK(capture::whole_filter({.filter = "vlan 5 or udp", .left_out = own}) ==
        rest + " and (vlan 5 or udp)");
  CHECK(capture::whole_filter({.left_out = own}) == rest);
  CHECK(capture::whole_filter({.filter = "udp"}) == "udp");
}

TEST_CASE("the packets of several streams are left out, and of a name those of its port") {
  CHECK(any_of_packets({}).empty());
  CHECK(any_of_packets({{"a", "tcp port 1"}}) == "tcp port 1");
  CHECK(any_of_packets({{"a", "tcp port 1"}, {"b", "tcp port 2"}}) ==
        "(tcp port 1) or (tcp port 2)");
  CHECK(own_packets({.host = "collector.example", .port = 443}) == "tcp port 443");
}

TEST_CASE("a stream's own packets are known behind VLAN tags, too, and no others are") {
  const auto filters =
      device_filters::compile(in_files(own_packets({.host = "192.0.2.7", .port = 50051})));
  REQUIRE(filters.has_value());
  for (const int tags : {0, 1, 2}) {
    CAPTURE(tags);
    CHECK(takes(*filters, tcp_frame(tags, 7, 50051)));
    CHECK_FALSE(takes(*filters, tcp_frame(tags, 7, 443)));
    CHECK_FALSE(takes(*filters, tcp_frame(tags, 8, 50051)));
  }
  // Where there can be no tags.
  CHECK(filters->find(packet::link_type::raw_ip) != nullptr);
  CHECK(filters->find(packet::link_type::linux_sll) != nullptr);
}

TEST_CASE("frames too short for a connection pass the filter that leaves a stream's packets out") {
  for (const char* host : {"192.0.2.7", "2001:db8::7"}) {
    CAPTURE(host);
    const capture::interface_options options{
        .left_out =
            on_device(own_packets({.host = host, .port = 50051}), packet::link_type::ethernet)};
    const auto filter = capture::offline_filter::compile(capture::whole_filter(options),
                                                         packet::link_type::ethernet);
    REQUIRE(filter.has_value());
    const auto passes = [&](std::vector<std::byte> frame, std::size_t size) {
      frame.resize(size);
      return filter->matches(frame, static_cast<std::uint32_t>(size));
    };
    for (std::size_t size = 14; size < 54; ++size) {
      CAPTURE(size);
      CHECK(passes(tcp_frame(0, 7, 50051), size));
      CHECK(passes(tcp_frame_6(7, 50051), size));
    }
    const bool is_six = host[0] == '2' && host[1] == '0';
    CHECK(passes(tcp_frame(0, 7, 50051), 54) == is_six);
    CHECK(passes(tcp_frame_6(7, 50051), 74) != is_six);
    CHECK(passes(tcp_frame(0, 8, 50051), 54));
    CHECK(passes(tcp_frame_6(8, 50051), 74));
  }
  CHECK(on_device("x", packet::link_type::raw_ip) == "greater 40 and (x)");
}

#if defined(__SANITIZE_THREAD__)

TEST_CASE("what a stream is offered") {
  WARN("SKIPPED: gRPC is not built with the thread sanitizer");
}

#else

namespace {

/// A stream to a collector that is not there, and entries of one device that show it packets.
struct streaming {
  explicit streaming(std::size_t queue_bytes = std::size_t{1} << 20,
                     const std::string& to = "http://192.0.2.7:50051") {
    settings::stream_settings wanted;
    wanted.name = "far";
    wanted.to = to;
    wanted.interface = "*";
    wanted.queue_bytes = queue_bytes;
    auto made = packet_stream::start(context, wanted, [](const std::string&) {});
    REQUIRE(made.has_value());
    stream = std::move(*made);
    for (recorded_interface* const each : {&first, &second}) {
      each->entry.device.name = "eth0";
      each->from.name = "eth0";
      each->from.hardware_type = ARPHRD_ETHER;
      each->state = interface_state::recording;
      stream->on_recorded(*each);
    }
  }

  /// Frames as the kernel keeps them, cut at `snaplen`.
  void show(const recorded_interface& on, const std::vector<std::vector<std::byte> >& frames,
            std::uint64_t time_ns = 1, std::uint32_t snaplen = 262144) {
    test::scripted_source source({.snaplen = snaplen});
    for (const auto& frame : frames) {
      source.produce({.timestamp_ns = time_ns++, .data = frame});
    }
    source.retire();
    on.tap.show({.memory = source.block_memory(*source.try_take())});
  }
  [[nodiscard]] std::uint64_t offered() const { return stream->figures().offered; }

  boost::asio::io_context context;
  recorded_interface first;
  recorded_interface second;
  std::unique_ptr<packet_stream> stream;
};

}  // namespace

TEST_CASE("packets that are cut before they tell whose they are are streamed") {
  streaming with;
  with.show(with.first, {tcp_frame(0, 8, 443), tcp_frame(1, 8, 443), tcp_frame_6(8, 443)}, 1, 30);
  with.show(with.first, {tcp_frame_6(8, 443)}, 1, 50);
  CHECK(with.offered() == 4);
  CHECK(with.stream->own_packets_seen() == 0);
}

TEST_CASE("packets that a stream keeps back as its own are counted") {
  streaming with;
  with.show(with.first, {tcp_frame(0, 7, 50051), tcp_frame(0, 8, 50051), tcp_frame(2, 7, 50051)});
  CHECK(with.offered() == 1);
  CHECK(with.stream->own_packets_seen() == 2);
}

TEST_CASE("a stream to a name that was never reached keeps nothing back") {
  streaming with(1 << 20, "http://localhost:1");
  with.show(with.first, {tcp_frame(0, 7, 1), tcp_frame(0, 8, 1)});
  CHECK(with.offered() == 2);
  CHECK(with.stream->own_packets_seen() == 0);
}

TEST_CASE("with a full queue a block is counted without a look at its packets") {
  streaming with(64);
  with.show(with.first, {tcp_frame(0, 8, 443)});  // fills it
  const stream::client_figures before = with.stream->figures();
  REQUIRE(before.waiting == 1);
  test::scripted_source source;
  source.produce({.data = tcp_frame(0, 8, 443)});
  source.retire();
  const std::span<std::byte> block = source.block_memory(*source.try_take());
  // A head that promises what is not there: whoever walks finds one packet.
  constexpr std::size_t at = offsetof(tpacket_block_desc, hdr) + offsetof(tpacket_hdr_v1, num_pkts);
  base::store_native(block.data() + at, std::uint32_t{500});
  with.first.tap.show({.memory = block, .packets_done = 20});
  const stream::client_figures figures = with.stream->figures();
  CHECK(figures.offered == before.offered + 480);
  CHECK(figures.dropped == before.dropped + 480);
}

TEST_CASE("a stream goes on with another entry of its interface, each packet once") {
  streaming with;
  const auto frame = tcp_frame(0, 8, 443);
  with.show(with.first, {frame, frame}, 10);
  with.show(with.second, {frame, frame}, 10);
  CHECK(with.offered() == 2);
  with.first.state = interface_state::closing;
  with.stream->on_moved(with.first, with.second, 20);
  with.show(with.second, {frame, frame, frame}, 18);  // one of them of the time from then on
  CHECK(with.offered() == 3);
  with.show(with.first, {frame, frame, frame}, 18);  // the other two
  CHECK(with.offered() == 5);
  with.stream->on_closed(with.first);
  with.show(with.second, {frame}, 5);  // the clock was set back
  CHECK(with.offered() == 6);
  CHECK(with.first.tap.idle());
  // And back, when the second ends before the first is there again: as when a device goes.
  with.second.state = interface_state::closing;
  with.stream->on_closed(with.second);
  with.first.state = interface_state::recording;
  with.stream->on_recorded(with.first);
  with.show(with.first, {frame}, 30);
  CHECK(with.offered() == 7);
}

#endif
