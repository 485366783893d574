// SPDX-License-Identifier: MIT
#include "capture/filter.hpp"

#include <array>
#include <memory>
#include <utility>

#include <arpa/inet.h>
#include <pcap/bpf.h>
#include <pcap/pcap.h>

#include "capture/offline_filter.hpp"

namespace captured::capture {
namespace {

constexpr std::uint32_t snaplen_max = 262144;  // libpcap's own limit; ours is set afterwards
/// The handle's own ring, which nobody reads; the default would be 2 MiB.
constexpr int idle_ring_bytes = 64 * 1024;

struct close_handle {
  void operator()(pcap_t* handle) const noexcept { pcap_close(handle); }
};
using pcap_handle = std::unique_ptr<pcap_t, close_handle>;

/// Owns what pcap_compile made.
class compiled_program {
 public:
  compiled_program() noexcept = default;
  compiled_program(const compiled_program&) = delete;
  compiled_program& operator=(const compiled_program&) = delete;
  ~compiled_program() { pcap_freecode(&code_); }
  [[nodiscard]] bpf_program* get() noexcept { return &code_; }

  [[nodiscard]] filter_program to_program() const {
    filter_program program;
    for (unsigned i = 0; i < code_.bf_len; ++i) {
      const bpf_insn& from = code_.bf_insns[i];
      program.instructions.push_back({from.code, from.jt, from.jf, from.k});
    }
    return program;
  }

 private:
  bpf_program code_{};
};

base::failure filter_failure(const std::string& context, pcap_t* handle) {
  std::string words = pcap_geterr(handle);
  constexpr std::string_view prologue = "can't parse filter expression: ";
  if (words.starts_with(prologue)) {
    words.erase(0, prologue.size());
  }
  return base::invalid_input(context, std::move(words));
}

base::result<filter_program> compile(pcap_t* handle, const std::string& text, bpf_u_int32 netmask,
                                     const std::string& context) {
  if (text.find('\0') != std::string::npos) {
    return base::invalid_input(context, "a NUL character is not part of the syntax");
  }
  compiled_program code;
  constexpr int optimize = 1;
  if (pcap_compile(handle, code.get(), text.c_str(), optimize, netmask) != 0) {
    return filter_failure(context, handle);
  }
  return code.to_program();
}

/// A handle that knows the device's link type and what its kernel can filter by.
base::result<pcap_handle> open_live(const std::string& device_name) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  pcap_handle handle(pcap_create(device_name.c_str(), error.data()));
  const std::string context = "open " + device_name + " for its filter";
  if (!handle) {
    return base::invalid_input(context, error.data());
  }
  pcap_set_snaplen(handle.get(), static_cast<int>(snaplen_max));
  pcap_set_buffer_size(handle.get(), idle_ring_bytes);
  if (const int status = pcap_activate(handle.get()); status < 0) {
    const std::string words = pcap_geterr(handle.get());
    return base::invalid_input(context, words.empty() ? pcap_statustostr(status) : words);
  }
  if (pcap_datalink(handle.get()) != DLT_EN10MB) {
    return base::invalid_input(context, "its packets have no Ethernet header");
  }
  return handle;
}

/// The IPv4 netmask, or "unknown", which makes `ip broadcast` an error. The look-up gives it in
/// network byte order, the compiler computes with it in the host's.
bpf_u_int32 netmask_of(const std::string& device_name) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  bpf_u_int32 network = 0;
  bpf_u_int32 mask = 0;
  return pcap_lookupnet(device_name.c_str(), &network, &mask, error.data()) == 0
             ? ntohl(mask)
             : PCAP_NETMASK_UNKNOWN;
}

/// What files call a link type and what libpcap calls it differ for a few.
int dlt_of(packet::link_type link) {
  switch (static_cast<unsigned>(link)) {
    case 100:
      return DLT_ATM_RFC1483;
    case 101:
      return DLT_RAW;
    case 102:
      return DLT_SLIP_BSDOS;
    case 103:
      return DLT_PPP_BSDOS;
    case 106:
      return DLT_ATM_CLIP;
    default:
      return static_cast<int>(link);
  }
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

}  // namespace

direction effective_direction(direction which, const device& from) noexcept {
  if (which != direction::automatic) {
    return which;
  }
  return from.loopback ? direction::in : direction::both;
}

base::result<filter_program> compile_filter(const device& from, const interface_options& options) {
  const std::string context = "filter \"" + options.filter + "\" on " + from.name;
  if (options.snaplen == 0) {
    return base::invalid_input(context, "a snaplen of 0 would keep no packet");
  }
  filter_program program = accept_all(options.snaplen);
  if (!is_blank(options.filter)) {
    auto handle = open_live(from.name);
    if (!handle) {
      return handle.error();
    }
    auto compiled = compile(handle->get(), options.filter, netmask_of(from.name), context);
    if (!compiled) {
      return compiled.error();
    }
    program = std::move(*compiled);
    set_snaplen(program, options.snaplen);
  }
  auto restricted =
      restrict_direction(std::move(program), effective_direction(options.which, from));
  if (!restricted) {
    return base::invalid_input(context, restricted.error().detail);
  }
  return restricted;
}

std::string filter_compiler() {
  return ::pcap_lib_version();
}

base::result<> check_filter(const std::string& text) {
  const std::string context = "filter \"" + text + "\"";
  const pcap_handle handle(pcap_open_dead(DLT_EN10MB, static_cast<int>(snaplen_max)));
  if (!handle) {
    return base::system_failure(ENOMEM, context);
  }
  // Any mask will do: what depends on it is decided for the live device.
  constexpr bpf_u_int32 some_netmask = 0xffffff00;
  if (auto compiled = compile(handle.get(), text, some_netmask, context); !compiled) {
    return compiled.error();
  }
  return {};
}

base::result<offline_filter> offline_filter::compile(const std::string& text,
                                                     packet::link_type link) {
  const std::string context =
      "filter \"" + text + "\" for link type " + std::to_string(static_cast<unsigned>(link));
  if (is_blank(text)) {
    return offline_filter(accept_all(snaplen_max));
  }
  const pcap_handle handle(pcap_open_dead(dlt_of(link), static_cast<int>(snaplen_max)));
  if (!handle) {
    return base::system_failure(ENOMEM, context);
  }
  auto compiled = capture::compile(handle.get(), text, PCAP_NETMASK_UNKNOWN, context);
  if (!compiled) {
    return compiled.error();
  }
  return offline_filter(std::move(*compiled));
}

bool offline_filter::matches(std::span<const std::byte> captured,
                             std::uint32_t original_length) const noexcept {
  static_assert(sizeof(bpf_insn) == sizeof(sock_filter), "both are the classic BPF instruction");
  const auto* const instructions = reinterpret_cast<const bpf_insn*>(program_.instructions.data());
  return bpf_filter(instructions, reinterpret_cast<const u_char*>(captured.data()), original_length,
                    static_cast<u_int>(captured.size())) != 0;
}

}  // namespace captured::capture
