// SPDX-License-Identifier: MIT
#include "format/pcapng_blocks.hpp"

#include "format/block_appender.hpp"
#include "format/pcapng_codes.hpp"

namespace captured::format {
namespace {

void append_comments(block_appender& to, const std::vector<std::string>& comments) {
  for (const std::string& comment : comments) {
    to.text_option(option::comment, std::string_view(comment));
  }
}

template <class Block>
void append_foreign_options(block_appender& to, const Block& block) {
  for (const custom_option& each : block.custom) {
    to.custom_option_value(each.code, each.pen, each.value);
  }
  for (const unknown_option& each : block.unknown) {
    to.option(each.code, each.value);
  }
}

template <std::size_t size>
void append_address(block_appender& to, std::uint16_t code,
                    const std::array<std::uint8_t, size>& address) {
  to.option(code, std::as_bytes(std::span(address)));
}

void append_addresses(block_appender& to, const interface_description_block& block) {
  for (const auto& address : block.ipv4_addresses) {
    append_address(to, option::if_ipv4_address, address);
  }
  for (const auto& address : block.ipv6_addresses) {
    append_address(to, option::if_ipv6_address, address);
  }
  if (block.mac_address) {
    append_address(to, option::if_mac_address, *block.mac_address);
  }
  if (block.eui_address) {
    append_address(to, option::if_eui_address, *block.eui_address);
  }
}

}  // namespace

// The order of the options is that of gopacket's writer, so that the same content gives the same
// octets and files can be compared; readers take any order.

void append(std::vector<std::byte>& out, const section_header_block& block, byte_order order) {
  block_appender to(out, block_type::section_header, order);
  to.number(byte_order_magic);
  to.number(std::uint16_t{1});
  to.number(std::uint16_t{0});
  to.number(static_cast<std::uint64_t>(block.section_length));
  to.text_option(option::shb_userappl, block.application);
  append_comments(to, block.comments);
  to.text_option(option::shb_hardware, block.hardware);
  to.text_option(option::shb_os, block.os);
  append_foreign_options(to, block);
  to.finish();
}

void append(std::vector<std::byte>& out, const interface_description_block& block,
            byte_order order) {
  block_appender to(out, block_type::interface_description, order);
  to.number(static_cast<std::uint16_t>(block.link));
  to.number(std::uint16_t{0});
  to.number(block.snaplen);
  to.text_option(option::if_name, block.name);
  append_comments(to, block.comments);
  to.text_option(option::if_description, block.description);
  if (block.filter) {
    to.prefixed_option(option::if_filter, filter_kind_text, *block.filter);
  }
  to.text_option(option::if_os, block.os);
  if (block.tsoffset) {
    to.number_option(option::if_tsoffset,
                     std::optional(static_cast<std::uint64_t>(*block.tsoffset)));
  }
  to.number_option(option::if_tsresol, std::optional(block.tsresol));
  append_addresses(to, block);
  to.number_option(option::if_speed, block.speed);
  to.number_option(option::if_fcslen, block.fcs_bits);
  to.text_option(option::if_hardware, block.hardware);
  to.number_option(option::if_txspeed, block.transmit_speed);
  to.number_option(option::if_rxspeed, block.receive_speed);
  to.text_option(option::if_iana_tzname, block.time_zone);
  append_foreign_options(to, block);
  to.finish();
}

void append(std::vector<std::byte>& out, const interface_statistics_block& block,
            byte_order order) {
  block_appender to(out, block_type::interface_statistics, order);
  to.number(block.interface_id);
  to.ticks(block.timestamp);
  to.ticks_option(option::isb_starttime, block.start_time);
  to.ticks_option(option::isb_endtime, block.end_time);
  to.number_option(option::isb_ifdrop, block.dropped);
  to.number_option(option::isb_ifrecv, block.received);
  to.number_option(option::isb_filteraccept, block.filter_accept);
  to.number_option(option::isb_osdrop, block.os_drop);
  to.number_option(option::isb_usrdeliv, block.user_deliver);
  append_comments(to, block.comments);
  append_foreign_options(to, block);
  to.finish();
}

void append(std::vector<std::byte>& out, const custom_block& block, byte_order order) {
  block_appender to(
      out, block.copyable ? block_type::custom_copyable : block_type::custom_not_copyable, order);
  to.number(block.pen);
  to.padded(block.data);
  to.finish();
}

}  // namespace captured::format
