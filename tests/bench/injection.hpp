// SPDX-License-Identifier: MIT
//
// Puts numbered frames into the receive path of one interface from kernel context: the BPF
// program of inject.bpf.c under BPF_PROG_TEST_RUN with live frames. About three million frames a
// second from one core, each of which passes netif_receive_skb. They come as from the device, yet
// the device's own counters do not grow. Not for slow or odd traffic, which is send_frames' work.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"

struct bpf_object;

namespace captured::bench {

struct injection_options {
  std::string interface;  ///< must be up, in the network namespace of the process
  std::uint32_t stream = 1;
  std::uint64_t first_number = 0;
  std::uint64_t count = 0;           ///< frames; at most 2^31 - 1
  std::uint64_t rate = 0;            ///< frames per second; 0: as fast as it goes
  std::vector<std::uint16_t> sizes;  ///< octets without checksum, taken in turn
  std::vector<std::uint16_t> ports;  ///< UDP destination ports, taken in turn
  std::uint32_t flow_count = 1;      ///< UDP source ports in use
};

/// What was really passed to the network stack.
struct injection_figures {
  std::uint64_t frames = 0;
  std::uint64_t octets = 0;
  double seconds = 0;  ///< from the first frame to the last batch
  double late_ms_max = 0;
};

class injection {
 public:
  /// Loads a program of its own for this run. Needs CAP_NET_ADMIN and CAP_BPF; fails when the
  /// interface is unknown, when options are out of range or the kernel refuses the program.
  static base::result<injection> prepare(const injection_options& options);

  /// Runs to the end of the count and blocks meanwhile. A signal that the calling thread handles
  /// ends the run early between two batches; that is a success. After a failure some of the
  /// frames in `figures` may not have been passed on.
  base::result<> run();

  [[nodiscard]] injection_figures figures() const;

 private:
  struct object_closer {
    void operator()(bpf_object* object) const noexcept;
  };

  injection() = default;
  base::result<> load(const injection_options& options);

  std::unique_ptr<bpf_object, object_closer> object_;
  std::vector<std::uint8_t> template_frame_;
  std::string interface_;
  unsigned interface_index_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t batch_ = 0;
  int program_ = -1;  // owned by object_
  int figures_ = -1;  // the map of inject_figures, owned by object_
};

}  // namespace captured::bench
