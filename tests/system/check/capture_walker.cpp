// SPDX-License-Identifier: MIT
#include "check/capture_walker.hpp"

#include <array>
#include <cstdio>
#include <cstring>

namespace captured::check {
namespace {

using octets = std::span<const std::uint8_t>;

constexpr std::uint32_t block_section = 0x0A0D0D0A;
constexpr std::uint32_t block_interface = 1;
constexpr std::uint32_t block_statistics = 5;
constexpr std::uint32_t block_packet = 6;
constexpr std::uint32_t byte_order_magic = 0x1A2B3C4D;
constexpr std::uint32_t pcap_magic_us = 0xa1b2c3d4;
constexpr std::uint32_t pcap_magic_ns = 0xa1b23c4d;
constexpr std::size_t block_overhead = 12;

template <class T>
T read(octets from, std::size_t at) {
  T value{};
  std::memcpy(&value, from.data() + at, sizeof value);
  return value;
}

// Times, and the two times of a statistics block, have their upper half first.
std::uint64_t read_split(octets from, std::size_t at) {
  return std::uint64_t{read<std::uint32_t>(from, at)} << 32 | read<std::uint32_t>(from, at + 4);
}

std::size_t padded(std::size_t size) {
  return (size + 3) & ~std::size_t{3};
}

std::string text(octets value) {
  return {value.begin(), value.end()};
}

bool is_zero(octets some) {
  for (const std::uint8_t octet : some) {
    if (octet != 0) {
      return false;
    }
  }
  return true;
}

class pcapng_walk {
 public:
  pcapng_walk(octets file, walk_options options, capture_visitor& visitor)
      : file_(file), options_(options), visitor_(visitor) {}

  std::uint64_t run() {
    while (at_ < file_.size()) {
      const auto length = block_length();
      if (!length) {
        return at_;
      }
      visit(file_.subspan(at_, *length));
      at_ += *length;
    }
    return at_;
  }

 private:
  // The length of the block at at_, nothing when none lies there.
  std::optional<std::uint32_t> block_length() {
    const octets rest = file_.subspan(at_);
    const auto no_block = [&](const char* why) -> std::optional<std::uint32_t> {
      if (!options_.partial) {
        visitor_.on_error(at_, why);
      }
      return std::nullopt;
    };
    if (rest.size() < block_overhead) {
      return no_block("fewer octets than a block has");
    }
    const auto type = read<std::uint32_t>(rest, 0);
    if (at_ == 0 && type != block_section) {
      visitor_.on_error(0, "the file does not begin with a section header");
      return std::nullopt;
    }
    const auto length = read<std::uint32_t>(rest, 4);
    if (length < block_overhead || length % 4 != 0) {
      return no_block("impossible block length");
    }
    if (length > rest.size()) {
      return no_block("the block goes past the end of the file");
    }
    if (read<std::uint32_t>(rest, length - 4) != length) {
      return no_block("the lengths at both ends of the block differ");
    }
    return length;
  }

  void visit(octets block) {
    const auto type = read<std::uint32_t>(block, 0);
    const octets body = block.subspan(8, block.size() - block_overhead);
    switch (type) {
      case block_section:
        return visit_section(body);
      case block_interface:
        return visit_interface(body);
      case block_statistics:
        return visit_statistics(body);
      case block_packet:
        return visit_packet(body);
      default:
        return visitor_.on_other_block(type);
    }
  }

  void error(const char* what) { visitor_.on_error(at_, what); }

  // Calls act(code, value) for each option and finds fault with the list as a whole.
  template <class Act>
  void each_option(octets list, Act act) {
    if (list.empty()) {
      return;
    }
    std::size_t at = 0;
    while (at + 4 <= list.size()) {
      const auto code = read<std::uint16_t>(list, at);
      const std::size_t size = read<std::uint16_t>(list, at + 2);
      if (code == 0) {
        if (size != 0 || at + 4 != list.size()) {
          error("the end of the options is not the end of the block");
        }
        return;
      }
      if (at + 4 + padded(size) > list.size()) {
        return error("an option goes past the end of its block");
      }
      if (!is_zero(list.subspan(at + 4 + size, padded(size) - size))) {
        error("an option's padding is not zero");
      }
      act(code, list.subspan(at + 4, size));
      at += 4 + padded(size);
    }
    error("options without an end");
  }

