// SPDX-License-Identifier: MIT
//
// Rings that outlive a recording, with a manager in this process: whatever the recording is told at
// any step of its start, none of their packets is missing and none is recorded twice.
#include <atomic>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <sys/resource.h>
#include <unistd.h>

#include "capture/packet_socket.hpp"
#include "daemon/recording.hpp"
#include "daemon/ring_opening.hpp"
#include "keeping_manager.hpp"
#include "support/catch.hpp"
#include "support/scripted_source.hpp"
#include "support/temporary_folder.hpp"
#include "support/veth_pair.hpp"

using namespace captured;
using namespace captured::daemon;
using namespace std::chrono_literals;
using test::keeping_manager;
using test::patience;
using test::veth_pair;

namespace {

constexpr std::uint32_t steps_most = 400;

settings::configuration into(const testing::temporary_folder& folder) {
  settings::configuration wanted;
  wanted.interfaces.emplace_back();
  wanted.interfaces.front().device = test::small_ring_options();
  wanted.interfaces.front().output = "main";
  wanted.outputs.emplace_back();
  wanted.outputs.front().files.name = "main";
  wanted.outputs.front().files.directory = folder.path().string();
  wanted.outputs.front().flush_interval = 20ms;
  wanted.outputs.front().encoding = pipeline::encoding::compact;
  return wanted;
}

/// A reload to this opens the output anew.
settings::configuration with_output_changed(settings::configuration wanted) {
  auto& preallocate = wanted.outputs.front().files.preallocate;
  preallocate = !preallocate;
  return wanted;
}

/// A recording with its reactor's thread, which is this one.
class life {
 public:
  life(const settings::configuration& wanted, kept_rings& kept) {
    auto made = recording::make(context_, wanted, nullptr, kept);
    REQUIRE(made.has_value());
    recording_ = std::move(*made);
    REQUIRE(
        recording_->start([this] { is_ready_ = true; }, [this] { has_ended_ = true; }).has_value());
  }
  /// So many handlers, or fewer when it is ready before. Is it?
  bool run_steps(std::uint32_t steps) {
    for (std::uint32_t i = 0; i < steps && !is_ready_; ++i) {
      REQUIRE(context_.run_one_for(patience) == 1);
    }
    return is_ready_;
  }
  void run_until(const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
      if (std::chrono::steady_clock::now() >= end) {
        FAIL("it does not come to that");
      }
      context_.restart();
      if (context_.run_one_for(10ms) == 0) {
        std::this_thread::sleep_for(1ms);
      }
    }
  }
  void run_until_ready() {
    run_until([this] { return is_ready_; });
  }
  void run_until_recording(std::size_t interfaces = 1) {
    run_until([&] { return recording_->interface_count() == interfaces; });
  }
  void reload(const settings::configuration& wanted) {
    bool is_done = false;
    recording_->reload(wanted, [&](const auto& failures) {
      CHECK(failures.empty());
      is_done = true;
    });
    run_until([&] { return is_done; });
  }
  void run_until_stored(std::uint64_t packets) {
    run_until([&] { return stored() >= packets; });
  }
  void stop() {
    recording_->stop(true);
    run_until([this] { return has_ended_; });
  }
  [[nodiscard]] std::uint64_t stored() const {
    std::uint64_t all = 0;
    for (const ledger_row& row : recording_->ledger()) {
      all += row.figures.stored;
    }
    return all;
  }

 private:
  boost::asio::io_context context_;
  std::unique_ptr<recording> recording_;
  bool is_ready_ = false;
  bool has_ended_ = false;
};

void send(const veth_pair& pair, std::uint32_t frames) {
  for (std::uint32_t i = 0; i < frames; ++i) {
    pair.send(test::numbered_frame(i, 100));
  }
}

/// Packet sockets in this namespace that are bound to the ring's end.
std::size_t packet_sockets_of_ring0(const veth_pair& pair) {
  std::ifstream table("/proc/thread-self/net/packet");
  std::string line;
  std::getline(table, line);
  std::size_t count = 0;
  while (std::getline(table, line)) {
    std::istringstream words(line);
    std::string address;
    std::string rest;
    int index = 0;
    words >> address >> rest >> rest >> rest >> index;
    count += index == pair.ring_end().index ? 1u : 0u;
  }
  return count;
}

