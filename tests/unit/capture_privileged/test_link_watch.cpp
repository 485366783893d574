// SPDX-License-Identifier: MIT
//
// Devices that come, go and change, in a namespace where nobody else makes any.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <iostream>
#include <map>
#include <thread>

#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "capture/link_watch.hpp"
#include "support/catch.hpp"
#include "support/veth_pair.hpp"

namespace base = captured::base;
namespace capture = captured::capture;
using captured::test::run;
using captured::test::veth_pair;
using kind = capture::link_event::kind;

namespace {

bool readable(const capture::link_watch& watch) {
  pollfd wanted{.fd = watch.fd(), .events = POLLIN, .revents = 0};
  return ::poll(&wanted, 1, 0) == 1;
}

/// The kernel tells of a carrier a little later than of the act that brought it.
void wait_until_silent() {
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
}

/// Everything there is; checks that nothing was lost.
std::vector<capture::link_event> drain_all(capture::link_watch& watch) {
  std::vector<capture::link_event> all;
  wait_until_silent();
  while (readable(watch)) {
    auto news = watch.drain().value();
    CHECK_FALSE(news.lost);
    all.insert(all.end(), news.events.begin(), news.events.end());
  }
  return all;
}

/// What somebody who follows the events knows: devices by index.
class device_picture {
 public:
  explicit device_picture(const std::vector<capture::device>& listed) {
    for (const auto& link : listed) {
      known_[link.index] = link;
    }
  }
  void follow(const capture::link_event& event) {
    if (event.what == kind::removed) {
      known_.erase(event.link.index);
    } else {
      known_[event.link.index] = event.link;
    }
  }
  bool operator==(const device_picture&) const = default;

