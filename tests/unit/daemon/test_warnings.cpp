// SPDX-License-Identifier: MIT
#include "daemon/warnings.hpp"
#include "settings/parse.hpp"
#include "support/catch.hpp"

using namespace captured;
using daemon::device_facts;
using daemon::directory_facts;
using daemon::host_facts;
using daemon::occasion;

namespace {

constexpr std::uint64_t gbit = 1'000'000'000;
constexpr std::uint64_t gib = std::uint64_t{1} << 30;

settings::configuration configuration(const std::string& text) {
  auto read = settings::parse(text, "f.yaml");
  REQUIRE(read.settings.has_value());
  return *read.settings;
}

/// All warnings, "PATH | TEXT" a line.
std::string warned(const std::string& text, const host_facts& host,
                   occasion when = occasion::service) {
  std::string lines;
  for (const auto& each : daemon::warnings_for(configuration(text), host, when)) {
    lines += each.path + " | " + each.text + "\n";
  }
  return lines;
}

host_facts with(std::vector<device_facts> devices) {
  return {.devices = std::move(devices)};
}

host_facts with_directory(directory_facts directory) {
  return {.devices = {}, .directories = {std::move(directory)}};
}

}  // namespace

TEST_CASE("a machine where nothing will disappoint gives no warning") {
  const host_facts host{
      .devices = {{.name = "eth0", .speed_bits = gbit / 10}, {.name = "lo", .loopback = true}},
      .directories = {{.directory = "/var/lib/captured", .size_bytes = 1000 * gib}},
      .memory_bytes = 16 * gib};
  CHECK(warned("interfaces: [{ name: eth0 }, { name: lo }]", host, occasion::check).empty());
}

TEST_CASE("different link types in one output are a warning that names the interfaces") {
  const auto host = with({{.name = "eth0"},
                          {.name = "tun0", .link = packet::link_type::raw_ip},
                          {.name = "eth1"},
                          {.name = "can0", .link = packet::link_type{227}},
                          {.name = "odd0", .link = std::nullopt}});
  const std::string interfaces =
      "interfaces: [{ name: \"eth*\" }, { name: tun0 }, { name: can0 }, { name: odd0 }]\n";
  CHECK(warned(interfaces + "outputs: [{ name: main }]", host) ==
        "outputs[0].link_types | output main: different link types in one file (Ethernet: eth0, "
        "eth1; link type 227: can0; raw IP: tun0): Wireshark reads it, tcpdump and all others on "
        "libpcap do not; link_types: split writes a series of files for each\n");
  CHECK(warned(interfaces + "outputs: [{ link_types: split }]", host).empty());
  CHECK(warned("interfaces: [{ name: eth0 }, { name: tun0, output: b }]\n"
               "outputs: [{ name: a }, { name: b }]",
               host)
            .empty());
}

TEST_CASE("packets that are glued together before they are recorded are a warning") {
  const auto host =
      with({{.name = "eth0", .offloads = {.generic_receive = true}},
            {.name = "eth1", .offloads = {.generic_receive = true, .large_receive = true}},
            {.name = "eth2", .offloads = {.large_receive = true, .segmentation = true}},
            {.name = "eth3", .offloads = {.segmentation = true}},
            {.name = "lo", .loopback = true, .offloads = {.generic_receive = true}}});
  CHECK(warned("interfaces: [{ name: \"*\" }]", host) ==
        "interfaces[0].name | interface eth0: GRO is on: packets are glued together before they "
        "are recorded, longer than any on the wire; `ethtool -K eth0 gro off` ends that\n"
        "interfaces[0].name | interface eth1: GRO and LRO are on: packets are glued together "
        "before they are recorded, longer than any on the wire; `ethtool -K eth1 gro off lro off` "
        "ends that\n"
        "interfaces[0].name | interface eth2: LRO is on: packets are glued together before they "
        "are recorded, longer than any on the wire; `ethtool -K eth2 lro off` ends that\n");
}

TEST_CASE("a ring that does not hold a second at line rate is a warning with the size that does") {
  const auto host = with({{.name = "eth0", .speed_bits = gbit},
                          {.name = "eth1", .speed_bits = 10 * gbit},
                          {.name = "eth2", .speed_bits = gbit * 5 / 2},
                          {.name = "eth3", .speed_bits = gbit / 10},
                          {.name = "eth4"},
                          {.name = "lo", .loopback = true, .speed_bits = gbit}});
  CHECK(warned("interfaces: [{ name: \"*\" }]", host) ==
        "interfaces[0].ring.size | interface eth0: the ring of 64MiB holds 0.49 s at 1 "
        "Gbit/s: when the disk stalls longer, packets are lost; ring.size: 144MiB holds a "
        "second\n"
        "interfaces[0].ring.size | interface eth1: the ring of 64MiB holds 0.05 s at 10 "
        "Gbit/s: when the disk stalls longer, packets are lost; ring.size: 1312MiB holds a "
        "second\n"
        "interfaces[0].ring.size | interface eth2: the ring of 64MiB holds 0.20 s at 2.5 "
        "Gbit/s: when the disk stalls longer, packets are lost; ring.size: 336MiB holds a "
        "second\n");
}