/// As if the life before had been killed before it gave any block back.
void take_back(left_rings& left) {
  capture::left_ring& one = left.rings.front();
  const auto options = test::small_ring_options();
  auto memory = capture::packet_socket::take_over(
                    base::unique_fd(::fcntl(one.socket.get(), F_DUPFD_CLOEXEC, 0)), "ring0",
                    capture::framing::ethernet)
                    .map_ring(options.ring)
                    .value();
  const capture::ring_progress now = one.journal.progress();
  REQUIRE(now.block <= memory.bytes().size() / options.ring.block_bytes);
  for (std::uint64_t block = 1; block < now.block; ++block) {
    auto* const head = reinterpret_cast<tpacket_block_desc*>(
        memory.bytes().data() + (block - 1) * options.ring.block_bytes);
    std::atomic_ref(head->hdr.bh1.block_status).store(TP_STATUS_USER);
  }
  one.journal.set_progress({});
}

}  // namespace

TEST_CASE("told to end at any step of its start, a recording leaves its ring with the manager") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  keeping_manager keeper;
  service_notify notify;
  bool was_ready = false;
  std::uint32_t kept_before_ready = 0;
  std::uint32_t forgotten = 0;
  for (std::uint32_t steps = 0; !was_ready && steps < steps_most; ++steps) {
    INFO(steps);
    const testing::temporary_folder folder;
    kept_rings kept(notify, true);
    {
      life one(into(folder), kept);
      was_ready = one.run_steps(steps);
      one.stop();
    }
    const std::size_t count = keeper.count(notify, "ring-ring0@main@0");
    CHECK(keeper.forgotten() == forgotten);
    kept_before_ready += !was_ready && count > 0 ? 1 : 0;
    if (count > 0) {
      kept.forget("ring0", "main");  // for the next one
      static_cast<void>(keeper.count(notify, ""));
      ++forgotten;
    }
  }
  CHECK(was_ready);
  CHECK(kept_before_ready > 0);
}

TEST_CASE("an output that a reload opens anew at any step of the start gets each packet once") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  const bool is_split = GENERATE(false, true);
  const std::string output = is_split ? "main-ethernet" : "main";
  const std::string name = "ring-ring0@" + output + "@0";
  bool was_ready = false;
  for (std::uint32_t steps = 0; !was_ready && steps < steps_most; ++steps) {
    INFO(steps);
    keeping_manager keeper;
    service_notify notify;
    const testing::temporary_folder folder;
    settings::configuration wanted = into(folder);
    if (is_split) {
      wanted.outputs.front().link_types = pipeline::link_type_policy::split;
    }
    kept_rings kept(notify, true);
    {
      life one(wanted, kept);
      one.run_until_ready();
      send(*pair, 50);
      one.run_until_stored(50);
      one.stop();
    }
    send(*pair, 30);
    left_rings left = keeper.pass_on(notify, name);
    take_back(left);
    kept.give_back("ring0", output, std::move(left));
    life next(wanted, kept);
    was_ready = next.run_steps(steps);
    next.reload(with_output_changed(wanted));
    next.run_until_stored(30);
    send(*pair, 20);
    next.run_until_stored(50);
    next.stop();
    CHECK(next.stored() == 50);
    CHECK(keeper.count(notify, name) == 2);
  }
  CHECK(was_ready);
}

TEST_CASE("a ring that waits for its device while its output is opened anew is recorded once") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  keeping_manager keeper;
  service_notify notify;
  const testing::temporary_folder folder;
  settings::configuration wanted = into(folder);
  wanted.interfaces.front().device.filter = "greater 1";  // not compiled while it is down
  wanted.interfaces.push_back(into(folder).interfaces.front());
  wanted.interfaces.back().device.name = "lo";
  kept_rings kept(notify, true);
  {
    life one(wanted, kept);
    one.run_until_recording(2);
    send(*pair, 50);
    one.run_until_stored(50);
    one.stop();
  }
  left_rings left = keeper.pass_on(notify, "ring-ring0@main@0");
  take_back(left);
  kept.give_back("ring0", "main", std::move(left));
  test::run("ip link set ring0 down");
  life next(wanted, kept);
  next.run_until_recording(1);
  next.reload(with_output_changed(wanted));
  next.run_until_recording(1);
  test::run("ip link set ring0 up");
  next.run_until_recording(2);
  test::wait_for_carrier();
  send(*pair, 20);
  next.run_until_stored(20);
  next.stop();
  CHECK(next.stored() == 20);
}

