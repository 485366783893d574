// SPDX-License-Identifier: MIT
// A ring that outlives those who read it: they are killed at random moments, the next one gets
// socket and journal handed over a local socket, as a service manager's store does it, and goes on.
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <thread>

#include <linux/filter.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/packet_ring.hpp"
#include "support/catch.hpp"
#include "support/scripted_source.hpp"
#include "support/veth_pair.hpp"

namespace base = captured::base;
namespace capture = captured::capture;
using captured::test::number_of;
using captured::test::numbered_frame;
using captured::test::veth_pair;

namespace {

using namespace std::chrono_literals;

constexpr std::size_t packets_max = 1u << 20;

/// What the lives have "written", as the disk would keep it: a packet's place is its ordinal, so
/// that what is done again after a kill comes to lie on itself.
struct disk {
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> lives{0};
  std::array<std::uint32_t, packets_max> numbers{};
  // Of the last life, which ends by itself.
  std::uint64_t filteraccept = 0;
  std::uint64_t osdrop = 0;
  std::uint64_t stored = 0;
  std::uint64_t told = 0;
  std::uint64_t stored_by_all = 0;
  std::uint64_t told_by_all = 0;
};

struct unmap_disk {
  void operator()(disk* what) const noexcept { ::munmap(what, sizeof *what); }
};

std::unique_ptr<disk, unmap_disk> make_disk() {
  void* const memory =
      ::mmap(nullptr, sizeof(disk), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  return std::unique_ptr<disk, unmap_disk>(new (memory) disk);
}

void hand_over(int channel, int socket, int journal) {
  char octet = 0;
  iovec data{&octet, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> room{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = room.data();
  message.msg_controllen = room.size();
  cmsghdr* const rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(2 * sizeof(int));
  const std::array<int, 2> both{socket, journal};
  std::memcpy(CMSG_DATA(rights), both.data(), sizeof both);
  REQUIRE(::sendmsg(channel, &message, 0) == 1);
}

std::array<base::unique_fd, 2> receive(int channel) {
  char octet = 0;
  iovec data{&octet, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> room{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = room.data();
  message.msg_controllen = room.size();
  std::array<int, 2> both{-1, -1};
  if (::recvmsg(channel, &message, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&message) != nullptr) {
    std::memcpy(both.data(), CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof both);
  }
  return {base::unique_fd(both[0]), base::unique_fd(both[1])};
}

/// Reads a ring as the recorder does: packets are dealt with in batches, and a block is released
/// when all of it was. Some thousand moments to be killed at.
class reader {
 public:
  reader(capture::packet_ring& ring, disk& to) : ring_(ring), to_(to) {}

  bool read_block(std::size_t batch) {
    const auto index = ring_.try_take();
    if (!index) {
      return false;
    }
    capture::ring_progress at = ring_.journal()->progress();
    const capture::block_lease lease(ring_, *index);
    capture::frame_cursor cursor(lease.memory(), lease.form());
    captured::packet::packet_view packet;
    for (std::uint32_t i = 0; i < at.packets; ++i) {
      if (!cursor.next(packet)) {
        std::_Exit(2);
      }
    }
    if (at.packets == 0) {
      at.losses_told += lease.losses_before();
      told += lease.losses_before();
    }
    std::size_t in_batch = 0;
    while (cursor.next(packet)) {
      to_.numbers[at.packets_total % packets_max] =
          number_of(packet.data).value_or(~std::uint32_t{0});
      ++at.packets_total;
      ++at.packets;
      ++stored;
      if (++in_batch == batch) {
        in_batch = 0;
        ring_.journal()->set_progress(at);
      }
    }
    at.packets = 0;
    ++at.block;
    ring_.journal()->set_progress(at);
    return true;
  }

  std::uint64_t stored = 0;
  std::uint64_t told = 0;

 private:
  capture::packet_ring& ring_;
  disk& to_;
};

/// One life: takes over and reads until it is killed, or told to end.
[[noreturn]] void live(int channel, const capture::device& from,
                       const capture::interface_options& options,
                       const capture::filter_program& program, disk& to, unsigned seed,
                       std::chrono::milliseconds asleep) {
  auto [socket, memory] = receive(channel);
  auto journal = capture::ring_journal::take_over(std::move(memory));
  if (!journal) {
    std::_Exit(3);
  }
  auto ring = capture::packet_ring::take_over(std::move(socket), std::move(*journal), from, options,
                                              program);
  if (!ring) {
    std::_Exit(4);
  }
  ++to.lives;
  std::minstd_rand random(seed);
  reader reads(**ring, to);
  std::this_thread::sleep_for(asleep);
  while (!to.stop) {
    if (!reads.read_block(1 + random() % 50)) {
      std::this_thread::sleep_for(200us);
    }
    if (random() % 8 == 0) {
      (void)(*ring)->statistics();
    }
  }
  (void)(*ring)->reject_all();
  std::this_thread::sleep_for(3 * (*ring)->timeout());
  while (reads.read_block(1000)) {
  }
  const auto figures = (*ring)->statistics();
  const auto& end = (*ring)->journal()->progress();
  to.filteraccept = figures.packets_total;
  to.osdrop = figures.drops_total;
  to.stored = reads.stored;
  to.told = reads.told;
  to.stored_by_all = end.packets_total;
  to.told_by_all = end.losses_told;
  std::_Exit(0);
}

struct outcome {
  std::unique_ptr<disk, unmap_disk> written;
  std::uint64_t sent = 0;
  int status = -1;
};

/// As many lives as kills, and one that ends by itself, while frames are sent at a steady pace.
std::optional<outcome> run_lives(capture::interface_options options, int kills,
                                 std::chrono::milliseconds asleep) {
  const auto pair = veth_pair::make();
  if (!pair) {
    return std::nullopt;
  }
  const auto from = pair->ring_end();
  const auto program = capture::accept_all(2000);
  outcome result{.written = make_disk()};
  auto ring = capture::packet_ring::open(from, options, program);
  auto journal = capture::ring_journal::make();
  REQUIRE((ring && journal));
  const base::unique_fd kept_socket(::dup((*ring)->fd()));
  const base::unique_fd kept_journal(::dup(journal->fd()));
  ring->reset();
  std::atomic<bool> enough = false;
  std::thread sender([&] {
    for (; !enough; ++result.sent) {
      pair->send(numbered_frame(static_cast<std::uint32_t>(result.sent), 200));
      std::this_thread::sleep_for(50us);
    }
  });
  std::minstd_rand random(20261122);
  for (int life = 0; life <= kills; ++life) {
    std::array<int, 2> channel{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, channel.data()) == 0);
    const unsigned seed = static_cast<unsigned>(random());
    const pid_t child = ::fork();
    if (child == 0) {
      live(channel[1], from, options, program, *result.written, seed, asleep);
    }
    hand_over(channel[0], kept_socket.get(), kept_journal.get());
    if (life < kills) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));
      ::kill(child, SIGKILL);
    } else {
      std::this_thread::sleep_for(100ms);
      enough = true;
      sender.join();
      pair->settle();
      result.written->stop = true;
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    result.status = status;
    ::close(channel[0]);
    ::close(channel[1]);
  }
  return result;
}

capture::interface_options ring_of(std::uint64_t size_bytes) {
  auto options = captured::test::small_ring_options();
  options.ring.size_bytes = size_bytes;
  return options;
}

TEST_CASE("of a ring that is taken over after each kill no packet is missing or comes twice") {
  const auto result = run_lives(ring_of(std::uint64_t{16} << 20), 80, 0ms);
  if (!result) {
    return;
  }
  const disk& written = *result->written;
  REQUIRE(result->status == 0);
  CHECK(written.lives > 20);
  CHECK(written.osdrop == 0);
  REQUIRE(written.stored_by_all == result->sent);
  std::uint64_t wrong = 0;
  for (std::uint64_t i = 0; i < result->sent; ++i) {
    wrong += written.numbers[i] != i ? 1u : 0u;
  }
  CHECK(wrong == 0);
  CHECK(written.filteraccept == written.stored);
}

TEST_CASE("what a ring lost while nobody read it is told exactly once") {
  // So small, and read so late, that most is lost.
  const auto result = run_lives(ring_of(std::uint64_t{2} << 16), 30, 30ms);
  if (!result) {
    return;
  }
  const disk& written = *result->written;
  REQUIRE(result->status == 0);
  CHECK(written.lives > 5);
  CHECK(written.told_by_all > 0);
  CHECK(written.filteraccept == written.stored + written.osdrop);
  const std::uint64_t untold = written.osdrop - written.told;
  CHECK(written.stored_by_all + written.told_by_all + untold == result->sent);
  std::uint64_t missing = 0;
  for (std::uint64_t i = 0, next = 0; i < written.stored_by_all; ++i) {
    REQUIRE(written.numbers[i] >= next);
    missing += written.numbers[i] - next;
    next = written.numbers[i] + std::uint64_t{1};
    missing += i + 1 == written.stored_by_all ? result->sent - next : 0;
  }
  CHECK(missing == written.told_by_all + untold);
}

namespace {

/// Octets of each packet that the socket's filter, one that takes everything, keeps.
std::uint32_t kept_by_filter(int socket) {
  sock_filter only{};
  socklen_t count = 1;
  REQUIRE(::getsockopt(socket, SOL_SOCKET, SO_GET_FILTER, &only, &count) == 0);
  return only.k;
}

}  // namespace

TEST_CASE(
    "only the ring that was asked for is taken over, and gets the filter that is wanted now") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  const auto from = pair->ring_end();
  const auto options = captured::test::small_ring_options();
  const auto program = capture::accept_all(2000);
  const auto ring = capture::packet_ring::open(from, options, program).value();
  const auto why_not = [&](const capture::device& device, const capture::interface_options& other,
                           const capture::filter_program& filter) {
    auto taken = capture::packet_ring::take_over(base::unique_fd(::dup(ring->fd())),
                                                 capture::ring_journal::make().value(), device,
                                                 other, filter);
    return taken ? "taken" : taken.error().message();
  };
  CHECK(why_not(from, options, program) == "taken");
  CHECK(why_not(capture::find_device("send0").value(), options, program) ==
        "take over the socket of send0: it is bound to another device");
  CHECK(why_not(from, options, capture::accept_all(1000)) == "taken");
  CHECK(kept_by_filter(ring->fd()) == 1000);
  CHECK(why_not(from, ring_of(std::uint64_t{8} << 16), program) ==
        "map ring of 512 KiB on ring0: Invalid argument");
}

TEST_CASE("a memory file that is no journal is refused") {
  const base::unique_fd other(::memfd_create("other", MFD_CLOEXEC));
  CHECK(capture::ring_journal::take_over(base::unique_fd(::dup(other.get()))).error().message() ==
        "take over the journal of a ring: it has another size");
  REQUIRE(::ftruncate(other.get(), 4096) == 0);
  CHECK(capture::ring_journal::take_over(base::unique_fd(::dup(other.get()))).error().message() ==
        "take over the journal of a ring: another version of captured wrote it");
}

}  // namespace
