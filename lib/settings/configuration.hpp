// SPDX-License-Identifier: MIT
//
// Everything that can be chosen, in one value: the modules' own options, put together. A
// configuration that `parse` or `quick` gave is whole and free of contradictions.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "capture/options.hpp"
#include "pipeline/options.hpp"
#include "stream/options.hpp"

namespace captured::settings {

/// An interface, or a pattern of interfaces, recorded into one output. When an exact name and a
/// pattern of the same output fit an interface, the exact name holds and the pattern does not.
struct interface_settings {
  capture::interface_options device;  ///< its name may hold `*`, `?` and `[…]`, as in fnmatch(3)
  std::string output;                 ///< name of one of the outputs
  bool required = true;               ///< its failure makes the exit status non-zero
  std::uint32_t queues = 1;           ///< rings in one fanout group, each with its own memory
  /// An alarm when it carried packets and then none for longer than this; 0 is no alarm.
  std::chrono::milliseconds silence{0};

  /// Is the name a pattern?
  [[nodiscard]] bool is_pattern() const {
    return device.name.find_first_of("*?[") != std::string::npos;
  }
};

/// Threads of one kind, and the processors they may run on; empty means all.
struct thread_settings {
  std::uint32_t threads = 1;
  std::vector<std::uint32_t> cpus;
};

enum class log_level : std::uint8_t { trace, debug, info, warning, error };
enum class log_format : std::uint8_t { text, json };

struct log_settings {
  log_level level = log_level::info;
  log_format format = log_format::text;
};

/// Whether the process locks itself in before it records: see daemon/sandbox.hpp.
enum class sandbox_mode : std::uint8_t { automatic, off };

/// Whether rings outlive the process in the service manager's store: docs/restart.md.
enum class keep_rings_mode : std::uint8_t { automatic, off };

/// The socket through which capturectl asks a running service for its status and for a reload.
/// Whoever may write to it may do both.
struct control_settings {
  std::string socket = "/run/captured/control";  ///< an absolute path; empty for no socket
  std::string group;                             ///< given to this group; empty: left as made
  std::uint32_t mode = 0660;                     ///< permissions, at most 0777
};

/// An output of type stream: the packets of recorded interfaces to a collector. Never blocks them.
struct stream_settings {
  std::string name = "collector";  ///< unique among streams; stands in figures and log lines
  std::string to;                  ///< http://HOST:PORT or https://HOST:PORT
  std::string interface = "*";     ///< of which recorded interfaces, as in fnmatch(3)
  std::string service;             ///< or the path of its method; empty: the original's
  std::uint64_t queue_bytes = std::uint64_t{64} << 20;
  bool all_link_types = false;  ///< others than Ethernet, too
  bool own_traffic = false;     ///< the stream's own packets are recorded and streamed, too
  stream::tls_options tls;

  friend bool operator==(const stream_settings&, const stream_settings&) = default;
};

struct configuration {
  std::vector<interface_settings> interfaces;     ///< at least one
  std::vector<pipeline::output_options> outputs;  ///< at least one; the first is the default
  std::vector<stream_settings> streams;
  std::chrono::milliseconds stop_timeout{10'000};
  thread_settings reactor;
  thread_settings writer;
  log_settings log;
  std::string user;  ///< started as root, become this one before READY; empty: stay who we are
  sandbox_mode sandbox = sandbox_mode::automatic;
  keep_rings_mode keep_rings = keep_rings_mode::automatic;
  /// Sockets made before CAP_NET_RAW is given up too, for all interfaces ever; 0: it is kept.
  std::uint32_t spare_sockets = 0;
  control_settings control;
};

}  // namespace captured::settings
