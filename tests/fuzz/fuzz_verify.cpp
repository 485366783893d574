// SPDX-License-Identifier: MIT
//
// Any octets before verify: it must come to a judgement, the same for the same octets whatever
// pieces they come in, and call nothing whole that the strict reader cannot read to its end.
#include <algorithm>
#include <cstdlib>

#include "format/capture_reader.hpp"
#include "format/verification.hpp"

using namespace captured;
using namespace captured::format;

namespace {

class small_source final : public octet_source {
 public:
  explicit small_source(std::span<const std::byte> octets) : rest_(octets) {}
  base::result<std::size_t> read(std::span<std::byte> room) override {
    const std::size_t count = std::min<std::size_t>({room.size(), rest_.size(), 37});
    std::copy_n(rest_.begin(), count, room.begin());
    rest_ = rest_.subspan(count);
    return count;
  }

 private:
  std::span<const std::byte> rest_;
};

bool can_be_read(std::span<const std::byte> octets) {
  capture_reader reader(octets);
  capture_item item = reader.next();
  while (item != capture_item::end && item != capture_item::failed) {
    item = reader.next();
  }
  return item == capture_item::end;
}

bool is_compressed(std::span<const std::byte> octets) {
  return is_compression(detect_format(octets));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto octets = std::as_bytes(std::span(data, size));
  constexpr std::size_t compressed_max = 4096;  // what comes out is read four times
  if (is_compressed(octets) && size > compressed_max) {
    return 0;
  }
  memory_source source(octets);
  small_source pieces(octets);
  const file_report whole = verify_any_file("file", source);
  const file_report same = verify_any_file("file", pieces);
  const bool damaged_compression =
      is_compressed(octets) && whole.state == file_state::broken && same.state == whole.state;
  if (!damaged_compression && (whole.state != same.state || whole.packets != same.packets ||
                               whole.octets != same.octets || whole.faults != same.faults)) {
    std::abort();
  }
  if (whole.faults == 0 && whole.state == file_state::foreign && !can_be_read(octets)) {
    std::abort();
  }
  memory_source part(octets);
  const file_report reports[] = {whole, verify_any_file("other.part", part)};
  static_cast<void>(verify_chains(reports));
  return 0;
}
