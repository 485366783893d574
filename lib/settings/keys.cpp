// SPDX-License-Identifier: MIT
#include "settings/keys.hpp"

#include "settings/storage_values.hpp"
#include "settings/texts.hpp"

namespace captured::settings {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kib = 1 << 10;
constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t gib = 1 << 30;
constexpr std::uint32_t snaplen_max = 262'144;      // libpcap refuses files that say more
constexpr std::uint64_t block_bytes_max = 4 * mib;  // the kernel's largest piece of real memory
constexpr std::uint64_t ring_bytes_max = 64 * gib;
constexpr std::uint32_t queues_max = 64;
constexpr std::uint32_t spare_sockets_max = 1024;
constexpr std::uint32_t threads_max = 256;
constexpr std::uint32_t cpu_max = 8191;  // the kernel's NR_CPUS

key_table<capture::ring_options> ring_keys() {
  using ring = capture::ring_options;
  return {
      value_key<ring>(
          "size", "All of it; a multiple of the block. More survives a longer stall.",
          size_value{8 * kib, ring_bytes_max}, [](auto& r) -> auto& { return r.size_bytes; }),
      value_key<ring>(
          "block", "What goes to the disk as one piece; a power of two.",
          size_value{.min = 4 * kib, .max = block_bytes_max, .power_of_two = true},
          [](auto& r) -> auto& { return r.block_bytes; }),
      value_key<ring>(
          "timeout", "A block that is not full is handed over after this time.",
          duration_value{.min = 1ms, .max = 10s}, [](auto& r) -> auto& { return r.timeout; }),
  };
}

key_table<interface_settings> interface_keys() {
  using self = interface_settings;
  using capture::direction;
  key_table<self> keys{
      value_key<self>(
          "name", "Exact name, or a pattern such as \"eth*\" for all that are or come.",
          text_value{check_device_name}, [](auto& i) -> auto& { return i.device.name; }),
      value_key<self>(
          "filter", "libpcap syntax, for this interface only; empty takes everything.",
          text_value{check_filter}, [](auto& i) -> auto& { return i.device.filter; }),
      value_key<self>(
          "snaplen", "Octets kept of each packet; the kernel cuts off the rest.",
          number_value{1, snaplen_max}, [](auto& i) -> auto& { return i.device.snaplen; }),
      value_key<self>(
          "promiscuous", "Also packets that are addressed to others.", truth_value{},
          [](auto& i) -> auto& { return i.device.promiscuous; }),
      value_key<self>(
          "direction", "both, in or out; auto: both, on loopback in (else all twice).",
          choice_value<direction>{{{"auto", direction::automatic},
                                   {"both", direction::both},
                                   {"in", direction::in},
                                   {"out", direction::out}}},
          [](auto& i) -> auto& { return i.device.which; }),
      value_key<self>(
          "required", "Its failure makes the exit status non-zero.", truth_value{},
          [](auto& i) -> auto& { return i.required; }),
      value_key<self>(
          "timestamp", "software, or hardware where card and driver have a clock.",
          choice_value<capture::stamp_source>{{{"software", capture::stamp_source::software},
                                               {"hardware", capture::stamp_source::hardware}}},
          [](auto& i) -> auto& { return i.device.stamps; }),
      value_key<self>(
          "queues", "Rings that share the load; each takes ring.size of memory.",
          number_value{1, queues_max}, [](auto& i) -> auto& { return i.queues; }),
      value_key<self>(
          "silence", "Alarm when it carried packets and then none so long; 0 is none.",
          duration_value{.min = 1s, .zero_is_off = true},
          [](auto& i) -> auto& { return i.silence; }),
      section_key<self>(
          "ring", "Memory shared with the kernel; what waits for the disk waits here.", ring_keys(),
          [](auto& i) -> auto& { return i.device.ring; }),
      value_key<self>(
          "output", "The output that records it; left out, the first one.",
          text_value{check_output}, [](auto& i) -> auto& { return i.output; }),
  };
  keys.front().is_required = true;
  return keys;
}

key_table<storage::rotation_options> rotate_keys() {
  using rotate = storage::rotation_options;
  return {
      value_key<rotate>(
          "size", "Octets in the file.", size_value{.min = 4 * kib, .zero_is_off = true},
          [](auto& r) -> auto& { return r.size_bytes; }),
      value_key<rotate>(
          "interval", "Aligned to the wall clock, with or without traffic.",
          duration_value{.min = 1s, .step = 1s, .zero_is_off = true},
          [](auto& r) -> auto& { return r.interval; }),
      value_key<rotate>(
          "packets", "Packets in the file, exactly.", number_value{},
          [](auto& r) -> auto& { return r.packets; }),
      value_key<rotate>(
          "skip_empty", "The interval leaves a file open that holds no packet yet.", truth_value{},
          [](auto& r) -> auto& { return r.skip_empty; }),
  };
}

key_table<storage::retain_options> retain_keys() {
  using retain = storage::retain_options;
  return {
      value_key<retain>(
          "size", "All finished files of this output together.", size_value{},
          [](auto& r) -> auto& { return r.size_bytes; }),
      value_key<retain>(
          "free", "Left free in the file system: a size, or a share such as 5%.", free_value{},
          [](auto& r) -> auto& { return r; }),
      value_key<retain>(
          "age", "Older files go, even when there is room.",
          duration_value{.min = 1s, .max = 36'500 * 24h, .step = 1s, .zero_is_off = true},
          [](auto& r) -> auto& { return r.age; }),
      value_key<retain>(
          "files", "How many finished files there may be.", number_value{},
          [](auto& r) -> auto& { return r.files; }),
  };
}

choice_value<pipeline::file_format> formats() {
  using pipeline::file_format;
  return {{{"pcapng", file_format::pcapng},
           {"pcap", file_format::pcap},
           {"pcap-nano", file_format::pcap_nano},
           {"lpcap", file_format::lpcap}}};
}

choice_value<pipeline::encoding> encodings() {
  using pipeline::encoding;
  return {{{"auto", encoding::automatic},
           {"compact", encoding::compact},
           {"in-place", encoding::in_place}}};
}

key_table<pipeline::output_options> output_keys() {
  using self = pipeline::output_options;
  using pipeline::link_type_policy;
  using storage::direct_mode;
  return {
      value_key<self>(
          "name", "Unique; stands in file names, figures and log lines.", text_value{check_output},
          [](auto& o) -> auto& { return o.files.name; }),
      value_key<self>(
          "directory", "Made if it is missing.", text_value{check_directory},
          [](auto& o) -> auto& { return o.files.directory; }),
      value_key<self>(
          "file_name", "strftime in UTC, {output} and {sequence}; .pcapng is added.", text_value{},
          [](auto& o) -> auto& { return o.files.file_name; }),
      value_key<self>(
          "format", "pcapng; or pcap, pcap-nano, lpcap, which hold packets alone.", formats(),
          [](auto& o) -> auto& { return o.format; }),
      section_key<self>(
          "rotate", "A file ends at the first limit it reaches; 0 is no limit.", rotate_keys(),
          [](auto& o) -> auto& { return o.files.rotate; }),
      section_key<self>(
          "retain", "The oldest finished files go beyond these limits; 0 is no limit.",
          retain_keys(), [](auto& o) -> auto& { return o.files.retain; }),
      value_key<self>(
          "statistics_interval", "Time between statistics blocks in the file.",
          duration_value{.min = 100ms, .max = 24h},
          [](auto& o) -> auto& { return o.statistics_interval; }),
      value_key<self>(
          "flush_interval", "Longest time that a packet is held back from the file.",
          duration_value{.min = 10ms, .max = 1h},
          [](auto& o) -> auto& { return o.flush_interval; }),
      value_key<self>(
          "encoding", "compact (least space), in-place (least work), or auto.", encodings(),
          [](auto& o) -> auto& { return o.encoding; }),
      value_key<self>(
          "direct", "O_DIRECT: on, off, or auto where the file system has it.",
          choice_value<direct_mode>{{{"auto", direct_mode::automatic},
                                     {"on", direct_mode::on},
                                     {"off", direct_mode::off}}},
          [](auto& o) -> auto& { return o.files.direct; }),
      value_key<self>(
          "sync", "Forced to the device: at close, none, or after each such time too.",
          sync_value{}, [](auto& o) -> auto& { return o.files.sync; }),
      value_key<self>(
          "preallocate", "Reserve rotate.size when a file is made.", truth_value{},
          [](auto& o) -> auto& { return o.files.preallocate; }),
      value_key<self>(
          "require_mount", "Refuse the root file system, should the disk be missing.",
          truth_value{}, [](auto& o) -> auto& { return o.files.require_mount; }),
      value_key<self>(
          "fallback", "Where files go while the directory is in trouble; empty for none.",
          text_value{check_fallback}, [](auto& o) -> auto& { return o.files.fallback; }),
      value_key<self>(
          "mode", "Who may use the files, in octal; folders can be searched too.",
          permission_value{}, [](auto& o) -> auto& { return o.files.mode; }),
      value_key<self>(
          "group", "Files and folders it makes are given to it; empty: its own.",
          text_value{check_account}, [](auto& o) -> auto& { return o.files.group; }),
      value_key<self>(
          "link_types", "Different ones: mixed in a file, or split into series.",
          choice_value<link_type_policy>{
              {{"mixed", link_type_policy::mixed}, {"split", link_type_policy::split}}},
          [](auto& o) -> auto& { return o.link_types; }),
  };
}

key_table<thread_settings> thread_keys() {
  using self = thread_settings;
  return {
      value_key<self>(
          "threads", "More serve more interfaces or outputs at once.", number_value{1, threads_max},
          [](auto& t) -> auto& { return t.threads; }),
      value_key<self>(
          "cpus", "Processors they may run on, such as [2, 3]; empty for all.",
          number_list_value{cpu_max}, [](auto& t) -> auto& { return t.cpus; }),
  };
}

key_table<log_settings> log_keys() {
  using self = log_settings;
  return {
      value_key<self>(
          "level", "The least that is logged: trace, debug, info, warning, error.",
          choice_value<log_level>{{{"trace", log_level::trace},
                                   {"debug", log_level::debug},
                                   {"info", log_level::info},
                                   {"warning", log_level::warning},
                                   {"error", log_level::error}}},
          [](auto& l) -> auto& { return l.level; }),
      value_key<self>(
          "format", "text, or json with one object for each line.",
          choice_value<log_format>{{{"text", log_format::text}, {"json", log_format::json}}},
          [](auto& l) -> auto& { return l.format; }),
  };
}

key_table<control_settings> control_keys() {
  using self = control_settings;
  return {
      value_key<self>(
          "socket", "An absolute path; empty for no socket.", text_value{check_socket},
          [](auto& c) -> auto& { return c.socket; }),
      value_key<self>(
          "group", "Its members may use it; empty leaves it to the user's own.",
          text_value{check_account}, [](auto& c) -> auto& { return c.group; }),
      value_key<self>(
          "mode", "Who may use it, in octal: who may write to it may.", permission_value{},
          [](auto& c) -> auto& { return c.mode; }),
  };
}

key_table<configuration> make_configuration_keys() {
  using self = configuration;
  return {
      list_key<self>(
          "interfaces", "What is recorded.", interface_keys(),
          [](auto& c) -> auto& { return c.interfaces; }),
      list_key<self>(
          "outputs", "Where it goes: series of files.", output_keys(),
          [](auto& c) -> auto& { return c.outputs; }),
      list_key<self>(
          "streams", "Outputs over gRPC: recorded packets to collectors, as they come.",
          stream_keys(), [](auto& c) -> auto& { return c.streams; }),
      value_key<self>(
          "stop_timeout", "A stop takes no longer; the rest counts as unwritten.",
          duration_value{.min = 1s, .max = 1h}, [](auto& c) -> auto& { return c.stop_timeout; }),
      section_key<self>(
          "reactor", "The threads that take blocks from the rings.", thread_keys(),
          [](auto& c) -> auto& { return c.reactor; }),
      section_key<self>(
          "writer", "The threads that encode and write.", thread_keys(),
          [](auto& c) -> auto& { return c.writer; }),
      section_key<self>(
          "log", "What the service says about itself.", log_keys(),
          [](auto& c) -> auto& { return c.log; }),
      value_key<self>(
          "user", "Started as root, it becomes this user; empty: it stays who it is.",
          text_value{check_account}, [](auto& c) -> auto& { return c.user; }),
      value_key<self>(
          "sandbox", "auto: it locks itself in, as far as the kernel can; or off.",
          choice_value<sandbox_mode>{
              {{"auto", sandbox_mode::automatic}, {"off", sandbox_mode::off}}},
          [](auto& c) -> auto& { return c.sandbox; }),
      value_key<self>(
          "keep_rings", "auto: a service loses nothing when it is restarted or killed; or off.",
          choice_value<keep_rings_mode>{
              {{"auto", keep_rings_mode::automatic}, {"off", keep_rings_mode::off}}},
          [](auto& c) -> auto& { return c.keep_rings; }),
      value_key<self>(
          "spare_sockets", "Interfaces to have sockets ready for, so that no right is kept.",
          number_value{0, spare_sockets_max}, [](auto& c) -> auto& { return c.spare_sockets; }),
      section_key<self>(
          "control", "Where capturectl asks for the status or a reload.", control_keys(),
          [](auto& c) -> auto& { return c.control; }),
  };
}

}  // namespace

const key_table<configuration>& configuration_keys() {
  static const auto keys = make_configuration_keys();
  return keys;
}

}  // namespace captured::settings
