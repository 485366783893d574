// SPDX-License-Identifier: MIT
//
// tcpdump at work on a device at the same time as we are, as a witness of what there was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "packet/link_type.hpp"
#include "support/temporary_folder.hpp"

namespace captured::test {

struct peer_packet {
  std::vector<std::byte> data;
  std::uint32_t original_length = 0;
};

struct peer_file {
  packet::link_type link = packet::link_type::null;
  std::vector<peer_packet> packets;
};

class peer_capture {
 public:
  /// Starts tcpdump and waits until it captures. Nothing when there is none; says "SKIPPED:".
  static std::optional<peer_capture> start(const std::string& device);

  peer_capture(peer_capture&& other) noexcept;
  peer_capture& operator=(peer_capture&&) = delete;
  ~peer_capture();

  /// Gives it time to write what it has, ends it and reads its file. Fails the test when it lost
  /// packets.
  [[nodiscard]] peer_file stop();

 private:
  peer_capture() = default;

  std::unique_ptr<testing::temporary_folder> folder_ =
      std::make_unique<testing::temporary_folder>();
  pid_t process_ = -1;
};

}  // namespace captured::test
