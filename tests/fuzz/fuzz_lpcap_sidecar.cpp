// SPDX-License-Identifier: MIT
//
// An lpcap file and its sidecar, both of any octets: the first two say how long the file is.
#include "format/capture_reader.hpp"

using namespace captured;
using namespace captured::format;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const std::size_t length = std::min(data[0] + std::size_t{data[1]} * 256, size - 2);
  const auto octets = std::as_bytes(std::span(data, size)).subspan(2);
  memory_source sidecar(octets.subspan(length));
  read_options options{.lenient = true};
  options.lpcap_sidecar = &sidecar;
  capture_reader reader(octets.first(length), options);
  while (true) {
    const capture_item item = reader.next();
    if (item == capture_item::end || item == capture_item::failed) {
      return 0;
    }
  }
}
