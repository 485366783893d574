// SPDX-License-Identifier: MIT
#include "capture/filter_program.hpp"

#include <array>
#include <utility>

#include <linux/if_packet.h>

namespace captured::capture {
namespace {

constexpr sock_filter statement(int code, std::uint32_t operand) {
  return {static_cast<std::uint16_t>(code), 0, 0, operand};
}

}  // namespace

filter_program accept_all(std::uint32_t snaplen) {
  return {{statement(BPF_RET | BPF_K, snaplen)}};
}

filter_program reject_all() {
  return accept_all(0);
}

void set_snaplen(filter_program& program, std::uint32_t snaplen) noexcept {
  for (sock_filter& instruction : program.instructions) {
    if (instruction.code == (BPF_RET | BPF_K) && instruction.k != 0) {
      instruction.k = snaplen;
    }
  }
}

base::result<filter_program> restrict_direction(filter_program program, direction which) {
  if (which == direction::in || which == direction::out) {
    // Jumps in BPF are relative and go forward only, so the program itself stays as it is.
    const std::uint8_t if_outgoing = which == direction::out ? 1 : 0;
    const std::uint8_t otherwise = which == direction::out ? 0 : 1;
    const std::uint32_t packet_type = static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE);
    const std::array<sock_filter, 3> prefix = {
        statement(BPF_LD | BPF_B | BPF_ABS, packet_type),
        sock_filter{BPF_JMP | BPF_JEQ | BPF_K, if_outgoing, otherwise, PACKET_OUTGOING},
        statement(BPF_RET | BPF_K, 0),
    };
    program.instructions.insert(program.instructions.begin(), prefix.begin(), prefix.end());
  }
  if (program.instructions.size() > BPF_MAXINSNS) {
    return base::invalid_input(
        "filter", "compiles to " + std::to_string(program.instructions.size()) +
                      " instructions, the kernel takes " + std::to_string(BPF_MAXINSNS));
  }
  return program;
}

}  // namespace captured::capture
