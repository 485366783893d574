// SPDX-License-Identifier: MIT
//
// What inject.cpp and its BPF program share: the settings of one run and the figures it leaves.
// Plain C.
#pragma once

#include <linux/types.h>

enum {
  inject_frame_bytes_max = 2048,  // what fits a page with the kernel's own headers, and more
  inject_sizes_max = 16,
  inject_ports_max = 8,
  inject_words_max = 16,  // words of numbered_frame.h in the longest frame
};

/// A frame size with the header fields that depend on it, ready as they lie in the frame.
struct inject_size {
  __u16 frame_bytes;
  __u16 ip_length;
  __u16 ip_checksum;
  __u16 udp_length;
};

/// Set before the program is loaded and constant from then on, so that the verifier can fold it.
struct inject_settings {
  __u64 first_number;
  __u64 ns_per_1024_frames;  // 0: no pace, as fast as it goes
  __u32 stream;
  __u32 batch;  // frames between two looks at the clock
  __u32 flow_count;
  __u32 size_count;
  __u32 port_count;
  __u32 template_bytes;  // the longest of the sizes; frames begin as a template of this length
  struct inject_size sizes[inject_sizes_max];  // frame n has size n % size_count
  __u16 ports[inject_ports_max];  // frame n has destination port n % port_count, big-endian
};

/// Written by the program alone.
struct inject_figures {
  __u64 frames;
  __u64 octets;
  __u64 started_ns;   // bpf_ktime_get_ns() before the first frame
  __u64 batch_ns;     // the same before the latest batch
  __u64 late_ns_max;  // furthest that a batch began after it was due
};
