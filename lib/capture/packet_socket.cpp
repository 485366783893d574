// SPDX-License-Identifier: MIT
#include "capture/packet_socket.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <limits>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/membarrier.h>
#include <linux/net_tstamp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/ring_geometry.hpp"

namespace captured::capture {
namespace {

/// Shifts the frame so that its data lie 4-octet aligned, as a packet block that is written in
/// place wants them: the kernel aligns the network header, before which Ethernet has 14 octets,
/// and others none or the 16 of a cooked header.
constexpr unsigned int reserve_for(framing form) noexcept {
  return form == framing::ethernet ? 2 : 0;
}

template <class Value>
bool set_option(int fd, int level, int name, const Value& value) noexcept {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/// Memory that can be had without pushing others out; everything when it cannot be found out.
std::uint64_t memory_available() {
  std::ifstream table("/proc/meminfo");
  std::string line;
  while (std::getline(table, line)) {
    unsigned long long kibibytes = 0;
    if (std::sscanf(line.c_str(), "MemAvailable: %llu kB", &kibibytes) == 1) {
      return std::uint64_t{kibibytes} * 1024;
    }
  }
  return std::numeric_limits<std::uint64_t>::max();
}

base::wall_time wall_now() noexcept {
  return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
}

/// Returns when each packet that the kernel was handling at the call has been handled.
void wait_for_packets_under_way() noexcept {
  // Packets are received within an RCU read section, and this waits for a grace period. Refused on
  // kernels with processors free of ticks; there a packet's way, microseconds, is waited for.
  constexpr auto ample = std::chrono::milliseconds(10);
  if (::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0) {
    std::this_thread::sleep_for(ample);
  }
}

/// The program that is attached; empty when none is.
std::vector<sock_filter> read_filter(int fd) {
  socklen_t count = 0;  // of instructions, not octets
  if (::getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, nullptr, &count) != 0) {
    return {};
  }
  std::vector<sock_filter> program(count);
  if (::getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, program.data(), &count) != 0) {
    return {};
  }
  program.resize(std::min<std::size_t>(count, program.size()));
  return program;
}

std::uint32_t kernel_mode(fanout_mode mode) {
  constexpr std::array<std::uint32_t, 4> kernel_modes = {PACKET_FANOUT_HASH, PACKET_FANOUT_LB,
                                                         PACKET_FANOUT_CPU, PACKET_FANOUT_QM};
  return kernel_modes[static_cast<std::size_t>(mode)];
}

base::failure no_memory(std::string context) {
  base::failure why = base::system_failure(ENOMEM, std::move(context));
  why.detail = why.code.message() + ": the kernel does not grant a ring of this size";
  return why;
}

}  // namespace

base::result<packet_socket> packet_socket::open(std::string device_name, framing form,
                                                std::shared_ptr<spare_sockets> spares) {
  auto fd = spares ? spares->take(form, device_name)
                   : make_packet_socket(form, "open packet socket for " + device_name);
  if (!fd) {
    return fd.error();
  }
  return packet_socket(std::move(*fd), std::move(device_name), form, std::move(spares));
}

packet_socket::~packet_socket() {
  if (fd_ && spares_) {
    spares_->give_back(form_, std::move(fd_));
  }
}

base::result<base::mapping> packet_socket::set_up_ring(const ring_options& options) {
  auto request = ring_geometry(options, device_name_);
  if (!request) {
    return request.error();
  }
  const std::string context = "open " + ring_text(options, device_name_);
  if (options.size_bytes > memory_available()) {
    return no_memory(context);
  }
  const int version = TPACKET_V3;
  if (!set_option(fd(), SOL_PACKET, PACKET_VERSION, version) ||
      !set_option(fd(), SOL_PACKET, PACKET_RESERVE, reserve_for(form_))) {
    return base::system_failure(errno, context);
  }
  if (!set_option(fd(), SOL_PACKET, PACKET_RX_RING, *request)) {
    return errno == ENOMEM ? no_memory(context) : base::system_failure(errno, context);
  }
  return map_ring(options);
}

base::result<base::mapping> packet_socket::map_ring(const ring_options& options) {
  auto memory = base::mapping::shared(fd(), options.size_bytes);
  if (!memory) {
    return base::system_failure(memory.error().code.value(),
                                "map " + ring_text(options, device_name_));
  }
  return memory;
}

