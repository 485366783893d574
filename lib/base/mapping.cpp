// SPDX-License-Identifier: MIT
#include "base/mapping.hpp"

#include <sys/mman.h>

namespace captured::base {

namespace {

constexpr std::size_t smallest_page = 4096;

}  // namespace

mapping& mapping::operator=(mapping&& other) noexcept {
  if (this != &other) {
    mapping old(std::exchange(bytes_, std::exchange(other.bytes_, {})));
  }
  return *this;
}

mapping::~mapping() {
  if (!bytes_.empty()) {
    ::munmap(bytes_.data(), bytes_.size());
  }
}

result<mapping> mapping::map(int fd, std::size_t byte_count, int protection, int flags) {
  void* const address = ::mmap(nullptr, byte_count, protection, flags, fd, 0);
  if (address == MAP_FAILED) {
    return system_failure(errno, "map " + std::to_string(byte_count) + " octets");
  }
  return mapping({static_cast<std::byte*>(address), byte_count});
}

result<mapping> mapping::anonymous(std::size_t byte_count, std::size_t present) {
  auto all = map(-1, byte_count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  if (all) {
    const auto memory = all->bytes().first(present);
    for (std::size_t i = 0; i < memory.size(); i += smallest_page) {
      *static_cast<volatile std::byte*>(&memory[i]) = {};  // or it would be optimised away
    }
  }
  return all;
}

result<mapping> mapping::shared(int fd, std::size_t byte_count) {
  return map(fd, byte_count, PROT_READ | PROT_WRITE, MAP_SHARED);
}

result<mapping> mapping::readable(int fd, std::size_t byte_count) {
  return map(fd, byte_count, PROT_READ, MAP_PRIVATE);
}

}  // namespace captured::base
