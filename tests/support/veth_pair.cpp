// SPDX-License-Identifier: MIT
#include "support/veth_pair.hpp"

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <thread>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>

#include "capture/device_counters.hpp"
#include "support/catch.hpp"

namespace captured::test {
namespace {

constexpr const char* sending_device = "send0";
constexpr const char* ring_device = "ring0";

void send_on(const base::unique_fd& socket, std::span<const std::byte> frame) {
  const ssize_t count = ::send(socket.get(), frame.data(), frame.size(), 0);
  if (count != static_cast<ssize_t>(frame.size())) {
    FAIL("send " << frame.size() << " octets: " << std::strerror(errno));
  }
}

}  // namespace

void run(const std::string& command) {
  INFO(command);
  REQUIRE(std::system(command.c_str()) == 0);
}

void wait_for_carrier() {
  for (int i = 0; i < 2000; ++i) {
    if (capture::find_device(sending_device).value().running &&
        capture::find_device(ring_device).value().running) {
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  FAIL("the devices did not get a carrier");
}

void wait_for_received(const std::string& device_name, std::uint64_t frames) {
  auto table = capture::device_counter_table::open().value();
  for (int i = 0; i < 2000; ++i) {
    if (table.read(device_name).value().received >= frames) {
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  FAIL(device_name << " did not receive " << frames << " frames");
}

base::unique_fd open_sender(const std::string& device_name) {
  base::unique_fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(::if_nametoindex(device_name.c_str()));
  REQUIRE(address.sll_ifindex != 0);
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return socket;
}

std::optional<veth_pair> veth_pair::make() {
  if (::unshare(CLONE_NEWNET) != 0) {
    std::cout << "SKIPPED: no network namespace of our own: " << std::strerror(errno) << '\n';
    return std::nullopt;
  }
  // Without IPv6 the devices have nothing to say by themselves.
  run("echo 1 2>&- >/proc/sys/net/ipv6/conf/default/disable_ipv6 || true");
  run("ip link set lo up && ip link add send0 type veth peer name ring0 && "
      "ip link set send0 arp off up && ip link set ring0 arp off up");
  wait_for_carrier();
  veth_pair pair;
  pair.sender_ = open_sender(sending_device);
  pair.ring_end_sender_ = open_sender(ring_device);
  return pair;
}

void veth_pair::send(std::span<const std::byte> frame) const {
  send_on(sender_, frame);
  sent_->fetch_add(1);
}

void veth_pair::settle() const {
  wait_for_received(ring_device, sent_->load());
}

void veth_pair::send_from_ring_end(std::span<const std::byte> frame) const {
  send_on(ring_end_sender_, frame);
}

capture::device veth_pair::ring_end() const {
  return capture::find_device(ring_device).value();
}

capture::interface_options small_ring_options() {
  capture::interface_options options;
  options.name = ring_device;
  options.ring = {.size_bytes = std::uint64_t{16} << 16,
                  .block_bytes = 1u << 16,
                  .timeout = std::chrono::milliseconds(50)};
  return options;
}

std::unique_ptr<capture::packet_ring> open_ring(const capture::device& from,
                                                const capture::interface_options& options) {
  const auto program = capture::compile_filter(from, options);
  if (!program) {
    FAIL(program.error().message());
  }
  auto ring = capture::packet_ring::open(from, options, *program);
  if (!ring) {
    FAIL(ring.error().message());
  }
  return std::move(*ring);
}

std::vector<kept_packet> stop_and_drain(capture::packet_ring& ring) {
  REQUIRE(ring.reject_all().has_value());
  std::this_thread::sleep_for(3 * ring.timeout());
  std::vector<kept_packet> kept;
  while (const auto index = ring.try_take()) {
    const capture::block_lease lease(ring, *index);
    capture::frame_cursor cursor(lease.memory(), lease.form());
    for (packet::packet_view packet; cursor.next(packet);) {
      kept.push_back({{packet.data.begin(), packet.data.end()}, packet});
    }
    CHECK_FALSE(cursor.damaged());
  }
  return kept;
}

}  // namespace captured::test
