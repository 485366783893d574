// SPDX-License-Identifier: MIT
#include "capture/link_query.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>

#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "base/bytes.hpp"
#include "base/unique_fd.hpp"
#include "capture/link_message.hpp"

namespace captured::capture {
namespace {

/// A dump comes in pieces of at most 32 KiB (netlink(7)), one device in much less.
constexpr std::size_t reply_bytes_max = 64 * 1024;

struct link_request {
  nlmsghdr head;
  ifinfomsg link;
  nlattr mask_head;
  std::uint32_t mask;
  nlattr name_head;
  std::array<char, IFNAMSIZ> name;
};
static_assert(sizeof(link_request) == NLMSG_LENGTH(sizeof(ifinfomsg)) + 8 + 4 + IFNAMSIZ);

link_request request_for(const std::string& name) {
  link_request request{};
  request.head.nlmsg_type = RTM_GETLINK;
  request.head.nlmsg_flags = NLM_F_REQUEST;
  request.head.nlmsg_len = sizeof request;
  request.mask_head = {.nla_len = sizeof(nlattr) + sizeof request.mask, .nla_type = IFLA_EXT_MASK};
  request.mask = RTEXT_FILTER_SKIP_STATS;
  request.name_head = {.nla_len = sizeof(nlattr) + IFNAMSIZ, .nla_type = IFLA_IFNAME};
  std::copy(name.begin(), name.end(), request.name.begin());
  if (name.empty()) {
    request.head.nlmsg_flags |= NLM_F_DUMP;
    request.head.nlmsg_len = offsetof(link_request, name_head);
  }
  return request;
}

/// A list is asked for anew when devices changed meanwhile, for one may be missing in it; what the
/// last one holds must do.
constexpr int attempts_max = 50;

struct link_reply {
  std::vector<device> links = {};
  bool done = false;
  bool interrupted = false;  ///< devices changed while the kernel made the list
};

/// Reads the messages of one piece of a reply.
base::result<> take_piece(std::span<const std::byte> piece, link_reply& reply) {
  while (const auto message = take_message(piece)) {
    const nlmsghdr& head = message->head;
    if (head.nlmsg_type == NLMSG_ERROR && message->body.size() >= sizeof(int)) {
      return base::system_failure(-base::load_native<int>(message->body.data()), "");
    }
    reply.interrupted = reply.interrupted || (head.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    if (head.nlmsg_type == RTM_NEWLINK) {
      if (auto link = parse_link(message->body)) {
        reply.links.push_back(std::move(*link));
      }
    }
    if (head.nlmsg_type == NLMSG_DONE || (head.nlmsg_flags & NLM_F_MULTI) == 0) {
      reply.done = true;
      return {};
    }
  }
  return {};
}

base::result<link_reply> ask(int socket, const link_request& request, const std::string& context) {
  if (::send(socket, &request, request.head.nlmsg_len, 0) < 0) {
    return base::system_failure(errno, context);
  }
  link_reply reply;
  std::vector<std::byte> buffer(reply_bytes_max);
  while (!reply.done) {
    const ssize_t length = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (length < 0 && errno == EINTR) {
      continue;
    }
    if (length <= 0) {
      return base::system_failure(length < 0 ? errno : EIO, context);
    }
    if (auto taken = take_piece({buffer.data(), static_cast<std::size_t>(length)}, reply); !taken) {
      return base::system_failure(taken.error().code.value(), context);
    }
  }
  return reply;
}

}  // namespace

base::result<std::vector<device>> query_links(const std::string& name) {
  const std::string context = name.empty() ? "list devices" : "find " + name;
  if (name.size() >= IFNAMSIZ) {
    return base::system_failure(ENODEV, context);
  }
  const base::unique_fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket) {
    return base::system_failure(errno, context);
  }
  const link_request request = request_for(name);
  auto reply = ask(socket.get(), request, context);
  for (int i = 1; i < attempts_max && reply && reply->interrupted; ++i) {
    reply = ask(socket.get(), request, context);
  }
  if (!reply) {
    return reply.error();
  }
  return std::move(reply->links);
}

}  // namespace captured::capture
