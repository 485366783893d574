// SPDX-License-Identifier: MIT
#include "capture/filter.hpp"

#include <array>
#include <cctype>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <pcap/bpf.h>
#include <pcap/pcap.h>
#include <sys/socket.h>

#include "capture/cooked_front.hpp"
#include "capture/framing.hpp"
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

base::result<> compile(pcap_t* handle, compiled_program& code, const std::string& text,
                       bpf_u_int32 netmask, const std::string& context) {
  if (text.find('\0') != std::string::npos) {
    return base::invalid_input(context, "a NUL character is not part of the syntax");
  }
  constexpr int optimize = 1;
  if (pcap_compile(handle, code.get(), text.c_str(), optimize, netmask) != 0) {
    return filter_failure(context, handle);
  }
  return {};
}

/// The IPv4 netmask, or "unknown", which makes `ip broadcast` an error; the compiler computes with
/// it in the host's byte order. Asked by netlink: libpcap would need an Internet socket for it.
bpf_u_int32 netmask_of(const std::string& device_name) {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) {
    return PCAP_NETMASK_UNKNOWN;
  }
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(all, ::freeifaddrs);
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    if (device_name == each->ifa_name && each->ifa_netmask != nullptr &&
        each->ifa_netmask->sa_family == AF_INET) {
      sockaddr_in mask{};
      std::memcpy(&mask, each->ifa_netmask, sizeof mask);
      return ntohl(mask.sin_addr.s_addr);
    }
  }
  return PCAP_NETMASK_UNKNOWN;
}

bool is_name_part(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
}

/// Does the word stand in the text, by itself?
bool has_word(const std::string& text, std::string_view word) {
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const auto end = at + word.size();
    if ((at == 0 || !is_name_part(text[at - 1])) &&
        (end == text.size() || !is_name_part(text[end]))) {
      return true;
    }
  }
  return false;
}

/// Without the right to open the device: for those texts whose program does not depend on it. A
/// tag that a card took out stands beside the packet, which only the program for a live device
/// looks at; and what the kernel knows of a cooked header libpcap fits in when it is attached.
base::result<filter_program> compile_unseen(const device& from, const std::string& text,
                                            const std::string& context) {
  const std::string lacking = "without CAP_NET_RAW (spare_sockets) filters cannot ";
  const packet::link_type link = link_type_of(from);
  if (framing_of(link) == framing::cooked) {
    return base::invalid_input(context, lacking + "be compiled for packets of this kind");
  }
  if (has_word(text, "vlan")) {
    return base::invalid_input(context, lacking + "test for VLANs");
  }
  const int dlt = link == packet::link_type::ethernet ? DLT_EN10MB : DLT_RAW;
  const pcap_handle handle(pcap_open_dead(dlt, static_cast<int>(snaplen_max)));
  if (!handle) {
    return base::system_failure(ENOMEM, context);
  }
  compiled_program code;
  if (auto compiled = compile(handle.get(), code, text, netmask_of(from.name), context);
      !compiled) {
    return compiled.error();
  }
  return code.to_program();
}

/// A handle that knows the device's link type and what its kernel can filter by; none without the
/// right to open it.
base::result<pcap_handle> open_live(const std::string& device_name) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  pcap_handle handle(pcap_create(device_name.c_str(), error.data()));
  const std::string context = "open " + device_name + " for its filter";
  if (!handle) {
    return base::invalid_input(context, error.data());
  }
  pcap_set_snaplen(handle.get(), static_cast<int>(snaplen_max));
  pcap_set_buffer_size(handle.get(), idle_ring_bytes);
  const int status = pcap_activate(handle.get());
  if (status == PCAP_ERROR_PERM_DENIED) {
    return pcap_handle();
  }
  if (status < 0) {
    const std::string words = pcap_geterr(handle.get());
    return base::invalid_input(context, words.empty() ? pcap_statustostr(status) : words);
  }
  return handle;
}

/// Reads the program that is attached to the handle's socket.
base::result<filter_program> attached_program(pcap_t* handle, const std::string& context) {
  filter_program program;
  socklen_t count = 0;  // of instructions, not octets
  if (::getsockopt(pcap_fileno(handle), SOL_SOCKET, SO_GET_FILTER, nullptr, &count) == 0) {
    program.instructions.resize(count);
    if (::getsockopt(pcap_fileno(handle), SOL_SOCKET, SO_GET_FILTER, program.instructions.data(),
                     &count) == 0 &&
        count != 0) {
      return program;
    }
  }
  return base::invalid_input(context,
                             "tests what the kernel cannot see before a cooked header is made; of "
                             "the header only packet type and protocol can be tested");
}

