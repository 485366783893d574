// SPDX-License-Identifier: MIT
#include "whole_text.hpp"

#include <cstdio>

#include "format/packet_options.hpp"
#include "format/pcapng_codes.hpp"

namespace captured::test {
namespace {

using namespace format;

template <class Octets>
std::string hex(const Octets& octets) {
  std::string text;
  for (const auto octet : octets) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", static_cast<unsigned>(octet));
    text += two;
  }
  return text;
}

class line {
 public:
  explicit line(const char* what) : text_(what) {}
  line& add(const char* key, const std::string& value) {
    text_ += std::string(" ") + key + "=" + value;
    return *this;
  }
  template <std::integral T>
  line& add(const char* key, T value) {
    return add(key, std::to_string(value));
  }
  template <class T>
  line& add(const char* key, const std::optional<T>& value) {
    return value ? add(key, *value) : *this;
  }
  template <class T, std::size_t size>
  line& add(const char* key, const std::array<T, size>& octets) {
    return add(key, hex(octets));
  }
  template <class T>
  line& add(const char* key, const std::vector<T>& values) {
    for (const T& each : values) {
      add(key, each);
    }
    return *this;
  }
  line& add(const char* key, const custom_option& each) {
    return add(key,
               std::to_string(each.code) + "/" + std::to_string(each.pen) + "/" + hex(each.value));
  }
  line& add(const char* key, const kind_and_octets& each) {
    return add(key, std::to_string(each.kind) + "/" + hex(each.octets));
  }
  std::string text_;
};

/// Is it a program for the packet filter? Its numbers in one byte order, so that they compare.
bool is_program(const unknown_option& each) {
  return each.code == option::if_filter && !each.value.empty() && each.value[0] == std::byte{1};
}

std::string program_text(const unknown_option& each) {
  std::string text;
  for (std::size_t at = 1; at + 8 <= each.value.size(); at += 8) {
    const std::byte* const from = each.value.data() + at;
    text += std::to_string(load<std::uint16_t>(from, each.order)) + "," +
            hex(std::span(from + 2, 2)) + "," +
            std::to_string(load<std::uint32_t>(from + 4, each.order)) + ";";
  }
  return text;
}

class teller {
 public:
  explicit teller(capture_reader& reader) : reader_(reader) {}

  whole_text run() {
    capture_item item = reader_.next();
    while (item != capture_item::end && item != capture_item::failed) {
      take(item);
      item = reader_.next();
    }
    text_.error = item == capture_item::failed ? reader_.failure().message() : "";
    return std::move(text_);
  }

 private:
  void put(const line& made) { text_.known.push_back(made.text_); }

  void put_unknown(const char* where, const std::vector<unknown_option>& options) {
    for (const unknown_option& each : options) {
      text_.unknown.push_back(
          line(where).add("code", each.code).add("value", hex(each.value)).text_);
    }
  }

  void take(capture_item item) {
    switch (item) {
      case capture_item::section:
        return section(reader_.section().header);
      case capture_item::interface:
        return interface(reader_.interfaces().back().description);
      case capture_item::packet:
        return packet(reader_.packet());
      case capture_item::statistics:
        return statistics(reader_.statistics());
      case capture_item::name_resolution:
        return names(reader_.block());
      case capture_item::secrets:
        return secrets(reader_.block());
      case capture_item::custom:
        return custom(reader_.block());
      default:
        text_.unknown.push_back(line("block")
                                    .add("type", reader_.block().type)
                                    .add("body", hex(reader_.block().body))
                                    .text_);
    }
  }

  void section(const section_header_block& header) {
    put(line("section")
            .add("application", header.application)
            .add("hardware", header.hardware)
            .add("os", header.os)
            .add("comment", header.comments)
            .add("custom", header.custom));
    put_unknown("section", header.unknown);
  }

