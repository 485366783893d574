// SPDX-License-Identifier: MIT
//
// Rules of the formats one by one, where neither the foreign captures nor the tests of what callers
// can choose reach: what must be an error with its place, and what is taken with a count.
#include "capture_text.hpp"
#include "format/capture_reader.hpp"
#include "octets.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace captured::format;
using test::from_hex;
using test::octets;

namespace {

std::string error_of(const octets& file, read_options options = {}) {
  capture_reader reader(std::span<const std::byte>(file), std::move(options));
  return test::text_of(reader).error;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void add(octets& to, const octets& more) {
  to.insert(to.end(), more.begin(), more.end());
}

octets five_packets() {
  octets file;
  append(file, section_header_block{});
  append(file, interface_description_block{});
  const octets frame = test::arp_frame();
  for (int i = 0; i < 5; ++i) {
    test::append_packet(file, 0, test::view_of(frame));
  }
  return file;
}

/// Gives parts of its own memory, and spoils those that nobody may look at any more.
class lender final : public octet_source {
 public:
  lender(const octets& all, std::size_t part) : all_(all), part_(part) {}
  base::result<std::size_t> read(std::span<std::byte> /*room*/) override { return std::size_t{0}; }
  [[nodiscard]] bool lends() const noexcept override { return true; }
  base::result<lent_octets> lend() override {
    constexpr std::size_t headroom = 16;
    kept_.swap(given_);
    const std::size_t count = std::min(part_, all_.size() - at_);
    given_.assign(headroom, std::byte{0xEE});
    const auto begin = all_.begin() + static_cast<long>(at_);
    given_.insert(given_.end(), begin, begin + static_cast<long>(count));
    at_ += count;
    return lent_octets{.octets = std::span(given_).subspan(headroom), .headroom = headroom};
  }

 private:
  const octets& all_;
  std::size_t part_;
  std::size_t at_ = 0;
  octets given_;
  octets kept_;
};

}  // namespace

TEST_CASE("lpcap: what is odd is an error, or counted when lenient") {
  const octets header = from_hex("3e 4f 01 00 00 00 ff 3f 00 00 04 00 00 00");
  for (const char* const record :
       {"01 03 01 00 00 00 01 00 00 00 aa", "01 02 00 00 00 00 01 00 00 00 aa"}) {
    octets file = header;
    add(file, from_hex(record));
    CHECK(contains(error_of(file), "at offset 14"));
    capture_reader reader(std::span<const std::byte>(file), {.lenient = true});
    CHECK(test::text_of(reader).packets.size() == 1);
    CHECK(reader.counts().unknown_kinds == 1);
  }
  octets good = header;
  add(good, from_hex("01 02 05 00 00 00 01 00 00 00 aa  02 02 04 00 00 00 01 00 00 00 bb"));
  capture_reader reader{std::span<const std::byte>(good)};
  const test::capture_text found = test::text_of(reader);
  CHECK(found.packets.size() == 2);
  CHECK(reader.packet().time == (time_ns{1} << 32) - 1);  // behind the first, it wrapped around
  CHECK(reader.counts().times_wrapped == 1);
  REQUIRE(reader.section().header.comments.size() == 1);
  CHECK(contains(reader.section().header.comments[0], "inferred"));
  add(good, from_hex("01 02 05 00 00 00 00 40 00 00 aa"));
  CHECK(contains(error_of(good), "at offset 36"));  // longer than the snap length
}

TEST_CASE("lpcap: the link type that is reserved is for the caller to choose") {
  for (const auto& [number, link] :
       {std::pair(0, 147), std::pair(4, 1), std::pair(8, 105), std::pair(16, 10)}) {
    octets file =
        from_hex("3e 4f 01 00 04 00 ff 3f 00 00 04 00 00 00 01 02 05 00 00 00 01 00 00 00 aa");
    file[10] = static_cast<std::byte>(number);
    capture_reader reader{std::span<const std::byte>(file)};
    while (reader.next() != capture_item::packet) {
    }
    CHECK(static_cast<int>(reader.packet().link) == link);
    capture_reader chosen(std::span<const std::byte>(file),
                          {.lpcap_unknown_link = packet::link_type::raw_ip});
    while (chosen.next() != capture_item::packet) {
    }
    CHECK(static_cast<int>(chosen.packet().link) == (number == 0 ? 101 : link));
  }
}

TEST_CASE("lz4 is read, in frames one behind the other and with such as may be skipped") {
  const auto frame_of = [](const octets& content) {
    octets frame = from_hex("04 22 4d 18 60 40 82");
    const auto size = static_cast<std::uint32_t>(content.size()) | 0x80000000U;  // as they are
    for (unsigned shift = 0; shift < 32; shift += 8) {
      frame.push_back(static_cast<std::byte>(size >> shift));
    }
    add(frame, content);
    add(frame, octets(4));
    return frame;
  };
  const octets file = five_packets();
  octets packed = frame_of({file.begin(), file.begin() + 50});
  add(packed, from_hex("53 2a 4d 18 03 00 00 00 aa bb cc"));
  add(packed, frame_of({file.begin() + 50, file.end()}));
  capture_reader reader{std::span<const std::byte>(packed)};
  const test::capture_text found = test::text_of(reader);
  CHECK(found.error == "");
  CHECK(found.compression == "lz4");
  CHECK(found.packets.size() == 5);
  packed.resize(packed.size() - 5);
  CHECK(contains(error_of(packed), "early"));
}

TEST_CASE("options: the first of two, empty strings, a wrong length and a marker with a length") {
  octets file;
  append(file, section_header_block{});
  // if_name "a", if_name "b", if_description "", if_MACaddr of 1 octet, the end with a length.
  add(file, from_hex("01 00 00 00 38 00 00 00 01 00 00 00 00 00 00 00 02 00 01 00 61 00 00 00"
                     "02 00 01 00 62 00 00 00 03 00 00 00 06 00 01 00 ff 00 00 00"
                     "00 00 04 00 00 00 00 00 38 00 00 00"));
  capture_reader reader{std::span<const std::byte>(file)};
  CHECK(test::text_of(reader).error == "");
  REQUIRE(reader.interfaces().size() == 1);
  const auto& description = reader.interfaces()[0].description;
  CHECK(description.name == "a");
  CHECK(description.description == "");
  CHECK(!description.mac_address);
  CHECK(reader.counts().options_left_out == 3);
  CHECK(describe_peculiarities(reader.counts()).size() == 1);
}

TEST_CASE("blocks that claim what cannot be are errors with their place") {
  for (const char* const block :
       {"03 00 00 00 08 00 00 00 08 00 00 00",              // below 12
        "03 00 00 00 00 00 00 02 00 00 00 00 00 00 00 02",  // 32 MiB
        "03 00 00 00 10 00 00 00 01 00 00 00 14 00 00 00",  // another length behind it
        "06 00 00 00 10 00 00 00 00 00 00 00 10 00 00 00",  // too short for its fields
        "06 00 00 00 20 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00 00 01 00 00 00"
        "20 00 00 00",  // data that is not there
        "06 00 00 00 20 00 00 00 07 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
        "20 00 00 00",  // interface 7
        "05 00 00 00 18 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00 18 00 00 00",
        "0a 0d 0d 0a 1c 00 20 00 4d 3c 2b 1a 01 00 00 00",   // above 1 MiB
        "0a 0d 0d 0a 1c 00 00 00 4d 3c 2b 1b 01 00 00 00"})  // no magic
  {
    INFO(block);
    octets file;
    append(file, section_header_block{});
    append(file, interface_description_block{});
    const std::string place = "at offset " + std::to_string(file.size());
    add(file, from_hex(block));
    CHECK(contains(error_of(file), place));
  }
}

TEST_CASE("a source that lends gives the same, also when records are longer than its parts") {
  const octets file = five_packets();
  capture_reader mapped{std::span<const std::byte>(file)};
  const test::capture_text expected = test::text_of(mapped);
  for (std::size_t part = 1; part < 200; ++part) {
    lender source(file, part);
    capture_reader reader(source);
    const test::capture_text found = test::text_of(reader);
    INFO(part);
    CHECK(found.error == "");
    CHECK(test::first_difference(found.packets, expected.packets) == "");
  }
}
