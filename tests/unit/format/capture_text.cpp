// SPDX-License-Identifier: MIT
#include "capture_text.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <boost/json.hpp>
#include <boost/uuid/detail/md5.hpp>

#include "format/packet_options.hpp"

namespace captured::test {
namespace {

namespace json = boost::json;
using namespace format;

std::string md5_of(std::span<const std::byte> octets) {
  // It reads its input by words, wherever that lies.
  const std::vector<std::byte> aligned(octets.begin(), octets.end());
  boost::uuids::detail::md5 hash;
  if (!aligned.empty()) {
    hash.process_bytes(aligned.data(), aligned.size());
  }
  boost::uuids::detail::md5::digest_type words;
  hash.get_digest(words);
  std::string text;
  for (const unsigned word : words) {
    char eight[9];
    std::snprintf(eight, sizeof eight, "%08x", word);
    text += eight;
  }
  return text;
}

std::string hex32(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", value);
  return text;
}

/// " key=value" for what is there.
class line {
 public:
  line& add(const char* key, const std::string& value) {
    text_ += std::string(" ") + key + "=" + value;
    return *this;
  }
  line& add(const char* key, std::uint64_t value) { return add(key, std::to_string(value)); }
  template <class T>
  line& add(const char* key, const std::optional<T>& value) {
    return value ? add(key, *value) : *this;
  }
  line& add(const char* key, const std::vector<std::string>& values) {
    for (const std::string& each : values) {
      add(key, each);
    }
    return *this;
  }
  std::string text_;
};

/// "10^-9", "2^-8"; nothing for microseconds, which is what no option means.
std::optional<std::string> resolution(std::uint8_t tsresol) {
  if (tsresol == 6) {
    return std::nullopt;
  }
  return ((tsresol & 0x80) != 0 ? "2^-" : "10^-") + std::to_string(tsresol & 0x7F);
}

std::string section_line(const capture_section& section) {
  line to;
  if (section.format == capture_format::pcapng) {
    to.add("order", section.order == byte_order::little ? "little" : "big");
    to.add("length", std::to_string(section.header.section_length));
  } else {
    to.add("link", hex32(section.link_field));
  }
  to.add("version", std::to_string(section.major) + "." + std::to_string(section.minor));
  to.add("hardware", section.header.hardware).add("os", section.header.os);
  to.add("application", section.header.application).add("comment", section.header.comments);
  return to.text_;
}

std::string interface_line(const capture_section& section, std::size_t id,
                           const interface_description_block& description) {
  line to;
  to.add("section", section.index).add("id", id);
  to.add("link", static_cast<unsigned>(description.link)).add("snaplen", description.snaplen);
  to.add("tsresol", resolution(description.tsresol)).add("name", description.name);
  to.add("os", description.os).add("description", description.description);
  to.add("filter", description.filter);
  if (description.fcs_bits) {
    to.add("fcslen", *description.fcs_bits);
  }
  if (description.tsoffset.value_or(0) != 0) {  // the corpus lists no offset of 0
    to.add("tsoffset", std::to_string(*description.tsoffset));
  }
  return to.add("comment", description.comments).text_;
}

std::string statistics_line(const capture_reader& reader, std::size_t after_packets) {
  const interface_statistics_block& block = reader.statistics();
  const auto& scale = reader.interfaces()[block.interface_id].scale;
  const auto time = [&](std::uint64_t ticks) {
    return scale ? to_decimal(scale->to_ns(ticks)) : std::string("?");
  };
  line to;
  to.add("section", reader.section().index).add("interface", block.interface_id);
  to.add("time", time(block.timestamp)).add("after", after_packets);
  if (block.start_time) {
    to.add("start", time(*block.start_time));
  }
  if (block.end_time) {
    to.add("end", time(*block.end_time));
  }
  to.add("ifrecv", block.received).add("ifdrop", block.dropped);
  to.add("accept", block.filter_accept).add("osdrop", block.os_drop);
  return to.add("deliv", block.user_deliver).add("comment", block.comments).text_;
}

std::string packet_line(const capture_reader& reader) {
  const capture_packet& packet = reader.packet();
  line to;
  to.add("time", packet.has_time ? to_decimal(packet.time) : "null");
  to.add("captured", packet.data.size()).add("original", packet.original_length);
  to.add("md5", md5_of(packet.data));
  if (reader.format() == capture_format::pcapng) {
    const packet_options options = options_of(packet);
    to.add("section", packet.section).add("interface", packet.interface_id);
    to.add("link", static_cast<unsigned>(packet.link));
    if (options.flags) {
      to.add("flags", hex32(*options.flags));
    }
    if (packet.has_flags != options.flags.has_value() ||
        packet.packet_flags != options.flags.value_or(0)) {
      to.add("flags-differ", 1);
    }
    to.add("drops", packet.dropcount).add("queue", options.queue);
    to.add("comment", options.comments);
  }
  if (packet.origin == packet_origin::modified_pcap_record) {
    to.add("ifindex", packet.modified.interface_index);
    to.add("protocol", packet.modified.protocol).add("type", packet.modified.packet_type);
  }
  return to.text_;
}

void add_block(capture_text& text, const capture_reader& reader, capture_item item) {
  const capture_block& block = reader.block();
  line to;
  to.add("section", reader.section().index);
  if (item == capture_item::custom) {
    to.add("pen", load<std::uint32_t>(block.body.data(), block.order));
    to.add("copy", block.type == block_type::custom_copyable ? 1 : 0);
    text.custom.push_back(to.add("length", block.total_bytes).text_);
  } else if (item == capture_item::secrets) {
    const auto secrets = secrets_of(block);
    to.add("type", hex32(secrets ? secrets->type : 0));
    text.secrets.push_back(to.add("length", secrets ? secrets->data.size() : 0).text_);
  }
}

// ---- Expectations ----

std::optional<std::string> text_at(const json::object& from, const char* key) {
  const json::value* value = from.if_contains(key);
  return value != nullptr && value->is_string() ? std::optional(std::string(value->get_string()))
                                                : std::nullopt;
}

std::optional<std::string> number_at(const json::object& from, const char* key) {
  const json::value* value = from.if_contains(key);
  return value != nullptr && value->is_number() ? std::optional(json::serialize(*value))
                                                : std::nullopt;
}

std::vector<std::string> texts_at(const json::object& from, const char* key) {
  std::vector<std::string> texts;
  if (const json::value* value = from.if_contains(key)) {
    for (const json::value& each : value->as_array()) {
      texts.emplace_back(each.as_string());
    }
  }
  return texts;
}

std::string section_line(const json::object& from) {
  line to;
  to.add("order", text_at(from, "byte_order")).add("length", number_at(from, "section_length"));
  to.add("version", text_at(from, "version")).add("hardware", text_at(from, "hardware"));
  to.add("os", text_at(from, "os")).add("application", text_at(from, "user_application"));
  return to.add("comment", texts_at(from, "comments")).text_;
}

std::string interface_line(const json::object& from) {
  line to;
  to.add("section", number_at(from, "section")).add("id", number_at(from, "id"));
  to.add("link", number_at(from, "link_type")).add("snaplen", number_at(from, "snaplen"));
  to.add("tsresol", text_at(from, "tsresol")).add("name", text_at(from, "name"));
  to.add("os", text_at(from, "os")).add("description", text_at(from, "description"));
  to.add("filter", text_at(from, "filter")).add("fcslen", number_at(from, "fcslen"));
  to.add("tsoffset", number_at(from, "tsoffset"));
  return to.add("comment", texts_at(from, "comments")).text_;
}

std::string statistics_line(const json::object& from) {
  line to;
  to.add("section", number_at(from, "section")).add("interface", number_at(from, "interface"));
  to.add("time", text_at(from, "ts_ns")).add("after", number_at(from, "after_packets"));
  to.add("start", text_at(from, "starttime_ns")).add("end", text_at(from, "endtime_ns"));
  to.add("ifrecv", number_at(from, "ifrecv")).add("ifdrop", number_at(from, "ifdrop"));
  to.add("accept", number_at(from, "filteraccept")).add("osdrop", number_at(from, "osdrop"));
  to.add("deliv", number_at(from, "usrdeliv"));
  return to.add("comment", texts_at(from, "comments")).text_;
}

std::string packet_line(const json::object& from) {
  const std::uint64_t captured = from.at("caplen").to_number<std::uint64_t>();
  const std::uint64_t original = from.at("origlen").to_number<std::uint64_t>();
  line to;
  to.add("time", text_at(from, "ts_ns").value_or("null"));
  // We raise the original length where it is below the captured one.
  to.add("captured", captured).add("original", std::max(captured, original));
  to.add("md5", text_at(from, "md5")).add("section", number_at(from, "section"));
  to.add("interface", number_at(from, "interface")).add("link", number_at(from, "link_type"));
  to.add("flags", text_at(from, "flags")).add("drops", number_at(from, "dropcount"));
  to.add("drops", number_at(from, "pb_drops")).add("queue", number_at(from, "queue"));
  to.add("comment", texts_at(from, "comments")).add("ifindex", number_at(from, "ifindex"));
  to.add("protocol", number_at(from, "protocol")).add("type", number_at(from, "pkt_type"));
  return to.text_;
}

std::string custom_line(const json::object& from) {
  line to;
  to.add("section", number_at(from, "section")).add("pen", number_at(from, "pen"));
  to.add("copy", from.at("copy").as_bool() ? 1 : 0);
  return to.add("length", number_at(from, "block_length")).text_;
}

std::string secrets_line(const json::object& from) {
  line to;
  to.add("section", number_at(from, "section")).add("type", text_at(from, "secrets_type"));
  return to.add("length", number_at(from, "length")).text_;
}

template <class Make>
lines lines_at(const json::object& from, const char* key, Make make) {
  lines made;
  if (const json::value* value = from.if_contains(key)) {
    for (const json::value& each : value->as_array()) {
      made.push_back(make(each.as_object()));
    }
  }
  return made;
}

}  // namespace

std::string first_difference(const lines& found, const lines& expected) {
  for (std::size_t i = 0; i < std::max(found.size(), expected.size()); ++i) {
    const std::string left = i < found.size() ? found[i] : "nothing";
    const std::string right = i < expected.size() ? expected[i] : "nothing";
    if (left != right) {
      return std::to_string(i) + ": found " + left + ", expected " + right;
    }
  }
  return {};
}

capture_text text_of(capture_reader& reader) {
  capture_text text;
  while (true) {
    const capture_item item = reader.next();
    text.format = name_of(reader.format());
    text.compression = reader.compression() ? name_of(*reader.compression()) : "";
    switch (item) {
      case capture_item::section:
        text.sections.push_back(section_line(reader.section()));
        break;
      case capture_item::interface:
        text.interfaces.push_back(interface_line(reader.section(), reader.interfaces().size() - 1,
                                                 reader.interfaces().back().description));
        break;
      case capture_item::packet:
        text.packets.push_back(packet_line(reader));
        break;
      case capture_item::statistics:
        text.statistics.push_back(statistics_line(reader, text.packets.size()));
        break;
      case capture_item::failed:
        text.error = reader.failure().message();
        return text;
      case capture_item::end:
        return text;
      default:
        add_block(text, reader, item);
    }
  }
}

std::vector<std::string> expectation_paths() {
  std::vector<std::string> paths;
  const std::filesystem::path folder = std::filesystem::path(CAPTURED_CORPUS) / "expected";
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

expectation read_expectation(const std::string& path) {
  const auto content = read_octets(path);
  const json::value parsed =
      json::parse({reinterpret_cast<const char*>(content.data()), content.size()}, {},
                  {.max_depth = 32,
                   .allow_comments = false,
                   .allow_trailing_commas = false,
                   .allow_invalid_utf8 = true});
  const json::object& whole = parsed.as_object();
  expectation made;
  made.file = whole.at("file").as_string();
  made.outcome = whole.at("outcome").as_string();
  capture_text& text = made.text;
  text.format = whole.at("format").as_string();
  text.compression = text_at(whole, "compression").value_or("");
  if (whole.contains("sections")) {
    text.sections =
        lines_at(whole, "sections", [](const auto& each) { return section_line(each); });
  } else if (const json::value* header = whole.if_contains("header")) {
    const json::object& from = header->as_object();
    line to;
    to.add("link", text_at(from, "link_type_field"));
    if (from.contains("datalink")) {
      to.add("link", hex32(from.at("datalink").to_number<std::uint32_t>()));
    }
    const auto version = text_at(from, "version");
    to.add("version", version ? *version : number_at(from, "version").value_or("?") + ".0");
    text.sections.push_back(to.text_);
  }
  text.interfaces =
      lines_at(whole, "interfaces", [](const auto& each) { return interface_line(each); });
  text.statistics =
      lines_at(whole, "statistics", [](const auto& each) { return statistics_line(each); });
  text.packets = lines_at(whole, "packets", [](const auto& each) { return packet_line(each); });
  text.custom =
      lines_at(whole, "custom_blocks", [](const auto& each) { return custom_line(each); });
  text.secrets =
      lines_at(whole, "decryption_secrets", [](const auto& each) { return secrets_line(each); });
  return made;
}

std::vector<std::byte> read_octets(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  const auto octets = std::as_bytes(std::span(content));
  return {octets.begin(), octets.end()};
}

}  // namespace captured::test