  // For options of one fixed size.
  bool sized(octets value, std::size_t size) {
    if (value.size() != size) {
      error("an option of the wrong size");
    }
    return value.size() == size;
  }

  void visit_section(octets body) {
    interfaces_.clear();
    if (body.size() < 16 || read<std::uint32_t>(body, 0) != byte_order_magic) {
      return error("the section header is too short or of another byte order");
    }
    if (read<std::uint16_t>(body, 4) != 1 || read<std::uint16_t>(body, 6) != 0) {
      error("the version is not 1.0");
    }
    section_record section;
    each_option(body.subspan(16), [&](std::uint16_t code, octets value) {
      switch (code) {
        case 1:
          return section.comments.push_back(text(value));
        case 2:
          section.hardware = text(value);
          return;
        case 3:
          section.os = text(value);
          return;
        case 4:
          section.application = text(value);
          return;
        default:
          return;
      }
    });
    visitor_.on_section(section);
  }

  void visit_interface(octets body) {
    if (body.size() < 8) {
      return error("the interface description is too short");
    }
    interface_record interface;
    interface.link_type = read<std::uint16_t>(body, 0);
    interface.snaplen = read<std::uint32_t>(body, 4);
    each_option(body.subspan(8), [&](std::uint16_t code, octets value) {
      read_interface_option(interface, code, value);
    });
    interfaces_.push_back(interface);
    visitor_.on_interface(static_cast<std::uint32_t>(interfaces_.size() - 1), interface);
  }

  void read_interface_option(interface_record& interface, std::uint16_t code, octets value) {
    switch (code) {
      case 1:
        return interface.comments.push_back(text(value));
      case 2:
        interface.name = text(value);
        return;
      case 3:
        interface.description = text(value);
        return;
      case 6:
        if (sized(value, 6)) {
          std::array<char, 18> mac{};
          std::snprintf(mac.data(), mac.size(), "%02x:%02x:%02x:%02x:%02x:%02x", value[0], value[1],
                        value[2], value[3], value[4], value[5]);
          interface.mac = mac.data();
        }
        return;
      case 8:
        if (sized(value, 8)) {
          interface.speed = read<std::uint64_t>(value, 0);
        }
        return;
      case 9:
        if (sized(value, 1)) {
          read_resolution(interface, value[0]);
        }
        return;
      case 11:
        if (!value.empty() && value[0] == 0) {
          interface.filter = text(value.subspan(1));
        }
        return;
      case 12:
        interface.os = text(value);
        return;
      case 15:
        interface.hardware = text(value);
        return;
      default:
        return;
    }
  }

  void read_resolution(interface_record& interface, std::uint8_t resolution) {
    if (resolution > 9) {
      return error("a time resolution that this checker does not know");
    }
    interface.units_per_second = 1;
    for (std::uint8_t i = 0; i < resolution; ++i) {
      interface.units_per_second *= 10;
    }
  }

