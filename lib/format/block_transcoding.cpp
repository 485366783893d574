// SPDX-License-Identifier: MIT
#include "format/block_transcoding.hpp"

#include <algorithm>

#include "format/packet_options.hpp"
#include "format/pcapng_codes.hpp"

namespace captured::format {
namespace {

bool is_custom(std::uint16_t code) {
  return code == option::custom_text_copyable || code == option::custom_binary_copyable ||
         code == option::custom_text_not_copyable || code == option::custom_binary_not_copyable;
}

bool is_not_copyable(std::uint16_t code) {
  return code == option::custom_text_not_copyable || code == option::custom_binary_not_copyable;
}

/// Options whose values are octets, or custom ones, which begin with a number.
void transcode_plain(block_appender& to, const option_view& each, byte_order from) {
  if (is_custom(each.code) && each.value.size() >= 4) {
    to.custom_option_value(each.code, load<std::uint32_t>(each.value.data(), from),
                           each.value.subspan(4));
  } else {
    to.option(each.code, each.value);
  }
}

template <class T>
void transcode_number(block_appender& to, const option_view& each, byte_order from) {
  if (each.value.size() == sizeof(T)) {
    to.number_option(each.code, std::optional(load<T>(each.value.data(), from)));
  } else {
    to.option(each.code, each.value);  // as wrong as it was
  }
}

/// Those of eBPF are a kind and a number, those of hardware octets of its own.
void transcode_verdict(block_appender& to, const option_view& each, byte_order from) {
  constexpr std::size_t kind_and_number = 9;
  constexpr std::byte ebpf_tc{1};
  constexpr std::byte ebpf_xdp{2};
  if (each.value.size() != kind_and_number ||
      (each.value[0] != ebpf_tc && each.value[0] != ebpf_xdp)) {
    transcode_plain(to, each, from);
    return;
  }
  std::byte value[kind_and_number] = {each.value[0]};
  store(value + 1, load<std::uint64_t>(each.value.data() + 1, from), to.order());
  to.option(each.code, value);
}

/// Records of a Name Resolution Block: heads of options, octets as values, an end mark.
bool transcode_names(block_appender& to, const capture_block& block) {
  option_cursor cursor(block.body, block.order);
  option_view each;
  std::size_t records_bytes = 0;
  while (cursor.next(each)) {
    to.number(each.code);
    to.number(static_cast<std::uint16_t>(each.value.size()));
    to.padded(each.value);
    records_bytes += 4 + base::align_up<std::size_t>(each.value.size(), 4);
  }
  if (cursor.damaged()) {
    return false;
  }
  to.number(std::uint32_t{0});
  constexpr std::size_t end_bytes = 4;
  if (records_bytes + end_bytes <= block.body.size()) {
    option_cursor options(block.body.subspan(records_bytes + end_bytes), block.order);
    while (options.next(each)) {
      transcode_plain(to, each, block.order);
    }
  }
  return true;
}

bool transcode_secrets(block_appender& to, const capture_block& block) {
  const auto secrets = secrets_of(block);
  if (!secrets) {
    return false;
  }
  to.number(secrets->type);
  to.number(static_cast<std::uint32_t>(secrets->data.size()));
  to.padded(secrets->data);
  const std::size_t fixed = 8 + base::align_up<std::size_t>(secrets->data.size(), 4);
  option_cursor options(block.body.subspan(std::min(fixed, block.body.size())), block.order);
  option_view each;
  while (options.next(each)) {
    transcode_plain(to, each, block.order);
  }
  return true;
}

}  // namespace

options_left_out transcode_packet_options(block_appender& to, std::span<const std::byte> options,
                                          byte_order from, copyability policy) {
  options_left_out left_out;
  option_cursor cursor(options, from);
  option_view each;
  while (cursor.next(each)) {
    if (is_not_copyable(each.code) && policy == copyability::drop_not_copyable) {
      ++left_out.not_copyable;
      continue;
    }
    switch (each.code) {
      case option::epb_flags:
      case option::epb_queue:
        transcode_number<std::uint32_t>(to, each, from);
        break;
      case option::epb_dropcount:
      case option::epb_packetid:
        transcode_number<std::uint64_t>(to, each, from);
        break;
      case option::epb_process_thread:
        if (each.value.size() == 8) {
          std::byte value[8];
          store(value, load<std::uint32_t>(each.value.data(), from), to.order());
          store(value + 4, load<std::uint32_t>(each.value.data() + 4, from), to.order());
          to.option(each.code, value);
          break;
        }
        transcode_plain(to, each, from);
        break;
      case option::epb_verdict:
        transcode_verdict(to, each, from);
        break;
      case option::comment:
      case option::epb_hash:
        transcode_plain(to, each, from);
        break;
      default:
        if (from != to.order() && !is_custom(each.code)) {
          ++left_out.not_known;  // it may hold numbers
          break;
        }
        transcode_plain(to, each, from);
    }
  }
  return left_out;
}

void transcode_filter(unknown_option& filter, byte_order to) {
  constexpr std::byte program_kind{1};
  constexpr std::size_t instruction_bytes = 8;  // u16 code, u8, u8, u32 k
  std::vector<std::byte>& value = filter.value;
  if (filter.order == to || filter.code != option::if_filter || value.empty() ||
      value[0] != program_kind || (value.size() - 1) % instruction_bytes != 0) {
    return;
  }
  for (std::size_t at = 1; at < value.size(); at += instruction_bytes) {
    std::byte* const instruction = value.data() + at;
    store(instruction, load<std::uint16_t>(instruction, filter.order), to);
    store(instruction + 4, load<std::uint32_t>(instruction + 4, filter.order), to);
  }
  filter.order = to;
}

bool transcode_block(std::vector<std::byte>& out, const capture_block& block, byte_order order) {
  const std::size_t begin = out.size();
  block_appender to(out, block.type, order);
  bool done = false;
  switch (block.type) {
    case block_type::name_resolution:
      done = transcode_names(to, block);
      break;
    case block_type::decryption_secrets:
      done = transcode_secrets(to, block);
      break;
    case block_type::custom_copyable:
    case block_type::custom_not_copyable:
      to.number(load<std::uint32_t>(block.body.data(), block.order));
      to.padded(block.body.subspan(4));
      done = true;
      break;
    case block_type::systemd_journal_export:
      to.padded(block.body);
      done = true;
      break;
    default:
      break;
  }
  if (!done) {
    out.resize(begin);
    return false;
  }
  to.finish();
  return true;
}

}  // namespace captured::format