base::result<> packet_socket::check_device(int device_index) const {
  const std::string context = "take over the socket of " + device_name_;
  sockaddr_ll bound{};
  socklen_t length = sizeof bound;
  if (::getsockname(fd(), reinterpret_cast<sockaddr*>(&bound), &length) != 0) {
    return base::system_failure(errno, context);
  }
  if (bound.sll_family != AF_PACKET || bound.sll_ifindex != device_index) {
    return base::invalid_input(context, "it is bound to another device");
  }
  return {};
}

bool packet_socket::has_filter(const filter_program& program) const {
  const auto attached = read_filter(fd());
  const auto same = [](const sock_filter& a, const sock_filter& b) {
    return a.code == b.code && a.jt == b.jt && a.jf == b.jf && a.k == b.k;
  };
  return std::equal(attached.begin(), attached.end(), program.instructions.begin(),
                    program.instructions.end(), same);
}

base::result<> packet_socket::attach_filter(const filter_program& program) {
  auto instructions = program.instructions;  // the kernel's structure is not const
  const sock_fprog argument{.len = static_cast<unsigned short>(instructions.size()),
                            .filter = instructions.data()};
  if (!set_option(fd(), SOL_SOCKET, SO_ATTACH_FILTER, argument)) {
    return base::system_failure(errno, "attach filter to " + device_name_);
  }
  return {};
}

base::result<filter_change> packet_socket::change_filter(const filter_program& program) {
  const base::wall_time before = wall_now();
  if (auto attached = attach_filter(program); !attached) {
    return attached.error();
  }
  wait_for_packets_under_way();
  return filter_change{.before = before, .after = wall_now()};
}

base::result<> packet_socket::reject_all() {
  return attach_filter(capture::reject_all());
}

base::result<> packet_socket::prefer_hardware_stamps() {
  const int wanted = SOF_TIMESTAMPING_RAW_HARDWARE;
  if (!set_option(fd(), SOL_PACKET, PACKET_TIMESTAMP, wanted)) {
    return base::system_failure(errno, "use hardware time of " + device_name_);
  }
  return {};
}

base::result<> packet_socket::set_promiscuous(int device_index) {
  packet_mreq membership{};
  membership.mr_ifindex = device_index;
  membership.mr_type = PACKET_MR_PROMISC;
  if (!set_option(fd(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership)) {
    return base::system_failure(errno, "make " + device_name_ + " promiscuous");
  }
  return {};
}

base::result<> packet_socket::bind(int device_index) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = device_index;
  if (::bind(fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return base::system_failure(errno, "bind " + device_name_);
  }
  return {};
}

base::result<std::uint16_t> packet_socket::make_fanout(fanout_mode mode) {
  std::uint32_t argument = (kernel_mode(mode) | PACKET_FANOUT_FLAG_UNIQUEID) << 16;
  socklen_t length = sizeof argument;
  if (!set_option(fd(), SOL_PACKET, PACKET_FANOUT, argument) ||
      ::getsockopt(fd(), SOL_PACKET, PACKET_FANOUT, &argument, &length) != 0) {
    return base::system_failure(errno, "begin fanout group of " + device_name_);
  }
  return static_cast<std::uint16_t>(argument);
}

base::result<> packet_socket::join_fanout(std::uint16_t group, fanout_mode mode) {
  const std::uint32_t argument = group | kernel_mode(mode) << 16;
  if (!set_option(fd(), SOL_PACKET, PACKET_FANOUT, argument)) {
    return base::system_failure(errno, "join fanout group of " + device_name_);
  }
  return {};
}

producer_counters packet_socket::read_counters() const noexcept {
  counted_by_kernel counted;
  read_counters(counted);
  return {.packets = counted.packets, .drops = counted.drops, .freezes = counted.freezes};
}

void packet_socket::read_counters(counted_by_kernel& to) const noexcept {
  static_assert(sizeof to == sizeof(tpacket_stats_v3));
  socklen_t length = sizeof to;
  // What fails leaves what was there: nothing.
  static_cast<void>(::getsockopt(fd(), SOL_PACKET, PACKET_STATISTICS, &to, &length));
}

}  // namespace captured::capture
