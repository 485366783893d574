// SPDX-License-Identifier: MIT
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "format/block_reader.hpp"
#include "format/pcapng_parse.hpp"
#include "octets.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace captured::format;
using test::from_hex;
using test::octets;

namespace {

octets small_file() {
  octets file;
  append(file, section_header_block{});
  append(file, interface_description_block{});
  const octets frame = test::arp_frame();
  test::append_packet(file, 0, test::view_of(frame));
  return file;
}

/// One octet for each call, the slowest of sources.
class dripping_source final : public octet_source {
 public:
  explicit dripping_source(const octets& file) : source_(file) {}
  base::result<std::size_t> read(std::span<std::byte> room) override {
    return source_.read(room.first(1));
  }

 private:
  memory_source source_;
};

class failing_source final : public octet_source {
 public:
  base::result<std::size_t> read(std::span<std::byte>) override {
    return base::system_failure(EIO, "read disk");
  }
};

struct walk {
  std::size_t blocks = 0;
  block_reader::step last;
  std::uint64_t offset = 0;
};

walk walk_all(octet_source& source) {
  block_reader reader(source);
  walk result;
  while ((result.last = reader.next()).what == block_reader::status::block) {
    ++result.blocks;
  }
  result.offset = reader.offset();
  return result;
}

walk walk_octets(const octets& file) {
  memory_source source(file);
  return walk_all(source);
}

octets with_octet(octets file, std::size_t at, std::uint8_t value) {
  file.at(at) = std::byte{value};
  return file;
}

}  // namespace

TEST_CASE("blocks are found whether octets come together or one by one") {
  const octets file = small_file();
  const walk together = walk_octets(file);
  CHECK(together.blocks == 3);
  CHECK(together.last.what == block_reader::status::end);
  CHECK(together.offset == file.size());
  dripping_source source(file);
  const walk dripping = walk_all(source);
  CHECK(dripping.blocks == 3);
  CHECK(dripping.last.what == block_reader::status::end);
}

TEST_CASE("a file cut at any octet gives the whole blocks before the cut and tells where it ends") {
  const octets file = small_file();
  const std::size_t ends[] = {28, 28 + 32, file.size()};
  for (std::size_t size = 1; size < file.size(); ++size) {
    const walk cut = walk_octets(octets(file.begin(), file.begin() + static_cast<long>(size)));
    const auto whole = static_cast<std::size_t>(
        std::count_if(std::begin(ends), std::end(ends), [&](auto end) { return end <= size; }));
    CHECK(cut.blocks == whole);
    const bool between = whole > 0 && ends[whole - 1] == size;
    CHECK(cut.last.what == (between ? block_reader::status::end : block_reader::status::truncated));
    CHECK(cut.offset == (whole == 0 ? 0 : ends[whole - 1]));
  }
}

TEST_CASE("what is wrong with a block is told apart") {
  const auto problem = [](const octets& file) {
    const walk result = walk_octets(file);
    CHECK(result.last.what == block_reader::status::damaged);
    return result.last.problem;
  };
  const octets file = small_file();
  CHECK(problem(with_octet(file, 0, 0x0b)) == block_problem::no_section_header);
  CHECK(problem(with_octet(file, 8, 0)) == block_problem::wrong_magic);
  CHECK(problem(with_octet(file, 4, 24)) == block_problem::too_short);
  CHECK(problem(with_octet(file, 7, 1)) == block_problem::too_long);
  CHECK(problem(with_octet(file, 28 + 4, 8)) == block_problem::too_short);
  CHECK(problem(with_octet(file, 28 + 4, 33)) == block_problem::not_aligned);
  CHECK(problem(with_octet(file, 28 + 7, 1)) == block_problem::too_long);
  CHECK(problem(with_octet(file, 28 + 28, 36)) == block_problem::trailer_differs);
}

TEST_CASE("a length that the source does not keep costs no memory") {
  octets file = small_file();
  base::store_little<std::uint32_t>(file.data() + 28 + 4, block_bytes_max);
  memory_source source(file);
  block_reader reader(source);
  REQUIRE(reader.next().what == block_reader::status::block);
  CHECK(reader.next().what == block_reader::status::truncated);
  CHECK(reader.ahead().size() == file.size() - 28);
}

TEST_CASE("a block larger than the buffer is read whole") {
  octets file = small_file();
  append_filler(file, 3u << 20);
  append_filler(file, block_bytes_max);
  const walk result = walk_octets(file);
  CHECK(result.blocks == 5);
  CHECK(result.last.what == block_reader::status::end);
}

TEST_CASE("a source that fails is told apart from one that ends") {
  failing_source source;
  block_reader reader(source);
  CHECK(reader.next().what == block_reader::status::failed);
  CHECK(reader.failure().message() == "read disk: Input/output error");
  CHECK(reader.next().what == block_reader::status::failed);
}

TEST_CASE("sections of different byte order follow one another") {
  octets file;
  append(file, section_header_block{}, byte_order::big);
  append(file, interface_description_block{}, byte_order::big);
  append(file, section_header_block{}, byte_order::little);
  append(file, interface_description_block{}, byte_order::little);
  CHECK(walk_octets(file).blocks == 4);
}

TEST_CASE("a changed octet anywhere never leads the parsers outside the block") {
  octets file = small_file();
  interface_statistics_block statistics;
  statistics.received = 1;
  statistics.comments = {"x"};
  append(file, statistics);
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (const int value : {0x00, 0x01, 0x04, 0x7F, 0x80, 0xFF}) {
      const octets changed = with_octet(file, at, static_cast<std::uint8_t>(value));
      memory_source source(changed);
      block_reader reader(source);
      std::uint64_t left_out = 0;
      for (auto step = reader.next(); step.what == block_reader::status::block;
           step = reader.next()) {
        CHECK(step.block.offset + step.block.total_bytes <= changed.size());
        (void)parse_section_header(step.block, left_out);
        (void)parse_interface_description(step.block, left_out);
        (void)parse_interface_statistics(step.block, left_out);
        (void)parse_custom(step.block);
        if (const auto packet = view_enhanced_packet(step.block)) {
          option_cursor options = packet->options;
          option_view each;
          while (options.next(each)) {
          }
        }
      }
    }
  }
}

TEST_CASE("well-formed files of other programs are walked to their end") {
  const std::filesystem::path folder = std::filesystem::path(CAPTURED_CORPUS) / "pcapng";
  if (std::string_view(CAPTURED_CORPUS).empty() || !std::filesystem::is_directory(folder)) {
    WARN("SKIPPED: no corpus of foreign captures");
    return;
  }
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream stream(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    memory_source source(std::as_bytes(std::span(text)));
    INFO(entry.path().filename().string());
    const walk result = walk_all(source);
    CHECK(result.last.what == block_reader::status::end);
    ++files;
  }
  CHECK(files > 50);
}
