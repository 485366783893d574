// SPDX-License-Identifier: MIT
#include "capture/link_query.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "base/bytes.hpp"
#include "base/unique_fd.hpp"

namespace captured::capture {
namespace {

/// A dump comes in pieces of at most 32 KiB (netlink(7)), one device in much less.
constexpr std::size_t reply_bytes_max = 64 * 1024;

/// Without the flags for nesting and byte order (NLA_TYPE_MASK).
constexpr unsigned attribute_type_mask = 0x3fff;

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

std::string text_of(std::span<const std::byte> value) {
  const auto* const text = reinterpret_cast<const char*>(value.data());
  return {text, ::strnlen(text, value.size())};
}

void take_attribute(device& link, unsigned type, std::span<const std::byte> value) {
  if (type == IFLA_IFNAME) {
    link.name = text_of(value);
  } else if (type == IFLA_IFALIAS) {
    link.description = text_of(value);
  } else if (type == IFLA_MTU && value.size() >= sizeof link.mtu) {
    link.mtu = base::load_native<std::uint32_t>(value.data());
  } else if (type == IFLA_ADDRESS && value.size() == 6 && link.hardware_type == ARPHRD_ETHER) {
    std::copy(value.begin(), value.end(), link.mac.emplace().begin());
  }
}

enum class progress : std::uint8_t { more, done };

/// Reads the messages of one piece of a reply.
base::result<progress> take_piece(std::span<const std::byte> piece, std::vector<device>& links) {
  while (piece.size() >= sizeof(nlmsghdr)) {
    const auto head = base::load_native<nlmsghdr>(piece.data());
    if (head.nlmsg_len < sizeof head || head.nlmsg_len > piece.size()) {
      break;
    }
    const auto body = piece.first(head.nlmsg_len).subspan(sizeof head);
    if (head.nlmsg_type == NLMSG_ERROR && body.size() >= sizeof(int)) {
      return base::system_failure(-base::load_native<int>(body.data()), "");
    }
    if (head.nlmsg_type == NLMSG_DONE) {
      return progress::done;
    }
    if (head.nlmsg_type == RTM_NEWLINK) {
      if (auto link = parse_link(body)) {
        links.push_back(std::move(*link));
      }
      if ((head.nlmsg_flags & NLM_F_MULTI) == 0) {
        return progress::done;
      }
    }
    piece = piece.subspan(std::min<std::size_t>(NLMSG_ALIGN(head.nlmsg_len), piece.size()));
  }
  return progress::more;
}

}  // namespace

std::optional<device> parse_link(std::span<const std::byte> message) {
  if (message.size() < sizeof(ifinfomsg)) {
    return std::nullopt;
  }
  const auto head = base::load_native<ifinfomsg>(message.data());
  device link;
  link.index = head.ifi_index;
  link.hardware_type = head.ifi_type;
  link.loopback = (head.ifi_flags & IFF_LOOPBACK) != 0;
  link.up = (head.ifi_flags & IFF_UP) != 0;
  link.running = (head.ifi_flags & IFF_RUNNING) != 0;
  message = message.subspan(sizeof head);
  while (message.size() >= sizeof(nlattr)) {
    const auto attribute = base::load_native<nlattr>(message.data());
    if (attribute.nla_len < sizeof attribute || attribute.nla_len > message.size()) {
      break;
    }
    take_attribute(link, attribute.nla_type & attribute_type_mask,
                   message.first(attribute.nla_len).subspan(sizeof attribute));
    message = message.subspan(std::min<std::size_t>(NLA_ALIGN(attribute.nla_len), message.size()));
  }
  if (link.name.empty()) {
    return std::nullopt;
  }
  return link;
}

base::result<std::vector<device>> query_links(const std::string& name) {
  const std::string context = name.empty() ? "list devices" : "find " + name;
  if (name.size() >= IFNAMSIZ) {
    return base::system_failure(ENODEV, context);
  }
  const base::unique_fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  const link_request request = request_for(name);
  if (!socket || ::send(socket.get(), &request, request.head.nlmsg_len, 0) < 0) {
    return base::system_failure(errno, context);
  }
  std::vector<device> links;
  std::vector<std::byte> buffer(reply_bytes_max);
  for (;;) {
    const ssize_t length = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (length < 0 && errno == EINTR) {
      continue;
    }
    if (length < 0) {
      return base::system_failure(errno, context);
    }
    auto progressed = take_piece({buffer.data(), static_cast<std::size_t>(length)}, links);
    if (!progressed) {
      return base::system_failure(progressed.error().code.value(), context);
    }
    if (*progressed == progress::done || length == 0) {
      return links;
    }
  }
}

}  // namespace captured::capture
