// SPDX-License-Identifier: MIT
#include <algorithm>
#include <thread>

#include <sys/stat.h>
#include <unistd.h>

#include "configuration_texts.hpp"
#include "settings/parse.hpp"
#include "settings/print.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace captured;
using namespace std::chrono_literals;
using settings::configuration;
using testing::messages;
using testing::parsed;

namespace {

/// A key of the shipped file with another value, and where that must arrive.
struct changed_key {
  const char* shipped;  ///< the line, without indentation; the n-th such line is meant
  int nth;
  const char* changed;
  bool (*arrived)(const configuration&);
};

const storage::output_options& files(const configuration& c) {
  return c.outputs.at(0).files;
}
const settings::interface_settings& first(const configuration& c) {
  return c.interfaces.at(0);
}

const changed_key changed_keys[] = {
    {"- name: eth0", 1, "- name: \"eth*\"",
     [](const configuration& c) {
       return first(c).device.name == "eth*" && first(c).is_pattern();
     }},
    {"filter: \"\"", 1, "filter: \"tcp port 80\"",
     [](const configuration& c) { return first(c).device.filter == "tcp port 80"; }},
    {"snaplen: 262144", 1, "snaplen: 96",
     [](const configuration& c) { return first(c).device.snaplen == 96; }},
    {"promiscuous: true", 1, "promiscuous: false",
     [](const configuration& c) { return !first(c).device.promiscuous; }},
    {"direction: auto", 1, "direction: both",
     [](const configuration& c) { return first(c).device.which == capture::direction::both; }},
    {"direction: auto", 1, "direction: in",
     [](const configuration& c) { return first(c).device.which == capture::direction::in; }},
    {"direction: auto", 1, "direction: out",
     [](const configuration& c) { return first(c).device.which == capture::direction::out; }},
    {"required: true", 1, "required: false",
     [](const configuration& c) { return !first(c).required; }},
    {"timestamp: software", 1, "timestamp: hardware",
     [](const configuration& c) {
       return first(c).device.stamps == capture::stamp_source::hardware;
     }},
    {"queues: 1", 1, "queues: 4", [](const configuration& c) { return first(c).queues == 4; }},
    {"size: 64MiB", 1, "size: 8MiB",
     [](const configuration& c) { return first(c).device.ring.size_bytes == 8 << 20; }},
    {"block: 1MiB", 1, "block: 256KiB",
     [](const configuration& c) { return first(c).device.ring.block_bytes == 256 << 10; }},
    {"timeout: 100ms", 1, "timeout: 50ms",
     [](const configuration& c) { return first(c).device.ring.timeout == 50ms; }},
    {"- name: main", 1, "- name: main2", nullptr},  // needs the interface's output changed too
    {"directory: /var/lib/captured", 1, "directory: /data",
     [](const configuration& c) { return files(c).directory == "/data"; }},
    {"file_name: \"%Y%m%dT%H%M%SZ-{output}-{sequence}\"", 1, "file_name: \"{sequence}\"",
     [](const configuration& c) { return files(c).file_name == "{sequence}"; }},
    {"size: 1GiB", 1, "size: 0",
     [](const configuration& c) { return files(c).rotate.size_bytes == 0; }},
    {"interval: 5min", 1, "interval: 1h",
     [](const configuration& c) { return files(c).rotate.interval == 1h; }},
    {"packets: 0", 1, "packets: 1000",
     [](const configuration& c) { return files(c).rotate.packets == 1000; }},
    {"skip_empty: false", 1, "skip_empty: true",
     [](const configuration& c) { return files(c).rotate.skip_empty; }},
    {"size: 100GiB", 1, "size: 2TiB",
     [](const configuration& c) {
       return files(c).retain.size_bytes == std::uint64_t{2} << 40 &&
              files(c).retain.free_percent == 5;
     }},
    {"free: 5%", 1, "free: 10GiB",
     [](const configuration& c) {
       return files(c).retain.free_bytes == std::uint64_t{10} << 30 &&
              files(c).retain.free_percent == 0 &&
              files(c).retain.size_bytes == std::uint64_t{100} << 30;
     }},
    {"free: 5%", 1, "free: 99%",
     [](const configuration& c) {
       return files(c).retain.free_bytes == 0 && files(c).retain.free_percent == 99;
     }},
    {"age: 0", 1, "age: 30d",
     [](const configuration& c) { return files(c).retain.age == 30 * 24h; }},
    {"files: 0", 1, "files: 100",
     [](const configuration& c) { return files(c).retain.files == 100; }},
    {"statistics_interval: 10s", 1, "statistics_interval: 1min",
     [](const configuration& c) { return c.outputs[0].statistics_interval == 1min; }},
    {"flush_interval: 1s", 1, "flush_interval: 250ms",
     [](const configuration& c) { return c.outputs[0].flush_interval == 250ms; }},
    {"encoding: auto", 1, "encoding: compact",
     [](const configuration& c) { return c.outputs[0].encoding == pipeline::encoding::compact; }},
    {"encoding: auto", 1, "encoding: in-place",
     [](const configuration& c) { return c.outputs[0].encoding == pipeline::encoding::in_place; }},
    {"direct: auto", 1, "direct: on",
     [](const configuration& c) { return files(c).direct == storage::direct_mode::on; }},
    {"direct: auto", 1, "direct: off",
     [](const configuration& c) { return files(c).direct == storage::direct_mode::off; }},
    {"sync: close", 1, "sync: none",
     [](const configuration& c) { return files(c).sync.policy == storage::sync_policy::none; }},
    {"sync: close", 1, "sync: 5s",
     [](const configuration& c) {
       return files(c).sync.policy == storage::sync_policy::interval &&
              files(c).sync.interval == 5s;
     }},
    {"preallocate: true", 1, "preallocate: false",
     [](const configuration& c) { return !files(c).preallocate; }},
    {"require_mount: false", 1, "require_mount: true",
     [](const configuration& c) { return files(c).require_mount; }},
    {"fallback: \"\"", 1, "fallback: /mnt/second",
     [](const configuration& c) { return files(c).fallback == "/mnt/second"; }},
    {"mode: 0640", 1, "mode: 0600", [](const configuration& c) { return files(c).mode == 0600; }},
    {"group: \"\"", 1, "group: analysts",
     [](const configuration& c) { return files(c).group == "analysts"; }},
    {"format: pcapng", 1, "format: pcap-nano",
     [](const configuration& c) {
       return c.outputs[0].format == pipeline::file_format::pcap_nano;
     }},
    {"link_types: mixed", 1, "link_types: split",
     [](const configuration& c) {
       return c.outputs[0].link_types == pipeline::link_type_policy::split;
     }},
    {"stop_timeout: 10s", 1, "stop_timeout: 1min",
     [](const configuration& c) { return c.stop_timeout == 1min; }},
    {"threads: 1", 1, "threads: 2", [](const configuration& c) { return c.reactor.threads == 2; }},
    {"cpus: []", 1, "cpus: [2, 3]",
     [](const configuration& c) {
       return c.reactor.cpus == std::vector<std::uint32_t>{2, 3} && c.writer.cpus.empty();
     }},
    {"threads: 1", 2, "threads: 3", [](const configuration& c) { return c.writer.threads == 3; }},
    {"cpus: []", 2, "cpus: [0]",
     [](const configuration& c) { return c.writer.cpus == std::vector<std::uint32_t>{0}; }},
    {"level: info", 1, "level: trace",
     [](const configuration& c) { return c.log.level == settings::log_level::trace; }},
    {"level: info", 1, "level: debug",
     [](const configuration& c) { return c.log.level == settings::log_level::debug; }},
    {"level: info", 1, "level: warning",
     [](const configuration& c) { return c.log.level == settings::log_level::warning; }},
    {"level: info", 1, "level: error",
     [](const configuration& c) { return c.log.level == settings::log_level::error; }},
    {"format: text", 1, "format: json",
     [](const configuration& c) { return c.log.format == settings::log_format::json; }},
    {"silence: 0", 1, "silence: 5min",
     [](const configuration& c) { return first(c).silence == 5min; }},
    {"user: \"\"", 1, "user: captured",
     [](const configuration& c) { return c.user == "captured"; }},
    {"sandbox: auto", 1, "sandbox: off",
     [](const configuration& c) { return c.sandbox == settings::sandbox_mode::off; }},
    {"keep_rings: auto", 1, "keep_rings: off",
     [](const configuration& c) { return c.keep_rings == settings::keep_rings_mode::off; }},
    {"spare_sockets: 0", 1, "spare_sockets: 16",
     [](const configuration& c) { return c.spare_sockets == 16; }},
    {"socket: /run/captured/control", 1, "socket: \"\"",
     [](const configuration& c) { return c.control.socket.empty(); }},
    {"group: \"\"", 2, "group: operators",
     [](const configuration& c) { return c.control.group == "operators"; }},
    {"mode: 0660", 1, "mode: 0600", [](const configuration& c) { return c.control.mode == 0600; }},
    {"output: main", 1, "output: main2", nullptr},
};

/// The text with the n-th line that reads so (apart from its indentation) changed.
std::string with_changed(std::string text, const changed_key& key) {
  const std::string line = std::string(" ") + key.shipped + "\n";
  std::size_t at = text.find(key.shipped) == 0 ? 0 : std::string::npos;
  for (int n = 0; n < key.nth; ++n) {
    const auto from = at == std::string::npos ? 0 : at + 1;
    const auto indented = text.find(line, from);
    const auto at_margin = text.find("\n" + line.substr(1), from);
    at = std::min(indented, at_margin);
    REQUIRE(at != std::string::npos);
  }
  return text.replace(at + 1, line.size() - 2, key.changed);
}

}  // namespace

