// SPDX-License-Identifier: MIT
//
// What is written here, read by the programs it is written for.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "octets.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace captured::format;
using test::octets;

namespace {

/// A file with a name of its own that is gone at the end of the test.
class temporary_file {
 public:
  explicit temporary_file(const octets& content) {
    const int fd = ::mkstemp(path_.data());
    REQUIRE(fd >= 0);
    ::close(fd);
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(content.data()),
               static_cast<std::streamsize>(content.size()));
  }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  ~temporary_file() { std::filesystem::remove(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "format-test-XXXXXX").string();
};

struct run_result {
  int status = 0;
  std::string output;
};

run_result run(const std::string& command) {
  std::FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  run_result result;
  char part[4096];
  for (std::size_t count = 0; (count = std::fread(part, 1, sizeof part, pipe)) > 0;) {
    result.output.append(part, count);
  }
  result.status = ::pclose(pipe);
  return result;
}

bool have(const std::string& program) {
  if (run("command -v " + program).status == 0) {
    return true;
  }
  WARN("SKIPPED: no " + program);
  return false;
}

/// Everything the recorder writes: notes, two interfaces, options, a tag, filler, statistics.
octets whole_recording() {
  test::recording_file file(test::first_note());
  const auto eth0 = file.add_interface("eth0");
  const auto eth1 = file.add_interface("eth1");
  file.add_packets(eth0, 2);
  append_filler(file.raw(), 20);
  const octets frame = test::arp_frame();
  packet::packet_view packet = test::view_of(frame);
  packet.packet_flags = packet::flags::inbound | packet::flags::broadcast;
  packet.vlan = {.tpid = 0x8100, .tci = 0x2005};
  test::append_packet(file.raw(), eth1, packet, {.dropcount = 3, .queue = 1});
  file.totals()["eth1"] = {.stored = 1, .osdrop = 3, .unwritten = 0};
  file.add_statistics(eth0);
  file.add_statistics(eth1);
  return file.finish("stop");
}

}  // namespace

TEST_CASE("tshark reads a recording with all that it says of its packets") {
  if (!have("tshark")) {
    return;
  }
  const temporary_file file(whole_recording());
  const run_result result =
      run("tshark -n -r " + file.path() +
          " -T fields -E separator=/t -e frame.number -e frame.interface_name -e frame.time_epoch"
          " -e frame.cap_len -e frame.len -e frame.packet_flags -e frame.drop_count -e vlan.id"
          " -e vlan.priority -e arp.opcode 2>/dev/null");
  INFO(result.output);
  CHECK(result.status == 0);
  CHECK(result.output.find("1\teth0\t1519128000.195312500\t42\t42\t\t\t\t\t1\n") !=
        std::string::npos);
  // Custom blocks are frames to tshark, without an interface; the filler is the third.
  CHECK(result.output.find("4\teth1\t1519128000.195312500\t46\t46\t0x0000000d\t3\t5\t1\t1\n") !=
        std::string::npos);
}

TEST_CASE("capinfos counts the packets, interfaces and statistics of a recording") {
  if (!have("capinfos")) {
    return;
  }
  const temporary_file file(whole_recording());
  const run_result result = run("capinfos -M " + file.path());
  INFO(result.output);
  CHECK(result.status == 0);
  CHECK(result.output.find("Number of packets:   3\n") != std::string::npos);
  CHECK(result.output.find("Number of interfaces in file: 2\n") != std::string::npos);
  CHECK(result.output.find("Number of stat entries = 1\n") != std::string::npos);
  CHECK(result.output.find("Capture application: captured test\n") != std::string::npos);
}

TEST_CASE("tcpdump reads a recording") {
  if (!have("tcpdump")) {
    return;
  }
  const temporary_file file(whole_recording());
  const run_result result = run("tcpdump -n -e -r " + file.path());
  INFO(result.output);
  CHECK(result.status == 0);
  CHECK(result.output.find("vlan 5, p 1") != std::string::npos);
}
