// SPDX-License-Identifier: MIT
#include "capture/spare_sockets.hpp"

#include <cerrno>
#include <chrono>
#include <utility>

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "capture/filter_program.hpp"

namespace captured::capture {

namespace {

/// Of IEEE's two numbers for private use (802-2014, 9.2.4): hardly any frame has it, and those are
/// rejected. A socket that was bound once cannot be bound to nothing.
constexpr std::uint16_t protocol_of_nobody = 0x88b6;

/// Closing waits for the kernel to let go of device and ring: some milliseconds.
constexpr std::chrono::milliseconds longest_closing{500};

template <class Value>
bool set_option(int fd, int name, const Value& value) noexcept {
  return ::setsockopt(fd, SOL_PACKET, name, &value, sizeof value) == 0;
}

bool rejects_all(int fd) {
  auto program = reject_all();
  const sock_fprog argument{.len = static_cast<unsigned short>(program.instructions.size()),
                            .filter = program.instructions.data()};
  return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &argument, sizeof argument) == 0;
}

/// Takes the device away, with which its membership (promiscuous mode) ends by itself when it is
/// gone; when it is there that is asked for.
bool leave_device(int fd) noexcept {
  sockaddr_ll bound{};
  socklen_t length = sizeof bound;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length) != 0) {
    return false;
  }
  packet_mreq membership{};
  membership.mr_ifindex = bound.sll_ifindex;
  membership.mr_type = PACKET_MR_PROMISC;
  (void)set_option(fd, PACKET_DROP_MEMBERSHIP, membership);  // it may have none
  sockaddr_ll nobody{};
  nobody.sll_family = AF_PACKET;
  nobody.sll_protocol = htons(protocol_of_nobody);
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&nobody), sizeof nobody) == 0;
}

bool undo(int fd) {
  const tpacket_req3 no_ring{};
  const int no_stamps = 0;
  int ignored = 0;
  socklen_t length = sizeof ignored;
  return rejects_all(fd) && leave_device(fd) && set_option(fd, PACKET_RX_RING, no_ring) &&
         set_option(fd, PACKET_TIMESTAMP, no_stamps) &&
         ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &ignored, &length) == 0;
}

}  // namespace

base::result<base::unique_fd> make_packet_socket(framing form, const std::string& context) {
  const int type = form == framing::cooked ? SOCK_DGRAM : SOCK_RAW;
  base::unique_fd made(::socket(AF_PACKET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made) {
    return base::system_failure(errno, context);
  }
  return made;
}

base::result<std::shared_ptr<spare_sockets>> spare_sockets::open(std::uint32_t count) {
  std::shared_ptr<spare_sockets> made(new spare_sockets);
  made->count_ = count;
  for (const framing form : {framing::ethernet, framing::cooked}) {
    for (std::uint32_t i = 0; i < count; ++i) {
      auto one = make_packet_socket(form, "open spare packet socket");
      if (!one) {
        return one.error();
      }
      made->kind(form).sockets.push_back(std::move(*one));
    }
  }
  return made;
}

base::result<base::unique_fd> spare_sockets::take(framing form, const std::string& device_name) {
  std::unique_lock lock(mutex_);
  auto& [spares, lost] = kind(form);
  if (!came_back_.wait_for(lock, longest_closing, [&all = spares] { return !all.empty(); })) {
    base::failure why = base::system_failure(EMFILE, "open packet socket for " + device_name);
    why.detail =
        "all " + std::to_string(count_) + " spare sockets are in use" +
        (lost == 0 ? "" : " or, as " + std::to_string(lost) + ", of no more use after a fanout") +
        ", and there is no right to open others (spare_sockets)";
    return why;
  }
  base::unique_fd taken = std::move(spares.back());
  spares.pop_back();
  return taken;
}

void spare_sockets::give_back(framing form, base::unique_fd socket) noexcept {
  if (!undo(socket.get())) {
    const std::lock_guard lock(mutex_);
    // As after a fanout group: the kernel binds it to nothing else.
    ++kind(form).lost;
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    kind(form).sockets.push_back(std::move(socket));  // there was room for it before
  }
  came_back_.notify_all();
}

}  // namespace captured::capture
