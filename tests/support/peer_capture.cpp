// SPDX-License-Identifier: MIT
#include "support/peer_capture.hpp"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/capture_reader.hpp"
#include "support/catch.hpp"

namespace captured::test {
namespace {

constexpr const char* file_name = "peer.pcap";
constexpr const char* words_name = "words";

/// The number at the start of the line that goes on with these words.
std::string figure_before(const std::string& text, const std::string& words) {
  const std::size_t end = text.find(words);
  REQUIRE(end != std::string::npos);
  const std::size_t begin = text.rfind('\n', end) + 1;
  return text.substr(begin, end - begin);
}

/// Returns when the file has not grown for a second, or after 20.
void wait_until_written(const std::filesystem::path& file) {
  std::uintmax_t size = 0;
  int quiet = 0;
  for (int i = 0; i < 400 && quiet < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const std::uintmax_t now = std::filesystem::file_size(file);
    quiet = now == size ? quiet + 1 : 0;
    size = now;
  }
}

/// In the child: only what is allowed between fork and exec.
[[noreturn]] void become_tcpdump(const char* device, const char* file, const char* words) {
  const int fd = ::open(words, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(fd, STDERR_FILENO);
  ::execlp("tcpdump", "tcpdump", "-n", "--immediate-mode", "-U", "-Z", "root", "-B", "65536", "-s",
           "262144", "-i", device, "-w", file, nullptr);
  ::_exit(127);
}

}  // namespace

peer_capture::peer_capture(peer_capture&& other) noexcept
    : folder_(std::move(other.folder_)), process_(std::exchange(other.process_, -1)) {}

peer_capture::~peer_capture() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
}

std::optional<peer_capture> peer_capture::start(const std::string& device) {
  peer_capture peer;
  const std::string file = peer.folder_->path() / file_name;
  const std::string words = peer.folder_->path() / words_name;
  peer.folder_->write(words_name, "");
  peer.process_ = ::fork();
  REQUIRE(peer.process_ >= 0);
  if (peer.process_ == 0) {
    become_tcpdump(device.c_str(), file.c_str(), words.c_str());
  }
  for (int i = 0; i < 1000; ++i) {
    if (peer.folder_->read(words_name).find("listening on") != std::string::npos) {
      return peer;
    }
    if (::waitpid(peer.process_, nullptr, WNOHANG) == peer.process_) {
      peer.process_ = -1;
      std::cout << "SKIPPED: tcpdump does not capture: " << peer.folder_->read(words_name) << '\n';
      return std::nullopt;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  FAIL("tcpdump does not begin");
  return std::nullopt;
}

peer_file peer_capture::stop() {
  wait_until_written(folder_->path() / file_name);
  REQUIRE(::kill(process_, SIGINT) == 0);
  REQUIRE(::waitpid(process_, nullptr, 0) == process_);
  process_ = -1;
  const std::string words = folder_->read(words_name);
  INFO(words);
  REQUIRE(words.find("\n0 packets dropped by kernel") != std::string::npos);
  REQUIRE(figure_before(words, " packets captured") ==
          figure_before(words, " packets received by filter"));

  const std::string octets = folder_->read(file_name);
  format::capture_reader reader(std::as_bytes(std::span(octets)));
  peer_file read;
  for (;;) {
    switch (reader.next()) {
      case format::capture_item::interface:
        read.link = reader.interfaces().front().description.link;
        break;
      case format::capture_item::packet: {
        const auto& packet = reader.packet();
        read.packets.push_back({{packet.data.begin(), packet.data.end()}, packet.original_length});
        break;
      }
      case format::capture_item::failed:
        FAIL(reader.failure().message());
        return read;
      case format::capture_item::end:
        return read;
      default:
        break;
    }
  }
}

}  // namespace captured::test
