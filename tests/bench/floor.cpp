// SPDX-License-Identifier: MIT
//
// What a recorder cannot do without: the least that a process can do with TPACKET_V3 rings, to
// compare recorders with. `drain` gives blocks back unread, `walk` looks at each packet's header,
// `copy` makes each packet an Enhanced Packet Block in a buffer and writes that. Loses like any
// other, counts its losses nowhere, and prints how many packets it took at the end.
#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <boost/program_options.hpp>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace {

namespace po = boost::program_options;

constexpr std::uint32_t block_bytes = 1u << 20;
constexpr std::uint32_t timeout_ms = 100;
constexpr std::size_t packet_block_overhead = 32;

volatile std::sig_atomic_t stop_asked = 0;

[[noreturn]] void fail(const std::string& what) {
  throw po::error(captured::base::system_failure(errno, what).message());
}

/// A ring on one interface, walked block by block.
class ring {
 public:
  ring(const std::string& interface, std::uint32_t megabytes)
      : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)), count_(megabytes) {
    const int version = TPACKET_V3;
    tpacket_req3 request{};
    request.tp_block_size = block_bytes;
    request.tp_block_nr = count_;
    request.tp_frame_size = 2048;
    request.tp_frame_nr = block_bytes / 2048 * count_;
    request.tp_retire_blk_tov = timeout_ms;
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
    if (!socket_ || address.sll_ifindex == 0 ||
        ::setsockopt(socket_.get(), SOL_PACKET, PACKET_VERSION, &version, sizeof version) != 0 ||
        ::setsockopt(socket_.get(), SOL_PACKET, PACKET_RX_RING, &request, sizeof request) != 0) {
      fail("ring on " + interface);
    }
    void* const mapped = ::mmap(nullptr, std::size_t{count_} * block_bytes, PROT_READ | PROT_WRITE,
                                MAP_SHARED, socket_.get(), 0);
    if (mapped == MAP_FAILED ||
        ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      fail("ring on " + interface);
    }
    memory_ = static_cast<std::uint8_t*>(mapped);
  }

  /// Calls use(block) for each finished block and gives it back; false when there was none.
  template <class Use>
  bool take(Use use) {
    auto* const block = reinterpret_cast<tpacket_block_desc*>(memory_ + next_ * block_bytes);
    std::atomic_ref status(block->hdr.bh1.block_status);
    if ((status.load(std::memory_order_acquire) & TP_STATUS_USER) == 0) {
      return false;
    }
    use(*block);
    status.store(TP_STATUS_KERNEL, std::memory_order_release);
    next_ = (next_ + 1) % count_;
    return true;
  }

  [[nodiscard]] int fd() const noexcept { return socket_.get(); }

 private:
  captured::base::unique_fd socket_;
  std::uint8_t* memory_ = nullptr;
  std::size_t next_ = 0;
  std::uint32_t count_;
};

template <class Use>
void each_packet(const tpacket_block_desc& block, Use use) {
  const auto* at =
      reinterpret_cast<const std::uint8_t*>(&block) + block.hdr.bh1.offset_to_first_pkt;
  for (std::uint32_t i = 0; i < block.hdr.bh1.num_pkts; ++i) {
    const auto& header = *reinterpret_cast<const tpacket3_hdr*>(at);
    use(header, at + header.tp_mac);
    at += header.tp_next_offset;
  }
}