TEST_CASE("each key arrives where it belongs, and is printed as it was written") {
  const std::string shipped = settings::print(settings::shipped());
  for (const auto& key : changed_keys) {
    if (key.arrived == nullptr) {
      continue;
    }
    INFO(key.changed);
    const auto text = with_changed(shipped, key);
    const auto read = parsed(text);
    CHECK(key.arrived(read));
    CHECK_FALSE(key.arrived(settings::shipped()));
    CHECK(settings::print(read) == text);
  }
}

TEST_CASE("the list of keys in these tests is whole") {
  std::string text = settings::print(settings::shipped());
  for (const auto& key : changed_keys) {
    const auto at = text.find(std::string(key.shipped) + "\n");
    if (at != std::string::npos) {
      text.erase(at, std::string(key.shipped).size());
    }
  }
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto start = line.find_first_not_of(' ');
    const bool is_value = start != std::string::npos && line[start] != '#' && line.back() != ':';
    INFO(line);
    CHECK_FALSE((is_value && line != "streams: []"));  // whose keys are tested below
  }
}

TEST_CASE("all keys of a stream arrive, and are printed as they are read") {
  const auto read = parsed(
      "interfaces: [{ name: eth0 }]\n"
      "outputs: [{ name: main }]\n"
      "streams:\n"
      "  - name: far\n"
      "    to: https://collector.example:443\n"
      "    interface: eth*\n"
      "    service: other.Service\n"
      "    queue: 2MiB\n"
      "    all_link_types: true\n"
      "    own_traffic: true\n"
      "    tls: { authorities: /a, certificate: /b, key: /c, name: d, check: false }\n"
      "  - to: http://192.0.2.7:50051\n");
  REQUIRE(read.streams.size() == 2);
  const auto& far = read.streams[0];
  CHECK(far.name == "far");
  CHECK(far.to == "https://collector.example:443");
  CHECK(far.interface == "eth*");
  CHECK(far.service == "other.Service");
  CHECK(far.queue_bytes == 2 << 20);
  CHECK(far.all_link_types);
  CHECK(far.own_traffic);
  CHECK(far.tls.authorities == "/a");
  CHECK(far.tls.certificate == "/b");
  CHECK(far.tls.key == "/c");
  CHECK(far.tls.name == "d");
  CHECK_FALSE(far.tls.check_certificate);
  CHECK(read.streams[1].name == "collector");
  CHECK(parsed(settings::print(read)).streams == read.streams);
}