  std::uint64_t to_ns(std::uint32_t interface, std::uint64_t units) const {
    return units * (1'000'000'000 / interfaces_[interface].units_per_second);
  }

  void visit_statistics(octets body) {
    statistics_record statistics;
    if (body.size() < 12) {
      return error("the statistics block is too short");
    }
    statistics.interface = read<std::uint32_t>(body, 0);
    if (statistics.interface >= interfaces_.size()) {
      return error("statistics of an unknown interface");
    }
    statistics.time_ns = to_ns(statistics.interface, read_split(body, 4));
    each_option(body.subspan(12), [&](std::uint16_t code, octets value) {
      if (code < 2 || code > 8 || !sized(value, 8)) {
        return;
      }
      const std::array<std::optional<std::uint64_t>*, 7> fields{
          &statistics.start_ns,     &statistics.end_ns, &statistics.ifrecv,  &statistics.ifdrop,
          &statistics.filteraccept, &statistics.osdrop, &statistics.usrdeliv};
      *fields[code - 2u] = code < 4 ? to_ns(statistics.interface, read_split(value, 0))
                                    : read<std::uint64_t>(value, 0);
    });
    visitor_.on_statistics(statistics);
  }

  void visit_packet(octets body) {
    if (body.size() < 20) {
      return error("the packet block is too short");
    }
    packet_record packet;
    packet.offset = at_;
    packet.interface = read<std::uint32_t>(body, 0);
    if (packet.interface >= interfaces_.size()) {
      return error("a packet of an unknown interface");
    }
    packet.time_ns = to_ns(packet.interface, read_split(body, 4));
    const std::size_t captured = read<std::uint32_t>(body, 12);
    packet.original_length = read<std::uint32_t>(body, 16);
    if (captured > body.size() - 20 || padded(captured) > body.size() - 20) {
      return error("a packet longer than its block");
    }
    if (captured > packet.original_length) {
      error("a packet longer than it was on the wire");
    }
    const std::uint32_t snaplen = interfaces_[packet.interface].snaplen;
    if (snaplen != 0 && captured > snaplen) {
      error("a packet longer than the snaplen of its interface");
    }
    packet.data = body.subspan(20, captured);
    if (!is_zero(body.subspan(20 + captured, padded(captured) - captured))) {
      error("a packet's padding is not zero");
    }
    each_option(body.subspan(20 + padded(captured)), [&](std::uint16_t code, octets value) {
      if (code == 2 && sized(value, 4)) {
        packet.flags = read<std::uint32_t>(value, 0);
      } else if (code == 4 && sized(value, 8)) {
        packet.dropcount = read<std::uint64_t>(value, 0);
      } else if (code == 6 && sized(value, 4)) {
        packet.queue = read<std::uint32_t>(value, 0);
      }
    });
    visitor_.on_packet(packet);
  }

  octets file_;
  walk_options options_;
  capture_visitor& visitor_;
  std::uint64_t at_ = 0;
  std::vector<interface_record> interfaces_;
};

std::uint64_t walk_pcap(octets file, walk_options options, capture_visitor& visitor) {
  const std::uint64_t unit_ns = read<std::uint32_t>(file, 0) == pcap_magic_ns ? 1 : 1000;
  interface_record interface;
  interface.snaplen = read<std::uint32_t>(file, 16);
  interface.link_type = static_cast<std::uint16_t>(read<std::uint32_t>(file, 20));
  interface.units_per_second = 1'000'000'000 / unit_ns;
  visitor.on_section({});
  visitor.on_interface(0, interface);
  std::uint64_t at = 24;
  while (at < file.size()) {
    const octets rest = file.subspan(at);
    const bool has_header = rest.size() >= 16;
    const std::size_t captured = has_header ? read<std::uint32_t>(rest, 8) : 0;
    if (!has_header || captured > rest.size() - 16) {
      if (!options.partial) {
        visitor.on_error(at, "a record goes past the end of the file");
      }
      return at;
    }
    packet_record packet;
    packet.offset = at;
    packet.time_ns = read<std::uint32_t>(rest, 0) * std::uint64_t{1'000'000'000} +
                     read<std::uint32_t>(rest, 4) * unit_ns;
    packet.original_length = read<std::uint32_t>(rest, 12);
    packet.data = rest.subspan(16, captured);
    visitor.on_packet(packet);
    at += 16 + captured;
  }
  return at;
}

}  // namespace

std::uint64_t walk_capture(octets file, walk_options options, capture_visitor& visitor) {
  if (file.size() >= 24) {
    const auto magic = read<std::uint32_t>(file, 0);
    if (magic == pcap_magic_us || magic == pcap_magic_ns) {
      return walk_pcap(file, options, visitor);
    }
  }
  return pcapng_walk(file, options, visitor).run();
}

}  // namespace captured::check
