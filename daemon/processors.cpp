// SPDX-License-Identifier: MIT
#include "daemon/processors.hpp"

#include <array>
#include <cerrno>
#include <climits>

#include <sched.h>

namespace captured::daemon {

namespace {

constexpr std::size_t processors_max = 8192;
constexpr std::size_t word_bits = sizeof(unsigned long) * CHAR_BIT;
using processor_mask = std::array<unsigned long, processors_max / word_bits>;

cpu_set_t* as_set(processor_mask& mask) {
  return reinterpret_cast<cpu_set_t*>(mask.data());  // the kernel takes any length
}

}  // namespace

base::result<> run_on(const std::vector<std::uint32_t>& processors, const std::string& what) {
  if (processors.empty()) {
    return {};
  }
  processor_mask mask{};
  std::string list;
  for (const std::uint32_t each : processors) {
    mask.at(each / word_bits) |= 1ul << each % word_bits;
    list += (list.empty() ? "" : ", ") + std::to_string(each);
  }
  if (::sched_setaffinity(0, sizeof mask, as_set(mask)) != 0) {
    return base::system_failure(errno, what + ": run on processor " + list);
  }
  return {};
}

std::vector<std::uint32_t> own_processors() {
  processor_mask mask{};
  std::vector<std::uint32_t> found;
  if (::sched_getaffinity(0, sizeof mask, as_set(mask)) != 0) {
    return found;
  }
  for (std::uint32_t i = 0; i < processors_max; ++i) {
    if ((mask[i / word_bits] >> i % word_bits & 1) != 0) {
      found.push_back(i);
    }
  }
  return found;
}

}  // namespace captured::daemon
