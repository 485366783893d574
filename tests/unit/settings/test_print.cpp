// SPDX-License-Identifier: MIT
#include <random>

#include "configuration_texts.hpp"
#include "settings/print.hpp"
#include "settings/values.hpp"
#include "support/catch.hpp"

using namespace captured;
using testing::parsed;

namespace {

/// Configurations of any shape, made from a seed. Values are chosen so that they fit each other.
class configuration_maker {
 public:
  explicit configuration_maker(unsigned seed) : random_(seed) {}

  settings::configuration make() {
    settings::configuration made;
    for (std::size_t i = 0; i < 1 + below(3); ++i) {
      made.outputs.push_back(output("out" + std::to_string(i)));
    }
    for (std::size_t i = 0; i < 1 + below(4); ++i) {
      made.interfaces.push_back(interface("if" + std::to_string(i)));
      made.interfaces.back().output = made.outputs[below(made.outputs.size())].files.name;
    }
    made.stop_timeout = std::chrono::milliseconds(1000 + below(3'599'000));
    made.reactor = threads();
    made.writer = threads();
    made.log.level = static_cast<settings::log_level>(below(5));
    made.log.format = static_cast<settings::log_format>(below(2));
    made.user = below(2) == 0 ? "" : "captured";
    made.sandbox = below(2) == 0 ? settings::sandbox_mode::automatic : settings::sandbox_mode::off;
    made.keep_rings =
        below(2) == 0 ? settings::keep_rings_mode::automatic : settings::keep_rings_mode::off;
    made.spare_sockets = static_cast<std::uint32_t>(below(1025));
    made.control.socket = below(4) == 0 ? "" : "/run/a b/control";
    made.control.group = below(2) == 0 ? "" : "net-ops";
    made.control.mode = static_cast<std::uint32_t>(below(01000));
    return made;
  }

 private:
  std::uint64_t below(std::uint64_t bound) {
    return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(random_);
  }

  std::string filter() {
    static const std::string alphabet = "abc 019'\"\\#:-&*!%@`{}[],?|>\t\n/";
    std::string text;
    for (std::size_t i = below(20); i > 0; --i) {
      text += alphabet[below(alphabet.size())];
    }
    return below(4) == 0 ? text + "ü…" : text;
  }

  settings::interface_settings interface(const std::string& name) {
    settings::interface_settings made;
    made.device.name = name;
    made.device.filter = filter();
    made.device.snaplen = static_cast<std::uint32_t>(1 + below(262'144));
    made.device.promiscuous = below(2) == 0;
    made.device.which = static_cast<capture::direction>(below(4));
    made.device.ring.block_bytes = 4096u << below(11);
    made.device.ring.size_bytes = made.device.ring.block_bytes * (2 + below(100));
    made.device.ring.timeout = std::chrono::milliseconds(1 + below(10'000));
    made.required = below(2) == 0;
    made.device.stamps = static_cast<capture::stamp_source>(below(2));
    made.silence = std::chrono::milliseconds(below(2) * (1000 + below(1'000'000)));
    made.queues = static_cast<std::uint32_t>(1 + below(64));
    return made;
  }

  pipeline::output_options output(const std::string& name) {
    pipeline::output_options made;
    auto& files = made.files;
    files.name = name;
    files.directory = "/data/" + name + " x";
    files.rotate = {below(2) * (4096 + below(1 << 30)), std::chrono::seconds(below(31'622'400)),
                    below(1000), below(2) == 0};
    files.retain.size_bytes = below(2) * ((std::uint64_t{1} << 31) + below(1 << 30));
    files.retain.free_percent = static_cast<std::uint32_t>(below(100));
    files.retain.free_bytes = files.retain.free_percent == 0 ? below(1 << 30) : 0;
    files.retain.age = std::chrono::seconds(below(1'000'000'000));
    files.retain.files = below(1000);
    files.sync.policy = static_cast<storage::sync_policy>(below(3));
    if (files.sync.policy == storage::sync_policy::interval) {
      files.sync.interval = std::chrono::milliseconds(10 + below(86'399'990));
    }
    files.direct = static_cast<storage::direct_mode>(below(3));
    files.require_mount = below(2) == 0;
    files.fallback = below(2) == 0 ? "" : "/mnt/second disk";
    files.mode = below(2) == 0 ? 0600 : 0644;
    files.group = below(2) == 0 ? "" : "net-ops";
    files.preallocate = below(2) == 0;
    made.statistics_interval = std::chrono::milliseconds(100 + below(86'399'900));
    made.flush_interval = std::chrono::milliseconds(10 + below(3'599'990));
    made.encoding = static_cast<pipeline::encoding>(below(3));
    made.link_types = static_cast<pipeline::link_type_policy>(below(2));
    made.format = static_cast<pipeline::file_format>(below(4));
    if (made.format != pipeline::file_format::pcapng) {
      files.direct = storage::direct_mode::off;
      made.encoding = pipeline::encoding::compact;
    }
    return made;
  }

  settings::thread_settings threads() {
    settings::thread_settings made{static_cast<std::uint32_t>(1 + below(256)), {}};
    for (std::uint32_t cpu = 0; cpu < below(4); ++cpu) {
      made.cpus.push_back(cpu * 7);
    }
    return made;
  }

  std::mt19937 random_;
};

}  // namespace

TEST_CASE("what is printed reads back as the same configuration, whatever is in it") {
  for (unsigned seed = 0; seed < 300; ++seed) {
    const auto made = configuration_maker(seed).make();
    const auto text = settings::print(made);
    INFO(text);
    const auto read = parsed(text);
    CHECK(settings::print(read) == text);
    CHECK(read.outputs == made.outputs);
    REQUIRE(read.interfaces.size() == made.interfaces.size());
    for (std::size_t i = 0; i < made.interfaces.size(); ++i) {
      CHECK(read.interfaces[i].device.filter == made.interfaces[i].device.filter);
      CHECK(read.interfaces[i].device.ring.size_bytes == made.interfaces[i].device.ring.size_bytes);
    }
  }
}

TEST_CASE("lines of why stand in the first item of a list alone") {
  const auto text = settings::print(parsed("interfaces: [{name: a}, {name: b}]"));
  const std::string why = "# libpcap syntax";
  const auto first = text.find(why);
  REQUIRE(first != std::string::npos);
  CHECK(text.find(why, first + 1) == std::string::npos);
  CHECK(text.find("\n  - name: b\n    filter: \"\"\n    snaplen: 262144\n") != std::string::npos);
}

TEST_CASE("a text is put in quotes when YAML would take it for something else") {
  CHECK(settings::yaml_scalar("eth0") == "eth0");
  CHECK(settings::yaml_scalar("/var/lib/x-y_z.1") == "/var/lib/x-y_z.1");
  for (const auto* const text : {"", "true", "No", "ON", "null", "~", "1", "1.5", "-x", "a b",
                                 "a:", "a#", "*", "ü", "{a}", "y"}) {
    CHECK(settings::yaml_scalar(text) == "\"" + std::string(text) + "\"");
  }
  CHECK(settings::yaml_scalar("a\"b\\c\n\x7f") == "\"a\\\"b\\\\c\\x0a\\x7f\"");
}