 private:
  std::map<int, capture::device> known_;
};

/// Changes the MTU so many times, which takes the kernel a few microseconds each.
void change_mtu(const char* device, int times) {
  const base::unique_fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  for (int i = 0; i < times; ++i) {
    ifreq request{};
    std::strncpy(request.ifr_name, device, IFNAMSIZ - 1);
    request.ifr_mtu = 1400 + i % 2;
    REQUIRE(::ioctl(socket.get(), SIOCSIFMTU, &request) == 0);
  }
}

/// Of the calling thread only.
void give_up_all_capabilities() {
  __user_cap_header_struct head{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const std::array<__user_cap_data_struct, 2> none{};
  REQUIRE(::syscall(SYS_capset, &head, none.data()) == 0);
}

}  // namespace

TEST_CASE("a device that is made, renamed, switched and deleted is followed") {
  if (!veth_pair::make()) {
    return;
  }
  auto watch = capture::link_watch::open().value();
  CHECK_FALSE(readable(watch));

  run("ip link add new0 type veth peer name new1");
  auto events = drain_all(watch);
  const auto made =
      std::ranges::find_if(events, [](const auto& e) { return e.link.name == "new0"; });
  REQUIRE(made != events.end());
  CHECK(made->what == kind::changed);
  CHECK(made->link.hardware_type == 1);
  CHECK_FALSE(made->link.up);
  const int index = made->link.index;
  CHECK(index == capture::find_device("new0").value().index);

  run("ip link set new0 name other0");
  events = drain_all(watch);
  REQUIRE_FALSE(events.empty());
  CHECK(events.back().what == kind::changed);
  CHECK(events.back().link.name == "other0");
  CHECK(events.back().link.index == index);

  run("ip link set other0 up && ip link set new1 up");
  events = drain_all(watch);
  const auto last_of = [&](int which) {
    const auto found = std::find_if(events.rbegin(), events.rend(),
                                    [&](const auto& e) { return e.link.index == which; });
    REQUIRE(found != events.rend());
    return *found;
  };
  CHECK(last_of(index).link.up);
  CHECK(last_of(index).link.running);

  run("ip link set new1 down");
  events = drain_all(watch);
  CHECK(last_of(index).link.up);
  CHECK_FALSE(last_of(index).link.running);

  run("ip link set other0 down");
  events = drain_all(watch);
  CHECK(last_of(index).what == kind::changed);
  CHECK_FALSE(last_of(index).link.up);

  run("ip link delete other0");
  events = drain_all(watch);
  CHECK(last_of(index).what == kind::removed);
  CHECK(last_of(index).link.name == "other0");

  run("ip link add other0 type veth peer name new1");
  events = drain_all(watch);
  const auto again =
      std::ranges::find_if(events, [](const auto& e) { return e.link.name == "other0"; });
  REQUIRE(again != events.end());
  CHECK(again->what == kind::changed);
  CHECK(again->link.index != index);
}

TEST_CASE("a device that moves to another namespace is removed here") {
  if (!veth_pair::make()) {
    return;
  }
  auto watch = capture::link_watch::open().value();
  run("unshare -n sleep 20 & peer=$!; "
      "until [ \"$(readlink /proc/$peer/ns/net)\" != \"$(readlink /proc/$$/ns/net)\" ]; do "
      "sleep 0.05; done; ip link set ring0 netns $peer; kill $peer");
  const auto events = drain_all(watch);
  CHECK(std::ranges::any_of(events, [](const auto& event) {
    return event.what == kind::removed && event.link.name == "ring0";
  }));
}

TEST_CASE("a port that leaves its bridge is not taken for a device that vanished") {
  if (!veth_pair::make()) {
    return;
  }
  run("ip link add bridge0 type bridge && ip link set bridge0 up");
  auto watch = capture::link_watch::open().value();
  run("ip link set ring0 master bridge0");
  run("ip address add 192.0.2.1/24 dev bridge0");
  run("ip link set ring0 nomaster");
  const auto events = drain_all(watch);
  CHECK_FALSE(events.empty());
  for (const auto& event : events) {
    CHECK(event.what == kind::changed);
  }
}

TEST_CASE("list and events together give the devices as they are") {
  if (!veth_pair::make()) {
    return;
  }
  auto watch = capture::link_watch::open().value();
  run("ip link add idle0 type veth peer name idle1");
  device_picture followed(capture::all_devices().value());
  run("ip link set idle1 name idle2 && ip link set idle2 up mtu 1300 alias 'a spare'");
  run("ip link set send0 down && ip link delete idle0");
  run("ip link add idle0 type bridge");
  for (const auto& event : drain_all(watch)) {
    followed.follow(event);
  }
  CHECK(followed == device_picture(capture::all_devices().value()));
}

TEST_CASE("devices that are down are listed too") {
  if (!veth_pair::make()) {
    return;
  }
  run("ip link add idle0 type veth peer name idle1 && ip link set idle1 up");
  std::map<std::string, bool> up;
  for (const auto& link : capture::all_devices().value()) {
    up[link.name] = link.up;
  }
  CHECK(up ==
        std::map<std::string, bool>{
            {"idle0", false}, {"idle1", true}, {"lo", true}, {"ring0", true}, {"send0", true}});
}

TEST_CASE("a burst of events that is drained meanwhile is complete or says that it is not") {
  if (!veth_pair::make()) {
    return;
  }
  auto watch = capture::link_watch::open().value();
  std::size_t seen = 0;
  bool lost = false;
  for (int i = 0; i < 100; ++i) {
    change_mtu("ring0", 20);
    const auto news = watch.drain().value();
    seen += news.events.size();
    lost = lost || news.lost;
  }
  CHECK_FALSE(lost);
  CHECK(seen >= 2000);
}

TEST_CASE("more events than the kernel keeps are said to be lost, and listing mends it") {
  if (!veth_pair::make()) {
    return;
  }
  auto watch = capture::link_watch::open().value();
  const int little = 64 << 10;
  REQUIRE(::setsockopt(watch.fd(), SOL_SOCKET, SO_RCVBUF, &little, sizeof little) == 0);
  device_picture followed(capture::all_devices().value());
  change_mtu("ring0", 2000);
  run("ip link set ring0 down");
  bool lost = false;
  while (readable(watch)) {
    const auto news = watch.drain().value();
    lost = lost || news.lost;
  }
  CHECK(lost);
  followed = device_picture(capture::all_devices().value());
  CHECK(capture::find_device("ring0").value().up == false);

  // It goes on as if nothing had been.
  run("ip link set ring0 up");
  for (const auto& event : drain_all(watch)) {
    followed.follow(event);
  }
  CHECK(followed == device_picture(capture::all_devices().value()));
}

TEST_CASE("one drain is bounded and leaves the rest for the next") {
  if (!veth_pair::make()) {
    return;
  }
  auto watch = capture::link_watch::open().value();
  const int plenty = 64 << 20;
  if (::setsockopt(watch.fd(), SOL_SOCKET, SO_RCVBUFFORCE, &plenty, sizeof plenty) != 0) {
    std::cout << "SKIPPED: no buffer as large as this test needs\n";
    return;
  }
  change_mtu("ring0", 2000);
  const auto first = watch.drain().value();
  CHECK_FALSE(first.lost);
  CHECK(first.events.size() == 1024);
  CHECK(readable(watch));
  CHECK(drain_all(watch).size() >= 976);
}

TEST_CASE("messages that somebody else sends to the watch are not looked at") {
  if (!veth_pair::make()) {
    return;
  }
  auto watch = capture::link_watch::open().value();
  sockaddr_nl address{};
  socklen_t length = sizeof address;
  REQUIRE(::getsockname(watch.fd(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
  address.nl_groups = 0;

  struct {
    nlmsghdr head;
    ifinfomsg link;
    rtattr name_head;
    std::array<char, 8> name;
  } forged{};
  forged.head.nlmsg_len = sizeof forged;
  forged.head.nlmsg_type = RTM_DELLINK;
  forged.link.ifi_index = 1;
  forged.name_head = {.rta_len = sizeof(rtattr) + 8, .rta_type = IFLA_IFNAME};
  forged.name = {'l', 'o'};
  const base::unique_fd other(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  REQUIRE(::sendto(other.get(), &forged, sizeof forged, 0,
                   reinterpret_cast<const sockaddr*>(&address), sizeof address) == sizeof forged);
  CHECK(readable(watch));
  CHECK(drain_all(watch).empty());
}

TEST_CASE("watching and listing need no right at all") {
  if (!veth_pair::make()) {
    return;
  }
  base::result<std::vector<capture::device>> listed;
  base::result<capture::link_watch> watch = base::system_failure(EPERM, "not opened");
  std::thread unprivileged([&] {
    give_up_all_capabilities();
    CHECK(::socket(AF_PACKET, SOCK_RAW, 0) == -1);
    watch = capture::link_watch::open();
    listed = capture::all_devices();
  });
  unprivileged.join();
  REQUIRE(watch.has_value());
  REQUIRE(listed.has_value());
  CHECK(listed->size() == 3);
  run("ip link set ring0 down");
  CHECK_FALSE(drain_all(*watch).empty());
}
