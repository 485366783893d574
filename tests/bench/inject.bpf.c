// SPDX-License-Identifier: MIT
//
// Makes each frame of a live-frames test run into the next numbered frame and passes it to the
// network stack, at the pace asked for. One loaded program serves one run on one processor: the
// figures have a single writer.
// libbpf's headers want the kernel's types before them.
// clang-format off
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
// clang-format on

#include "inject_settings.h"
#include "support/numbered_frame.h"

const volatile struct inject_settings settings = {};
struct inject_figures figures = {};

enum { waits_max = 1 << 23 };  // the kernel's limit for one bpf_loop

static long is_due(__u32 turn, void* due_ns) {
  (void)turn;
  return bpf_ktime_get_ns() >= *(const __u64*)due_ns;
}

// Waits until the batch that begins with frame `index` is due. A run that is late does not wait,
// it catches up.
static __always_inline void hold_pace(__u64 index) {
  __u64 now_ns = bpf_ktime_get_ns();
  if (index == 0) {
    figures.started_ns = now_ns;
  }
  if (settings.ns_per_1024_frames != 0) {
    __u64 due_ns = figures.started_ns + index * settings.ns_per_1024_frames / 1024;
    if (now_ns < due_ns) {
      bpf_loop(waits_max, is_due, &due_ns, 0);
      now_ns = due_ns;
    } else if (now_ns - due_ns > figures.late_ns_max) {
      figures.late_ns_max = now_ns - due_ns;
    }
  }
  figures.batch_ns = now_ns;
}

// The words that follow from the number. Pages are used again for frames of other sizes, which is
// why a word's place does not depend on the size.
static __always_inline void write_words(void* payload, const void* end, __u64 number) {
#pragma unroll
  for (__u32 i = 0; i < inject_words_max; ++i) {
    const __u32 offset = i * numbered_stride_bytes + numbered_word_in_stride;
    if (payload + offset + sizeof(__u64) > end) {
      return;
    }
    *(__u64*)(payload + offset) = bpf_cpu_to_be64(numbered_word(settings.stream, number, offset));
  }
}

SEC("xdp")
int number_frame(struct xdp_md* context) {
  const __u64 index = figures.frames;
  if (index % settings.batch == 0) {
    hold_pace(index);
  }
  const __u64 number = settings.first_number + index;
  const __u32 size_index = (number % settings.size_count) & (inject_sizes_max - 1);
  const volatile struct inject_size* size = &settings.sizes[size_index];
  if (size->frame_bytes < settings.template_bytes &&
      bpf_xdp_adjust_tail(context, (int)size->frame_bytes - (int)settings.template_bytes) != 0) {
    return XDP_ABORTED;
  }

  void* const data = (void*)(long)context->data;
  const void* const end = (const void*)(long)context->data_end;
  if (data + numbered_frame_bytes_min > end) {
    return XDP_ABORTED;
  }
  struct iphdr* const ip = data + ETH_HLEN;
  ip->tot_len = size->ip_length;
  ip->check = size->ip_checksum;
  struct udphdr* const udp = (void*)(ip + 1);
  udp->source = bpf_htons(numbered_source_port_min + number % settings.flow_count);
  udp->dest = settings.ports[(number % settings.port_count) & (inject_ports_max - 1)];
  udp->len = size->udp_length;
  void* const payload = udp + 1;
  *(__u64*)(payload + 8) = bpf_cpu_to_be64(number);
  write_words(payload, end, number);

  figures.frames = index + 1;
  figures.octets += size->frame_bytes;
  return XDP_PASS;
}

char program_license[] SEC("license") = "MIT";