/// Compiles for a live device. The header of cooked packets does not exist yet where the kernel
/// filters: libpcap changes the program to fit when it attaches it, and not before.
base::result<filter_program> compile_live(const device& from, const std::string& text,
                                          const std::string& context) {
  auto opened = open_live(from.name);
  if (!opened) {
    return opened.error();
  }
  pcap_t* const handle = opened->get();
  if (handle == nullptr) {
    return compile_unseen(from, text, context);
  }
  const int seen_as = pcap_datalink(handle);
  const bool ethernet = link_type_of(from) == packet::link_type::ethernet;
  // A program for bare IP is the same whether the header was never there or is taken off.
  if (ethernet ? seen_as != DLT_EN10MB : seen_as != DLT_RAW && seen_as != DLT_LINUX_SLL) {
    const char* const name = pcap_datalink_val_to_name(seen_as);
    return base::invalid_input(context, std::string("packets of link type ") +
                                            (name != nullptr ? name : std::to_string(seen_as)) +
                                            " cannot be filtered on this device");
  }
  compiled_program code;
  if (auto compiled = compile(handle, code, text, netmask_of(from.name), context); !compiled) {
    return compiled.error();
  }
  if (seen_as != DLT_LINUX_SLL) {
    return code.to_program();
  }
  if (pcap_setfilter(handle, code.get()) != 0) {
    return filter_failure(context, handle);
  }
  return attached_program(handle, context);
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

/// A cooked header is put before what the kernel keeps, and counts.
std::uint32_t octets_kept(const device& from, std::uint32_t snaplen) {
  if (framing_of(link_type_of(from)) != framing::cooked) {
    return snaplen;
  }
  constexpr auto header = static_cast<std::uint32_t>(cooked::header_bytes);
  return snaplen > header ? snaplen - header : 1;  // 0 would reject the packet
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

base::result<filter_program> compile_text(const device& from, const interface_options& options,
                                          const std::string& text) {
  const std::string context = "filter \"" + text + "\" on " + from.name;
  if (options.snaplen == 0) {
    return base::invalid_input(context, "a snaplen of 0 would keep no packet");
  }
  const std::uint32_t kept = octets_kept(from, options.snaplen);
  filter_program program = accept_all(kept);
  if (!is_blank(text)) {
    auto compiled = compile_live(from, text, context);
    if (!compiled) {
      return compiled.error();
    }
    program = std::move(*compiled);
    set_snaplen(program, kept);
  }
  auto restricted =
      restrict_direction(std::move(program), effective_direction(options.which, from));
  if (!restricted) {
    return base::invalid_input(context, restricted.error().detail);
  }
  return restricted;
}

}  // namespace

direction effective_direction(direction which, const device& from) noexcept {
  if (which != direction::automatic) {
    return which;
  }
  return from.loopback ? direction::in : direction::both;
}

std::string whole_filter(const interface_options& options) {
  if (options.left_out.empty()) {
    return options.filter;
  }
  return "not (" + options.left_out + ")" +
         (is_blank(options.filter) ? "" : " and (" + options.filter + ")");
}

base::result<filter_program> compile_filter(const device& from, const interface_options& options) {
  return compile_text(from, options, whole_filter(options));
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
  compiled_program code;
  return compile(handle.get(), code, text, some_netmask, context);
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
  compiled_program code;
  if (auto compiled = capture::compile(handle.get(), code, text, PCAP_NETMASK_UNKNOWN, context);
      !compiled) {
    return compiled.error();
  }
  return offline_filter(code.to_program());
}

bool offline_filter::matches(std::span<const std::byte> captured,
                             std::uint32_t original_length) const noexcept {
  static_assert(sizeof(bpf_insn) == sizeof(sock_filter), "both are the classic BPF instruction");
  const auto* const instructions = reinterpret_cast<const bpf_insn*>(program_.instructions.data());
  return bpf_filter(instructions, reinterpret_cast<const u_char*>(captured.data()), original_length,
                    static_cast<u_int>(captured.size())) != 0;
}

}  // namespace captured::capture