  void interface(const interface_description_block& block) {
    line made("interface");
    made.add("link", static_cast<unsigned>(block.link)).add("snaplen", block.snaplen);
    made.add("name", block.name).add("description", block.description).add("filter", block.filter);
    made.add("os", block.os).add("hardware", block.hardware).add("v4", block.ipv4_addresses);
    made.add("v6", block.ipv6_addresses)
        .add("mac", block.mac_address)
        .add("eui", block.eui_address);
    made.add("speed", block.speed).add("tx", block.transmit_speed).add("rx", block.receive_speed);
    made.add("tsresol", block.tsresol).add("tsoffset", block.tsoffset).add("fcs", block.fcs_bits);
    made.add("zone", block.time_zone).add("comment", block.comments).add("custom", block.custom);
    std::vector<unknown_option> unknown;
    for (const unknown_option& each : block.unknown) {
      if (is_program(each)) {
        made.add("program", program_text(each));
      } else {
        unknown.push_back(each);
      }
    }
    put(made);
    put_unknown("interface", unknown);
  }

  void packet(const capture_packet& packet) {
    const packet_options options = options_of(packet);
    line made("packet");
    made.add("interface", packet.interface_id).add("simple", packet.has_time ? 0 : 1);
    made.add("ticks", packet.ticks).add("time", to_decimal(packet.time));
    made.add("original", packet.original_length).add("data", hex(packet.data));
    made.add("flags", options.flags).add("dropcount", packet.dropcount);
    made.add("id", options.packet_id).add("queue", options.queue).add("hash", options.hashes);
    for (const kind_and_octets& each : options.verdicts) {
      const bool number = (each.kind == 1 || each.kind == 2) && each.octets.size() == 8;
      made.add("verdict",
               std::to_string(each.kind) + "/" +
                   (number ? std::to_string(load<std::uint64_t>(each.octets.data(), packet.order))
                           : hex(each.octets)));
    }
    made.add("process", options.process_id).add("thread", options.thread_id);
    put(made.add("comment", options.comments).add("custom", options.custom));
    put_unknown("packet", options.unknown);
  }

  void statistics(const interface_statistics_block& block) {
    put(line("statistics")
            .add("interface", block.interface_id)
            .add("ticks", block.timestamp)
            .add("start", block.start_time)
            .add("end", block.end_time)
            .add("received", block.received)
            .add("dropped", block.dropped)
            .add("accept", block.filter_accept)
            .add("osdrop", block.os_drop)
            .add("deliver", block.user_deliver)
            .add("comment", block.comments)
            .add("custom", block.custom));
    put_unknown("statistics", block.unknown);
  }

  /// Records of any type, and the options behind them.
  void names(const capture_block& block) {
    line made("names");
    option_cursor records(block.body, block.order);
    option_view each;
    std::size_t bytes = 4;  // of the end mark
    while (records.next(each)) {
      made.add("record", std::to_string(each.code) + "/" + hex(each.value));
      bytes += 4 + base::align_up<std::size_t>(each.value.size(), 4);
    }
    put(made);
    options("names", block, bytes);
  }

  void secrets(const capture_block& block) {
    const auto found = secrets_of(block);
    put(line("secrets")
            .add("type", found ? found->type : 0)
            .add("data", found ? hex(found->data) : ""));
    options("secrets", block, 8 + base::align_up<std::size_t>(found ? found->data.size() : 0, 4));
  }

  void options(const char* where, const capture_block& block, std::size_t fixed) {
    option_cursor cursor(block.body.subspan(std::min(fixed, block.body.size())), block.order);
    option_view each;
    while (cursor.next(each)) {
      put(line(where).add("option", each.code).add("value", hex(each.value)));
    }
  }

  void custom(const capture_block& block) {
    put(line("custom")
            .add("type", block.type)
            .add("pen", load<std::uint32_t>(block.body.data(), block.order))
            .add("data", hex(block.body.subspan(4))));
  }

  capture_reader& reader_;
  whole_text text_;
};

}  // namespace

whole_text whole_text_of(capture_reader& reader) {
  return teller(reader).run();
}

}  // namespace captured::test