/// A pcapng file behind a buffer of one megabyte.
class copier {
 public:
  copier(const std::string& path, std::size_t interfaces)
      : file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)),
        buffer_(block_bytes) {
    if (!file_) {
      fail(path);
    }
    // Section header and interface descriptions: named eth0 and so on, Ethernet, nanoseconds.
    constexpr std::array<std::uint32_t, 7> section{0x0A0D0D0A, 28, 0x1A2B3C4D, 1, ~0u, ~0u, 28};
    append(section.data(), sizeof section);
    for (std::size_t i = 0; i < interfaces; ++i) {
      std::array<std::uint32_t, 10> interface {
        1, 40, 1, 262144, 0x00040002, 0, 0x00010009, 9, 0, 40
      };
      const std::array<char, 4> name{'e', 't', 'h', static_cast<char>('0' + i)};
      std::memcpy(&interface[5], name.data(), sizeof name);
      append(interface.data(), sizeof interface);
    }
  }

  void add(std::uint32_t interface, const tpacket3_hdr& header, const std::uint8_t* data) {
    const std::uint64_t time_ns = header.tp_sec * std::uint64_t{1'000'000'000} + header.tp_nsec;
    const std::uint32_t padded = (header.tp_snaplen + 3) & ~3u;
    const auto length = static_cast<std::uint32_t>(packet_block_overhead + padded);
    if (used_ + length > buffer_.size()) {
      flush();
    }
    const std::array<std::uint32_t, 7> head{6,
                                            length,
                                            interface,
                                            static_cast<std::uint32_t>(time_ns >> 32),
                                            static_cast<std::uint32_t>(time_ns),
                                            header.tp_snaplen,
                                            header.tp_len};
    constexpr std::uint32_t zero = 0;
    append(head.data(), sizeof head);
    append(data, header.tp_snaplen);
    append(&zero, padded - header.tp_snaplen);
    append(&length, sizeof length);
  }

  void flush() {
    for (std::size_t done = 0; done < used_;) {
      const ssize_t written = ::write(file_.get(), buffer_.data() + done, used_ - done);
      if (written < 0) {
        fail("write");
      }
      done += static_cast<std::size_t>(written);
    }
    used_ = 0;
  }

 private:
  void append(const void* octets, std::size_t count) {
    std::memcpy(buffer_.data() + used_, octets, count);
    used_ += count;
  }

  captured::base::unique_fd file_;
  std::vector<std::uint8_t> buffer_;
  std::size_t used_ = 0;
};

/// Runs until a signal, then takes what is left; `use(ring number, block)` for each block, ring
/// after ring in turn.
template <class Use>
void run(std::vector<ring>& from, Use use) {
  std::vector<pollfd> readable;
  for (const ring& each : from) {
    readable.push_back({.fd = each.fd(), .events = POLLIN, .revents = 0});
  }
  const auto take_all = [&] {
    for (bool any = true; any;) {
      any = false;
      for (std::uint32_t i = 0; i < from.size(); ++i) {
        any |= from[i].take([&](const tpacket_block_desc& block) { use(i, block); });
      }
    }
  };
  while (stop_asked == 0) {
    take_all();
    ::poll(readable.data(), readable.size(), static_cast<int>(timeout_ms));
  }
  ::poll(nullptr, 0, static_cast<int>(timeout_ms) * 2);
  take_all();
}

int floor_of(int argc, char** argv) {
  po::options_description options("floor --interface NAME [--interface NAME...]");
  auto add = options.add_options();
  add("interface", po::value<std::vector<std::string>>()->required(), "interfaces to take from");
  add("ring", po::value<std::uint32_t>()->default_value(64), "MiB for each");
  add("mode", po::value<std::string>()->default_value("walk"), "drain, walk or copy");
  add("output", po::value<std::string>()->default_value("/dev/null"), "file to copy into");
  po::variables_map values;
  po::store(po::parse_command_line(argc, argv, options), values);
  po::notify(values);
  struct sigaction action {};
  action.sa_handler = [](int) { stop_asked = 1; };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);

  std::vector<ring> from;
  for (const auto& name : values["interface"].as<std::vector<std::string>>()) {
    from.emplace_back(name, values["ring"].as<std::uint32_t>());
  }
  const auto mode = values["mode"].as<std::string>();
  std::uint64_t packets = 0;
  std::uint64_t octets = 0;
  if (mode == "drain") {
    run(from,
        [&](std::uint32_t, const tpacket_block_desc& block) { packets += block.hdr.bh1.num_pkts; });
  } else if (mode == "walk") {
    run(from, [&](std::uint32_t, const tpacket_block_desc& block) {
      each_packet(block, [&](const tpacket3_hdr& header, const std::uint8_t*) {
        ++packets;
        octets += header.tp_snaplen;
      });
    });
  } else if (mode == "copy") {
    copier to(values["output"].as<std::string>(), from.size());
    run(from, [&](std::uint32_t number, const tpacket_block_desc& block) {
      packets += block.hdr.bh1.num_pkts;
      each_packet(block, [&](const tpacket3_hdr& header, const std::uint8_t* data) {
        to.add(number, header, data);
      });
    });
    to.flush();
  } else {
    throw po::error("no such mode: " + mode);
  }
  std::cout << "octets " << octets << " packets " << packets << std::endl;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return floor_of(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "floor: " << error.what() << '\n';
    return 2;
  }
}
