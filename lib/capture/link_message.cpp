// SPDX-License-Identifier: MIT
#include "capture/link_message.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "base/bytes.hpp"

namespace captured::capture {
namespace {

/// Without the flags for nesting and byte order (NLA_TYPE_MASK).
constexpr unsigned attribute_type_mask = 0x3fff;

struct netlink_attribute {
  unsigned type = 0;
  std::span<const std::byte> value = {};
};

/// Takes the next attribute off the front; nothing at the end, or where it does not fit.
std::optional<netlink_attribute> take_attribute(std::span<const std::byte>& attributes) noexcept {
  if (attributes.size() < sizeof(nlattr)) {
    return std::nullopt;
  }
  const auto head = base::load_native<nlattr>(attributes.data());
  if (head.nla_len < sizeof head || head.nla_len > attributes.size()) {
    return std::nullopt;
  }
  const netlink_attribute taken{.type = head.nla_type & attribute_type_mask,
                                .value = attributes.first(head.nla_len).subspan(sizeof head)};
  attributes =
      attributes.subspan(std::min<std::size_t>(NLA_ALIGN(head.nla_len), attributes.size()));
  return taken;
}

std::string text_of(std::span<const std::byte> value) {
  const auto* const text = reinterpret_cast<const char*>(value.data());
  return {text, ::strnlen(text, value.size())};
}

void note_attribute(device& link, const netlink_attribute& attribute) {
  const auto value = attribute.value;
  if (attribute.type == IFLA_IFNAME) {
    link.name = text_of(value);
  } else if (attribute.type == IFLA_IFALIAS) {
    link.description = text_of(value);
  } else if (attribute.type == IFLA_MTU && value.size() >= sizeof link.mtu) {
    link.mtu = base::load_native<std::uint32_t>(value.data());
  } else if (attribute.type == IFLA_MASTER && value.size() >= sizeof link.master) {
    link.master = base::load_native<int>(value.data());
  } else if (attribute.type == IFLA_ADDRESS && value.size() == 6 &&
             link.hardware_type == ARPHRD_ETHER) {
    std::copy(value.begin(), value.end(), link.mac.emplace().begin());
  }
}

/// Is the message about the device itself?
bool is_about_device(std::span<const std::byte> body) noexcept {
  if (body.size() < sizeof(ifinfomsg) ||
      base::load_native<ifinfomsg>(body.data()).ifi_family != AF_UNSPEC) {
    return false;
  }
  auto attributes = body.subspan(sizeof(ifinfomsg));
  while (const auto attribute = take_attribute(attributes)) {
    if (attribute->type == IFLA_WIRELESS) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::optional<netlink_message> take_message(std::span<const std::byte>& datagram) noexcept {
  if (datagram.size() < sizeof(nlmsghdr)) {
    return std::nullopt;
  }
  netlink_message taken{.head = base::load_native<nlmsghdr>(datagram.data())};
  const std::size_t length = taken.head.nlmsg_len;
  if (length < sizeof taken.head || length > datagram.size()) {
    return std::nullopt;
  }
  taken.body = datagram.first(length).subspan(sizeof taken.head);
  datagram = datagram.subspan(
      std::min(base::align_up<std::size_t>(length, NLMSG_ALIGNTO), datagram.size()));
  return taken;
}

std::optional<device> parse_link(std::span<const std::byte> body) {
  if (body.size() < sizeof(ifinfomsg)) {
    return std::nullopt;
  }
  const auto head = base::load_native<ifinfomsg>(body.data());
  device link;
  link.index = head.ifi_index;
  link.hardware_type = head.ifi_type;
  link.loopback = (head.ifi_flags & IFF_LOOPBACK) != 0;
  link.up = (head.ifi_flags & IFF_UP) != 0;
  link.running = (head.ifi_flags & IFF_RUNNING) != 0;
  auto attributes = body.subspan(sizeof head);
  while (const auto attribute = take_attribute(attributes)) {
    note_attribute(link, *attribute);
  }
  if (link.name.empty()) {
    return std::nullopt;
  }
  return link;
}

base::result<> parse_link_events(std::span<const std::byte> datagram,
                                 std::vector<link_event>& events) {
  const std::size_t whole = datagram.size();
  while (const auto message = take_message(datagram)) {
    const bool removed = message->head.nlmsg_type == RTM_DELLINK;
    if ((!removed && message->head.nlmsg_type != RTM_NEWLINK) || !is_about_device(message->body)) {
      continue;
    }
    if (auto link = parse_link(message->body)) {
      events.push_back({.what = removed ? link_event::kind::removed : link_event::kind::changed,
                        .link = std::move(*link)});
    }
  }
  if (!datagram.empty()) {
    return base::invalid_input("read device events",
                               "the message at octet " + std::to_string(whole - datagram.size()) +
                                   " of " + std::to_string(whole) + " does not fit");
  }
  return {};
}

}  // namespace captured::capture