TEST_CASE("a ring that does not fit is given up under its output's name, before another is made") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  bool was_ready = false;
  for (std::uint32_t steps = 0; !was_ready && steps < steps_most; ++steps) {
    INFO(steps);
    keeping_manager keeper;
    service_notify notify;
    const testing::temporary_folder folder;
    settings::configuration wanted = into(folder);
    wanted.outputs.front().link_types = pipeline::link_type_policy::split;
    const std::string name = "ring-ring0@main-ethernet@0";
    kept_rings kept(notify, true);
    {
      life one(wanted, kept);
      one.run_until_ready();
      one.stop();
    }
    kept.give_back("ring0", "main-ethernet", keeper.pass_on(notify, name));
    wanted.interfaces.front().device.snaplen = 200;
    life next(wanted, kept);
    was_ready = next.run_steps(steps);
    next.reload(with_output_changed(wanted));
    next.run_until_recording();
    send(*pair, 20);
    next.run_until_stored(20);
    next.stop();
    CHECK(keeper.count(notify, name) == 2);
  }
  CHECK(was_ready);
}

TEST_CASE("what holds a ring that does not fit lets go of it before there is a new one") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  keeping_manager keeper;
  service_notify notify;
  const testing::temporary_folder folder;
  kept_rings kept(notify, true);
  {
    life one(into(folder), kept);
    one.run_until_ready();
    one.stop();
  }
  left_rings left = keeper.pass_on(notify, "ring-ring0@main@0");
  capture::interface_options options = test::small_ring_options();
  options.snaplen = 200;
  const std::size_t before = packet_sockets_of_ring0(*pair);
  std::uint32_t asked = 0;
  const auto give_up = kept.giving_up("ring0", "main");
  const opened_ring opened = open_ring({.options = options,
                                        .is_kept = true,
                                        .output = "main",
                                        .left = std::move(left),
                                        .dealt = {},
                                        .give_up_left = [&] {
                                          ++asked;
                                          give_up();
                                          CHECK(packet_sockets_of_ring0(*pair) == before - 1);
                                        }});
  CHECK(asked == 1);
  CHECK(opened.ring.has_value());
  CHECK_FALSE(opened.misfit.empty());
  CHECK(keeper.count(notify, "ring-ring0@main@0") == 0);
}

TEST_CASE("a ring for which the manager has no room ends with its recording") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  keeping_manager keeper("1");
  service_notify notify;
  const testing::temporary_folder folder;
  kept_rings kept(notify, true);
  life one(into(folder), kept);
  one.run_until_ready();
  CHECK(keeper.count(notify, "ring-ring0@main@0") == 0);
  send(*pair, 50);
  one.run_until_stored(50);
  one.stop();
  CHECK(one.stored() == 50);
}

TEST_CASE("a ring that cannot be had twice is given up, for another one gets its name") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  keeping_manager keeper;
  service_notify notify;
  kept_rings kept(notify, true);
  const opened_ring opened = open_ring(
      {.options = test::small_ring_options(), .is_kept = true, .output = "main", .left = {}});
  REQUIRE(opened.ring.has_value());
  REQUIRE(kept.keep("ring0", "main", **opened.ring).has_value());
  REQUIRE(keeper.count(notify, "ring-ring0@main@0") == 2);
  rlimit usual{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
  rlimit one_more = usual;
  one_more.rlim_cur = static_cast<rlim_t>(base::unique_fd(::dup(0)).get()) + 1;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &one_more) == 0);
  kept.leave("ring0", "main", **opened.ring);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &usual) == 0);
  CHECK_FALSE(kept.take("ring0", "main").has_value());
  CHECK(keeper.count(notify, "ring-ring0@main@0") == 0);
}