TEST_CASE("an output is found by its name, and the first one is the default") {
  const auto read = parsed(
      "interfaces:\n"
      "  - name: eth0\n"
      "  - { name: eth0, output: second }\n"
      "outputs:\n"
      "  - name: first\n"
      "  - name: second\n");
  CHECK(read.interfaces[0].output == "first");
  CHECK(read.interfaces[1].output == "second");
}

TEST_CASE("without outputs there is one, called main, with all defaults") {
  const auto read = parsed("interfaces: [{name: eth0}]");
  CHECK(settings::print(read) == settings::print(settings::shipped()));
}

TEST_CASE("an exact name and a pattern may both stand for the same output") {
  CHECK(parsed("interfaces: [{name: eth0}, {name: \"eth*\"}]").interfaces.size() == 2);
}

TEST_CASE("values at the edge of what is possible are taken") {
  parsed("interfaces: [{name: abcdefghijklmno, snaplen: 1, queues: 64}]");
  parsed("interfaces: [{name: x, ring: {size: 8KiB, block: 4KiB, timeout: 1ms}}]");
  parsed("interfaces: [{name: x, ring: {size: 64GiB, block: 4MiB, timeout: 10s}}]");
  parsed("interfaces: [{name: x}]\noutputs: [{rotate: {size: 4KiB, interval: 366d}}]");
  parsed("interfaces: [{name: x}]\noutputs: [{rotate: {size: 1GiB}, retain: {size: 1GiB}}]");
  parsed("interfaces: [{name: x}]\noutputs: [{retain: {free: 0%, age: 36500d}}]");
  parsed("interfaces: [{name: x}]\nreactor: {threads: 256, cpus: [0, 8191]}");
}

