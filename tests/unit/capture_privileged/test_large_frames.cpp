// SPDX-License-Identifier: MIT
//
// Frames larger than any wire carries: what segmentation offload and GRO glue together, recorded
// whole, with tcpdump as a witness.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <netdb.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "capture/filter.hpp"
#include "capture/packet_ring.hpp"
#include "capture/ring_facts.hpp"
#include "support/catch.hpp"
#include "support/peer_capture.hpp"
#include "support/veth_pair.hpp"

namespace base = captured::base;
namespace capture = captured::capture;
using captured::test::kept_packet;
using captured::test::peer_capture;
using captured::test::run;
using captured::test::veth_pair;

namespace {

base::unique_fd tcp_socket(const std::string& address, bool listening) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.c_str(), "5000", &hints, &found) != 0) {
    return {};
  }
  base::unique_fd fd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const bool done = listening ? ::bind(fd.get(), found->ai_addr, found->ai_addrlen) == 0 &&
                                    ::listen(fd.get(), 1) == 0
                              : ::connect(fd.get(), found->ai_addr, found->ai_addrlen) == 0;
  ::freeaddrinfo(found);
  return done ? std::move(fd) : base::unique_fd();
}

/// `send0` in a namespace and on a thread of its own, sending over TCP to `ring0`.
class far_host {
 public:
  far_host() : thread_([this] { live(); }) {
    while (id_.load() == 0) {
      std::this_thread::yield();
    }
    REQUIRE(id_.load() > 0);
    run("ip link set send0 netns " + std::to_string(id_.load()));
  }
  ~far_host() {
    step_.store(-1);  // no step after it
    thread_.join();
  }
  /// Sets the device up there, then sends so many octets to this address, port 5000.
  void send(std::string set_up, std::string address, std::size_t octets) {
    set_up_ = std::move(set_up);
    address_ = std::move(address);
    octets_ = octets;
    step_.store(1);
  }

 private:
  /// The namespace, and with it both devices, lives as long as the thread.
  void live() {
    const bool apart = ::unshare(CLONE_NEWNET) == 0;
    id_.store(apart ? ::gettid() : -1);
    wait_while(0);
    if (step_.load() > 0) {
      send_all();
      wait_while(1);
    }
  }

