// SPDX-License-Identifier: MIT
#include "injection.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <limits>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>

#include "inject_settings.h"
#include "support/frame_builder.hpp"

namespace captured::bench {
namespace {

// The program waits with softirqs off, so a batch shall not last longer than a tenth of a
// millisecond at slow paces; 64 is what the kernel hands over at a time at most.
constexpr std::uint64_t batch_max = 64;
constexpr std::uint64_t batches_per_second = 10'000;

int print_warning(libbpf_print_level level, const char* format, va_list arguments) {
  return level == LIBBPF_WARN ? std::vfprintf(stderr, format, arguments) : 0;
}

base::result<> check(const injection_options& options) {
  const auto out_of_range = [&](std::string detail) {
    return base::invalid_input("inject into " + options.interface, std::move(detail));
  };
  if (options.count > std::numeric_limits<std::int32_t>::max()) {
    return out_of_range("more than 2147483647 frames");
  }
  if (options.sizes.empty() || options.sizes.size() > inject_sizes_max) {
    return out_of_range("not 1 to " + std::to_string(inject_sizes_max) + " sizes");
  }
  if (options.ports.empty() || options.ports.size() > inject_ports_max) {
    return out_of_range("not 1 to " + std::to_string(inject_ports_max) + " ports");
  }
  const auto [least, most] = std::minmax_element(options.sizes.begin(), options.sizes.end());
  if (*least < numbered_frame_bytes_min || *most > inject_frame_bytes_max) {
    return out_of_range("sizes must be " + std::to_string(numbered_frame_bytes_min) + " to " +
                        std::to_string(inject_frame_bytes_max));
  }
  if (options.flow_count == 0 || options.flow_count > 65535 - numbered_source_port_min) {
    return out_of_range("too many flows or none");
  }
  return {};
}

inject_settings settings_for(const injection_options& options) {
  inject_settings settings{};
  settings.first_number = options.first_number;
  settings.ns_per_1024_frames = options.rate == 0 ? 0 : 1024ull * 1'000'000'000 / options.rate;
  settings.stream = options.stream;
  settings.batch =
      static_cast<__u32>(options.rate == 0 ? batch_max
                                           : std::clamp<std::uint64_t>(
                                                 options.rate / batches_per_second, 1, batch_max));
  settings.flow_count = options.flow_count;
  settings.size_count = static_cast<__u32>(options.sizes.size());
  settings.port_count = static_cast<__u32>(options.ports.size());
  for (std::size_t i = 0; i < options.sizes.size(); ++i) {
    traffic::frame_shape shape;
    shape.frame_bytes = options.sizes[i];
    const auto frame = traffic::make_frame(shape);
    inject_size& size = settings.sizes[i];
    size.frame_bytes = options.sizes[i];
    std::memcpy(&size.ip_length, &frame[16], 2);
    std::memcpy(&size.ip_checksum, &frame[24], 2);
    std::memcpy(&size.udp_length, &frame[38], 2);
    settings.template_bytes = std::max<__u32>(settings.template_bytes, size.frame_bytes);
  }
  for (std::size_t i = 0; i < options.ports.size(); ++i) {
    settings.ports[i] = htobe16(options.ports[i]);
  }
  return settings;
}

}  // namespace

void injection::object_closer::operator()(bpf_object* object) const noexcept {
  bpf_object__close(object);
}

base::result<injection> injection::prepare(const injection_options& options) {
  libbpf_set_print(print_warning);
  if (auto checked = check(options); !checked) {
    return checked.error();
  }
  injection made;
  made.interface_ = options.interface;
  made.count_ = static_cast<std::uint32_t>(options.count);
  made.interface_index_ = ::if_nametoindex(options.interface.c_str());
  if (made.interface_index_ == 0) {
    return base::system_failure(errno, "interface " + options.interface);
  }
  if (auto loaded = made.load(options); !loaded) {
    return loaded.error();
  }
  return made;
}

base::result<> injection::load(const injection_options& options) {
  object_.reset(bpf_object__open_file(CAPTURED_INJECT_PROGRAM, nullptr));
  if (!object_) {
    return base::system_failure(errno, "open " CAPTURED_INJECT_PROGRAM);
  }
  const inject_settings settings = settings_for(options);
  bpf_map* const constants = bpf_object__find_map_by_name(object_.get(), ".rodata");
  if (bpf_map__set_initial_value(constants, &settings, sizeof settings) != 0) {
    return base::system_failure(errno, "settings of " CAPTURED_INJECT_PROGRAM);
  }
  if (bpf_object__load(object_.get()) != 0) {
    return base::system_failure(errno, "load " CAPTURED_INJECT_PROGRAM);
  }
  program_ = bpf_program__fd(bpf_object__find_program_by_name(object_.get(), "number_frame"));
  figures_ = bpf_map__fd(bpf_object__find_map_by_name(object_.get(), ".bss"));
  batch_ = settings.batch;
  traffic::frame_shape shape;
  shape.stream = options.stream;
  shape.frame_bytes = settings.template_bytes;
  template_frame_ = traffic::make_frame(shape);
  return {};
}

base::result<> injection::run() {
  xdp_md context{};
  context.data_end = static_cast<__u32>(template_frame_.size());
  context.ingress_ifindex = interface_index_;
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  options.data_in = template_frame_.data();
  options.data_size_in = static_cast<__u32>(template_frame_.size());
  options.ctx_in = &context;
  options.ctx_size_in = sizeof context;
  options.repeat = static_cast<int>(count_);
  options.batch_size = batch_;
  options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
  // With a repeat of 0 the kernel would send one frame.
  if (count_ != 0 && bpf_prog_test_run_opts(program_, &options) != 0 && errno != EINTR) {
    return base::system_failure(errno, "inject into " + interface_);
  }
  return {};
}

injection_figures injection::figures() const {
  const __u32 key = 0;
  inject_figures raw{};
  if (bpf_map_lookup_elem(figures_, &key, &raw) != 0) {
    return {};
  }
  return {.frames = raw.frames,
          .octets = raw.octets,
          .seconds = static_cast<double>(raw.batch_ns - raw.started_ns) * 1e-9,
          .late_ms_max = static_cast<double>(raw.late_ns_max) * 1e-6};
}

}  // namespace captured::bench
