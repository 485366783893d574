// SPDX-License-Identifier: MIT
//
// The frame that the traffic tools send and the checker knows again: Ethernet, up to two VLAN
// tags, IPv4, UDP, then a payload that follows from a stream id and a number alone, so that a
// frame that was lost, doubled, torn or mixed up shows. Plain C, for the BPF program includes it.
//
//   payload   0      4       8                16          120    128          248    256
//             magic  stream  number           filler ...  word   filler ...   word   filler ...
//
// All numbers are big-endian. Every octet at a place that holds no mark and no word is filler,
// which depends on the place only; so the same frame cut short is a prefix of the whole frame.
#pragma once

#include <linux/types.h>

enum {
  numbered_header_bytes = 42,  // Ethernet 14, IPv4 20, UDP 8; each VLAN tag adds 4
  numbered_mark_bytes = 16,    // magic, stream, number
  numbered_frame_bytes_min = numbered_header_bytes + numbered_mark_bytes,
  numbered_stride_bytes = 128,       // each stride of the payload ends with a word
  numbered_word_in_stride = 120,     // where in the stride the word lies
  numbered_magic = 0x63707464,       // "cptd"
  numbered_source_port_min = 20000,  // flows count up from here
};

/// What lies at a place without mark or word; the low eight bits count.
static inline __u32 numbered_filler(__u32 payload_offset) {
  return (payload_offset % numbered_stride_bytes * 37 + 11) & 0xff;
}

/// The 64-bit word at a place, to be stored big-endian.
static inline __u64 numbered_word(__u32 stream, __u64 number, __u32 payload_offset) {
  const __u64 wide_stream = stream;
  const __u64 wide_offset = payload_offset;
  return (number ^ wide_stream << 48 ^ wide_offset << 32) * 0x9E3779B97F4A7C15ull;
}