  void wait_while(int step) const {
    while (step_.load() == step) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  void send_all() {
    if (std::system(set_up_.c_str()) != 0) {
      return;
    }
    base::unique_fd socket;
    for (int i = 0; i < 100 && !socket && step_.load() > 0; ++i) {
      socket = tcp_socket(address_, false);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    const std::vector<char> piece(1 << 20, 'x');
    for (std::size_t sent = 0; sent < octets_;) {
      const ssize_t count =
          ::send(socket.get(), piece.data(), std::min(piece.size(), octets_ - sent), MSG_NOSIGNAL);
      if (count <= 0) {
        return;
      }
      sent += static_cast<std::size_t>(count);
    }
  }

  std::atomic<int> id_{0};
  std::atomic<int> step_{0};
  std::string set_up_;
  std::string address_;
  std::size_t octets_ = 0;
  std::thread thread_;
};

struct lengths {
  std::uint32_t original = 0;
  std::size_t captured = 0;
  auto operator<=>(const lengths&) const = default;
};

std::ostream& operator<<(std::ostream& out, const lengths& one) {
  return out << one.captured << " of " << one.original;
}

bool is_tcp(std::span<const std::byte> frame) {
  constexpr std::byte tcp{6};
  const bool ipv6 = frame[12] == std::byte{0x86};
  // A frame of more than 64 KiB has a hop-by-hop header (RFC 2675) before TCP.
  return ipv6 ? frame[20] == tcp || (frame[20] == std::byte{0} && frame[54] == tcp)
              : frame[23] == tcp;
}

struct comparison {
  std::vector<lengths> ours;    ///< sorted, TCP only
  std::vector<lengths> theirs;  ///< the same
  [[nodiscard]] std::uint32_t longest() const { return ours.empty() ? 0 : ours.back().original; }
};

/// Sends 16 MiB over TCP through a ring and past tcpdump; nothing when it cannot be done here.
std::optional<comparison> transfer(const std::string& set_up_near, const std::string& set_up_far,
                                   const std::string& address, std::uint32_t block_bytes) {
  constexpr std::size_t octets = 16 << 20;
  far_host far;
  run(set_up_near);
  auto peer = peer_capture::start("ring0");
  if (!peer) {
    return std::nullopt;
  }
  auto options = captured::test::small_ring_options();
  options.ring.size_bytes = std::uint64_t{64} << 20;
  options.ring.block_bytes = block_bytes;
  const auto ring = captured::test::open_ring(capture::find_device("ring0").value(), options);
  const auto listener = tcp_socket(address, true);
  REQUIRE(listener);
  far.send(set_up_far, address, octets);
  const base::unique_fd connection(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(connection);
  std::vector<char> buffer(1 << 20);
  std::size_t received = 0;
  for (ssize_t count = 1; count > 0;) {
    count = ::recv(connection.get(), buffer.data(), buffer.size(), 0);
    received += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  REQUIRE(received == octets);

  comparison made;
  for (const auto& packet : peer->stop().packets) {
    if (is_tcp(packet.data)) {
      made.theirs.push_back({packet.original_length, packet.data.size()});
    }
  }
  for (const auto& packet : captured::test::stop_and_drain(*ring)) {
    if (is_tcp(packet.data)) {
      made.ours.push_back({packet.facts.original_length, packet.data.size()});
    }
  }
  CHECK(ring->statistics().drops_total == 0);
  std::ranges::sort(made.ours);
  std::ranges::sort(made.theirs);
  return made;
}

constexpr const char* near_ipv4 =
    "ip address add 192.0.2.2/24 dev ring0 && ip link set ring0 arp on && ethtool -K ring0 gro on";
constexpr const char* far_ipv4 =
    "ip address add 192.0.2.1/24 dev send0 && ip link set send0 arp on up";
constexpr const char* near_ipv6 =
    "ip link set ring0 arp on gso_max_size 180000 gro_max_size 180000 && "
    "ethtool -K ring0 gro on && echo 0 >/proc/sys/net/ipv6/conf/ring0/disable_ipv6 && "
    "ip address add fd00::2/64 dev ring0 nodad";
constexpr const char* far_ipv6 =
    "ip link set send0 arp on gso_max_size 180000 gro_max_size 180000 && "
    "ip link set send0 up && ip address add fd00::1/64 dev send0 nodad";

}  // namespace

TEST_CASE("frames of 64 KiB that offloads glue together are recorded whole") {
  if (!veth_pair::make()) {
    return;
  }
  const auto made = transfer(near_ipv4, far_ipv4, "192.0.2.2", 1u << 20);
  if (!made) {
    return;
  }
  CHECK(made->ours == made->theirs);
  CHECK(made->longest() > 60'000);
  CHECK(std::ranges::all_of(made->ours,
                            [](const lengths& one) { return one.captured == one.original; }));
}

TEST_CASE("frames beyond 64 KiB are recorded whole") {
  if (!veth_pair::make()) {
    return;
  }
  const auto made = transfer(near_ipv6, far_ipv6, "fd00::2", 1u << 20);
  if (!made) {
    return;
  }
  // tcpdump 4.99 saw them all and cut them at 64 KiB.
  REQUIRE(made->ours.size() == made->theirs.size());
  for (std::size_t i = 0; i < made->ours.size(); ++i) {
    REQUIRE(made->ours[i].original == made->theirs[i].original);
    REQUIRE(made->ours[i].captured == made->ours[i].original);
  }
  if (made->longest() < 100'000) {
    std::cout << "SKIPPED: this kernel makes no frames beyond 64 KiB\n";
  }
}

TEST_CASE("a frame larger than a ring block is cut to it, told in full, and not lost") {
  if (!veth_pair::make()) {
    return;
  }
  constexpr std::uint32_t block_bytes = 1u << 14;
  const auto made = transfer(near_ipv4, far_ipv4, "192.0.2.2", block_bytes);
  if (!made) {
    return;
  }
  const std::size_t longest = capture::longest_packet(block_bytes, capture::framing::ethernet);
  REQUIRE(made->ours.size() == made->theirs.size());
  CHECK(made->longest() > 60'000);
  for (std::size_t i = 0; i < made->ours.size(); ++i) {
    REQUIRE(made->ours[i].original == made->theirs[i].original);
    REQUIRE(made->ours[i].captured == std::min<std::size_t>(made->ours[i].original, longest));
  }
}