TEST_CASE("the size of a ring that a warning names is taken, and is enough") {
  for (const auto speed : {10ull, 100ull, 1000ull, 2500ull, 25'000ull, 40'000ull, 400'000ull}) {
    const auto host = with({{.name = "eth0", .speed_bits = speed * 1'000'000}});
    const auto text = warned(
        "interfaces: [{ name: eth0, queues: 1, ring: { size: 64KiB, block: 32KiB } }]", host);
    const auto at = text.find("ring.size: ");
    REQUIRE(at != std::string::npos);
    const auto size = text.substr(at + 11, text.find(" holds a second") - at - 11);
    INFO(size);
    CHECK(warned("interfaces: [{ name: eth0, ring: { block: 4MiB, size: " + size + " } }]", host)
              .empty());
  }
}

TEST_CASE("rings share the load of a line") {
  const auto host = with({{.name = "eth0", .speed_bits = 10 * gbit}});
  CHECK(warned("interfaces: [{ name: eth0, queues: 4 }]", host) ==
        "interfaces[0].ring.size | interface eth0: the ring of 256MiB holds 0.05 s to 0.20 s at 10 "
        "Gbit/s: when the disk stalls longer, packets are lost; ring.size: 336MiB holds a "
        "second\n");
  CHECK(warned("interfaces: [{ name: eth0, queues: 4, ring: { size: 336MiB } }]", host).empty());
}

TEST_CASE("a bridge or bond that is recorded with its ports is a warning") {
  const auto host =
      with({{.name = "eth0", .master = "br0"}, {.name = "eth1", .master = "br0"}, {.name = "br0"}});
  CHECK(warned("interfaces: [{ name: br0 }, { name: eth1 }]", host) ==
        "interfaces[1].name | interface eth1: it is a port of br0, which is recorded too: packets "
        "that pass both are recorded twice\n");
  CHECK(warned("interfaces: [{ name: \"eth*\" }]", host).empty());
}

TEST_CASE("what is recorded of packets can be too little or too much") {
  const auto host = with({{.name = "lo", .loopback = true}});
  CHECK(warned("interfaces: [{ name: lo, direction: both, snaplen: 63 }]", host) ==
        "interfaces[0].snaplen | interface lo: snaplen: 63 cuts inside the headers of most "
        "packets; 128 keeps them\n"
        "interfaces[0].direction | interface lo: direction: both records each packet twice on "
        "loopback; auto records it once\n");
  CHECK(warned("interfaces: [{ name: lo, snaplen: 64 }]", host).empty());
}

TEST_CASE("a check says which interfaces are not there or switched off; a start does so itself") {
  const auto host = with({{.name = "eth0", .up = false}, {.name = "wan0", .up = false}});
  const std::string text = "interfaces: [{ name: eth0 }, { name: eth1 }, { name: \"w*\" }]";
  CHECK(warned(text, host, occasion::check) ==
        "interfaces[0].name | interface eth0: it is switched off; `ip link set eth0 up` switches "
        "it on\n"
        "interfaces[1].name | interface eth1: there is no such device now; it is recorded when it "
        "appears\n"
        "interfaces[2].name | interface w*: no device fits the pattern now; one is recorded when "
        "it appears\n");
  CHECK(warned(text, host, occasion::service).empty());
}

TEST_CASE("limits that do not limit are a warning") {
  const std::string interfaces = "interfaces: [{ name: eth0 }]\n";
  const auto warned_of = [&](const std::string& output, occasion when = occasion::service) {
    return warned(interfaces + "outputs: [{ " + output + " }]", {}, when);
  };
  CHECK(warned_of("retain: { size: 0, free: 0 }") ==
        "outputs[0].retain | output main: no limit in retain: it records until the disk is full\n");
  CHECK(warned_of("retain: { size: 0, free: 0, age: 7d }") ==
        "outputs[0].retain | output main: retain.age limits no space: busy days can fill the disk; "
        "retain.free keeps some free\n");
  CHECK(warned_of("retain: { size: 0, free: 0, files: 10 }").empty());
  CHECK(warned_of("rotate: { size: 0, interval: 0 }") ==
        "outputs[0].rotate | output main: no limit in rotate: its file ends by SIGHUP alone, and "
        "what is not finished is never removed\n");
  CHECK(warned_of("rotate: { size: 0 }") ==
        "outputs[0].rotate.size | output main: rotate.size is 0: the open file can grow beyond "
        "retain.size, 100GiB, which counts finished files\n");
  CHECK(warned_of("rotate: { size: 0 }, retain: { size: 0 }").empty());
  CHECK(warned_of("rotate: { size: 0, interval: 0 }, retain: { size: 0, free: 0 }",
                  occasion::quick_recording)
            .empty());
}

TEST_CASE("where a directory lies can be a warning") {
  const std::string text = "interfaces: [{ name: eth0 }]\noutputs: [{ directory: /data }]";
  CHECK(warned(text, with_directory({.directory = "/data", .root = true})) ==
        "outputs[0].directory | output main: /data lies on the root file system: when that is "
        "full, the whole machine suffers; give it one of its own and set require_mount\n");
  CHECK(warned(text, with_directory({.directory = "/data", .on = directory_facts::kind::memory})) ==
        "outputs[0].directory | output main: /data lies in memory (tmpfs): files take memory "
        "there, and are gone with the next start of the machine\n");
  CHECK(
      warned(text, with_directory({.directory = "/data", .on = directory_facts::kind::network})) ==
      "outputs[0].directory | output main: /data lies on a network file system: whenever the "
      "network waits, packets wait in the ring\n");
  CHECK(warned(text, with_directory({.directory = "/other", .root = true})).empty());
}

TEST_CASE("a fallback on the same file system is a warning") {
  const std::string text =
      "interfaces: [{ name: eth0 }]\n"
      "outputs: [{ directory: /data, fallback: /more }]";
  host_facts host{
      .devices = {},
      .directories = {{.directory = "/data", .device = 7}, {.directory = "/more", .device = 8}}};
  CHECK(warned(text, host).empty());
  host.directories[1].device = 7;
  CHECK(warned(text, host) ==
        "outputs[0].fallback | output main: /more lies on the same file system as /data: when one "
        "is full or fails, so does the other\n");
}

TEST_CASE("a file system that is too small for the limits is a warning") {
  const auto host = with_directory({.directory = "/data", .size_bytes = 50 * gib});
  const auto warned_of = [&](const std::string& limits) {
    return warned("interfaces: [{ name: eth0 }]\noutputs: [{ directory: /data, " + limits + " }]",
                  host);
  };
  CHECK(warned_of("retain: { free: 0 }") ==
        "outputs[0].retain.size | output main: retain.size is 100GiB, but the file system of /data "
        "holds 50.0 GiB: it is full before a file is removed; retain.free keeps some free\n");
  CHECK(warned_of("retain: { free: 5% }").empty());
  CHECK(warned_of("rotate: { size: 26GiB }") ==
        "outputs[0].rotate.size | output main: rotate.size is 26GiB, but the file system of /data "
        "holds 50.0 GiB, and two files of that size are reserved at a time\n");
  CHECK(warned_of("rotate: { size: 25GiB }").empty());
  CHECK(warned_of("rotate: { size: 26GiB }, preallocate: false").empty());
}

TEST_CASE("a machine that lacks what is asked for is a warning") {
  const host_facts host{.devices = {{.name = "eth0"}, {.name = "eth1"}},
                        .memory_bytes = 4 * gib,
                        .clock_synchronised = false,
                        .user_known = false,
                        .group_known = false};
  CHECK(warned("interfaces: [{ name: \"*\", ring: { size: 1088MiB } }]\n"
               "writer: { threads: 2 }\n"
               "user: recorder\n"
               "control: { group: operators }\n",
               host) ==
        "writer.threads | writer.threads: 2 for 1 output: each output uses one at a time, the "
        "others idle\n"
        "user | user: there is no user recorder here; a start as root would fail\n"
        "control.group | control.group: there is no group operators here; there would be no "
        "control socket\n"
        "interfaces | the rings take 2.1 GiB of the 4.0 GiB of memory that the machine has\n"
        " | the clock is not synchronised: the times of packets may be wrong, and jump when it is "
        "set; `timedatectl set-ntp true` keeps it right\n");
}

TEST_CASE("an interface that an exact name and patterns fit is said of once") {
  const auto host = with({{.name = "eth0", .offloads = {.generic_receive = true}}});
  const auto count = [&](const std::string& text) {
    const auto lines = warned(text, host);
    return std::count(lines.begin(), lines.end(), '\n');
  };
  CHECK(count("interfaces: [{ name: \"e*\" }, { name: eth0 }, { name: \"*\" }]") == 1);
  CHECK(count("interfaces: [{ name: \"e*\" }, { name: eth0, output: b }]\n"
              "outputs: [{ name: a }, { name: b }]") == 1);
}