TEST_CASE("a filter may span lines") {
  const auto read = parsed("interfaces:\n  - name: x\n    filter: |\n      tcp\n      port 80\n");
  CHECK(read.interfaces[0].device.filter == "tcp\nport 80\n");
  CHECK(settings::parse(settings::print(read), "f").settings->interfaces[0].device.filter ==
        "tcp\nport 80\n");
}

TEST_CASE("every broken configuration gives exactly the problems that are written beside it") {
  const auto broken = testing::files_with(testing::broken_folder(), ".yaml");
  CHECK(broken.size() >= 30);
  for (const auto& path : broken) {
    const auto name = path.filename().string();
    INFO(name);
    const auto result = settings::parse(testing::read_text(path), name);
    auto expected = path;
    CHECK(messages(result) == testing::read_text(expected.replace_extension(".expected")));
    CHECK_FALSE(result.settings.has_value());
    CHECK_FALSE(result.problems.empty());
  }
  CHECK(testing::files_with(testing::broken_folder(), ".expected").size() == broken.size());
}

TEST_CASE("the shipped configuration is the defaults, with each key and a line of why above it") {
  const auto text = testing::read_text(testing::shipped_folder() / "captured.yaml");
  CHECK(text == settings::print(settings::shipped()));
  CHECK(settings::print(parsed(text)) == text);
  std::istringstream lines(text);
  std::string before;
  for (std::string line; std::getline(lines, line); before = line) {
    const auto start = line.find_first_not_of(' ');
    if (start == std::string::npos || line[start] == '#') {
      continue;
    }
    INFO(line);
    CHECK(before.find("# ") != std::string::npos);
    CHECK(before.back() == '.');
    CHECK(line.size() <= 100);
  }
}

TEST_CASE("the example configurations are free of problems") {
  const auto examples = testing::files_with(testing::shipped_folder() / "examples", ".yaml");
  CHECK(examples.size() >= 3);
  for (const auto& path : examples) {
    INFO(path.filename());
    const auto read = parsed(testing::read_text(path));
    CHECK(settings::print(parsed(settings::print(read))) == settings::print(read));
  }
}

TEST_CASE("a file is loaded from its path, and problems name that path") {
  const testing::temporary_folder folder;
  folder.write("good.yaml", "interfaces: [{name: eth0}]");
  folder.write("bad.yaml", "interfaces: [{nme: eth0}]");
  const auto path = [&folder](const char* name) { return (folder.path() / name).string(); };
  CHECK(settings::load(path("good.yaml")).settings.has_value());
  CHECK(messages(settings::load(path("bad.yaml"))) ==
        path("bad.yaml") + ":1:15: unknown key 'nme' in interfaces[0]; did you mean 'name'?\n");
}

TEST_CASE("a file that cannot be read is one problem without a line") {
  const testing::temporary_folder folder;
  const auto missing = (folder.path() / "missing.yaml").string();
  CHECK(messages(settings::load(missing)) ==
        missing + ": it cannot be opened: No such file or directory\n");
  const auto itself = folder.path().string();
  CHECK(messages(settings::load(itself)) == itself + ": it cannot be read: Is a directory\n");
  CHECK(messages(settings::load("/dev/zero")) ==
        "/dev/zero: it is larger than 1 MiB; this is no configuration\n");
}

TEST_CASE("a configuration can come through a pipe") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const base::unique_fd read_end(ends[0]);
  base::unique_fd write_end(ends[1]);
  const std::string text = "interfaces: [{name: eth0}]";
  REQUIRE(::write(write_end.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  write_end.reset();
  CHECK(settings::load("/dev/fd/" + std::to_string(read_end.get())).settings.has_value());
}

TEST_CASE(
    "a file that was saved elsewhere, with a byte order mark and line ends of two, is taken") {
  const auto read = parsed("\xef\xbb\xbfinterfaces:\r\n  - name: eth0\r\n    snaplen: 96\r\n");
  CHECK(read.interfaces[0].device.name == "eth0");
  CHECK(read.interfaces[0].device.snaplen == 96);
}

TEST_CASE("a file that may not be read is one problem without a line") {
  const testing::temporary_folder folder;
  folder.write("secret.yaml", "interfaces: [{name: eth0}]");
  const auto path = (folder.path() / "secret.yaml").string();
  REQUIRE(::chmod(path.c_str(), 0) == 0);
  const bool is_root = ::geteuid() == 0;
  if (is_root) {
    REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
    REQUIRE(::seteuid(65534) == 0);
  }
  const auto said = messages(settings::load(path));
  if (is_root) {
    REQUIRE(::seteuid(0) == 0);
  }
  CHECK(said == path + ": it cannot be opened: Permission denied\n");
}
