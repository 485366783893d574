// SPDX-License-Identifier: MIT
//
// capturectl convert: from one format into another, all of it or a part.
#include <algorithm>
#include <limits>
#include <map>

#include "capture/offline_filter.hpp"
#include "capturectl.hpp"
#include "capturectl_arguments.hpp"
#include "capturectl_input.hpp"
#include "capturectl_output.hpp"
#include "format/capture_copier.hpp"
#include "format/cooked_header.hpp"

namespace captured::capturectl {
namespace {

using namespace format;

struct convert_options {
  std::vector<std::string> paths;
  output_options output;
  std::string filter;
  std::string from_text;
  std::string to_text;
  std::optional<time_ns> from;  ///< first time taken
  std::optional<time_ns> to;    ///< first time no longer taken
  std::vector<std::string> interfaces;
  std::uint32_t snaplen = 0;
  std::string cooked;
  std::string lpcap_first;
  std::uint32_t lpcap_link = 147;
  bool split = false;
  bool json = false;
  bool quiet = false;
  read_options reading;
};

/// "a.pcap" and 113 give "a.link113.pcap".
std::string split_name(const std::string& path, packet::link_type link) {
  const std::size_t slash = path.find_last_of('/');
  const std::size_t dot = path.find('.', slash == std::string::npos ? 1 : slash + 2);
  const std::string part = ".link" + std::to_string(static_cast<unsigned>(link));
  return dot == std::string::npos ? path + part : path.substr(0, dot) + part + path.substr(dot);
}

class converter {
 public:
  converter(const convert_options& options, capture_input& input)
      : options_(options),
        input_(input),
        reader_(input.reader()),
        progress_(options.quiet ? std::nullopt : std::optional(input.size())) {
    if (!options.cooked.empty()) {
      cooked_.emplace(wanted_cooked());
    }
    changes_packets_ = options.snaplen != 0 || cooked_.has_value();
  }

  transfer_report run() {
    capture_item item = reader_.next();
    while (item != capture_item::end && item != capture_item::failed && go_on_) {
      if (item == capture_item::packet) [[likely]] {
        take_packet();
        progress_.at(reader_.octets_read());
        input_.moved();
      } else {
        take(item);
      }
      item = go_on_ ? reader_.next() : item;
    }
    if (item == capture_item::failed) {
      report_.errors.push_back(options_.paths[0] + ": " + reader_.failure().message());
    }
    finish();
    return std::move(report_);
  }

 private:
  /// One output; of those of a split, that of one link type.
  struct target {
    std::optional<packet::link_type> link;
    std::string path;
    std::unique_ptr<capture_output> output;
    std::optional<capture_copier> copier;
  };

  [[nodiscard]] packet::link_type wanted_cooked() const {
    return options_.cooked == "1" ? packet::link_type::linux_sll : packet::link_type::linux_sll2;
  }

  void take(capture_item item) {
    if (item == capture_item::section && !options_.split && targets_.empty()) {
      add_target(std::nullopt);
    }
    for (target& each : targets_) {
      each.copier->copy(reader_, item);
      if (append_pending_) {  // it was read ahead
        each.copier->copy(reader_, capture_item::interface);
      }
    }
    append_pending_ = false;
    if (item == capture_item::interface && options_.split) {
      const packet::link_type link = reader_.interfaces().back().description.link;
      if (find_target(link) == nullptr) {
        add_target(link);
      }
    }
  }

  target* find_target(packet::link_type link) {
    const auto found = std::find_if(targets_.begin(), targets_.end(), [&](const target& each) {
      return !each.link || *each.link == link;
    });
    return found == targets_.end() ? nullptr : &*found;
  }

  void add_target(std::optional<packet::link_type> link) {
    output_options options = options_.output;
    target made{.link = link, .path = options_.paths[1], .output = {}, .copier = {}};
    if (link) {
      made.path = split_name(made.path, *link);
      options.link = cooked_ ? std::nullopt : link;
    }
    options.append = options.append && has_content(made.path);
    if (options.append && !may_append(made.path)) {
      return;
    }
    auto output = capture_output::open(made.path, options);
    if (!output) {
      stop(output.error().message());
      return;
    }
    made.output = std::move(*output);
    made.copier.emplace(
        made.output->writer(),
        [this, link](const interface_description_block& description, std::uint32_t id) {
          return (!link || *link == description.link) && is_wanted(description, id);
        });
    if (cooked_) {
      made.copier->relabel_cooked(wanted_cooked());
    }
    if (link) {
      made.copier->catch_up(reader_);
    }
    targets_.push_back(std::move(made));
  }

  static bool has_content(const std::string& path) {
    auto existing = pipeline::file_source::open(path);
    std::byte one[1];
    const auto count = existing ? existing->read(one) : base::result<std::size_t>(0);
    return count && *count != 0;
  }

  /// Appending needs the first interface, which comes after the section.
  bool may_append(const std::string& path) {
    auto existing = pipeline::file_source::open(path);
    std::byte header[24];
    std::size_t count = 0;
    while (existing && count < sizeof header) {
      const auto read = existing->read(std::span(header).subspan(count));
      if (!read || *read == 0) {
        break;
      }
      count += *read;
    }
    const auto item = reader_.next();
    if (item != capture_item::interface) {
      stop(options_.paths[0] + ": nothing to append");
      return false;
    }
    const auto resolution = options_.output.format == "pcap-ns"   ? pcap_resolution::nanoseconds
                            : options_.output.format == "pcap-us" ? pcap_resolution::microseconds
                                                                  : pcap_resolution::of_interface;
    interface_description_block description = reader_.interfaces().back().description;
    if (reader_.section().format == capture_format::pcapng) {
      description.snaplen = 0;  // as the writer has it
    }
    if (cooked_) {
      description.link = wanted_cooked();
    }
    const auto fits = check_pcap_append(
        std::span(header).first(count),
        {.resolution = resolution, .snaplen = options_.output.snaplen}, description);
    if (!fits) {
      stop(path + ": " + fits.error().message());
      return false;
    }
    append_pending_ = true;
    return true;
  }

  bool is_wanted(const interface_description_block& description, std::uint32_t id) const {
    return options_.interfaces.empty() ||
           std::any_of(options_.interfaces.begin(), options_.interfaces.end(),
                       [&](const std::string& each) {
                         return each == std::to_string(id) || description.name == each;
                       });
  }

  void take_packet() {
    ++report_.packets_read;
    const capture_packet& packet = reader_.packet();
    if (!packet.has_time && (options_.from || options_.to)) [[unlikely]] {
      ++without_time_;
      return;
    }
    if ((options_.from && packet.time < *options_.from) ||
        (options_.to && packet.time >= *options_.to)) {
      return;
    }
    if (!options_.filter.empty() && !matches(packet)) {
      return;
    }
    target* const to =
        targets_.size() == 1 && !options_.split ? targets_.data() : find_target(packet.link);
    if (to == nullptr) {
      return;
    }
    if (!changes_packets_) [[likely]] {
      to->copier->copy_packet(packet, reader_.stable());
    } else {
      capture_packet changed = packet;
      if (cooked_ && !cooked_->convert(changed)) {
        ++not_cooked_;
      }
      if (options_.snaplen != 0 && changed.data.size() > options_.snaplen) {
        changed.data = changed.data.first(options_.snaplen);
        changed.record = {};
      }
      to->copier->copy_packet(changed, reader_.stable() && !changed.record.empty());
    }
    if (to->output->writer().failed()) [[unlikely]] {
      go_on_ = false;  // finish() says why
    }
  }

  bool matches(const capture_packet& packet) {
    if (!program_ || program_link_ != packet.link) [[unlikely]] {
      auto known = programs_.find(packet.link);
      if (known == programs_.end()) {
        auto made = capture::offline_filter::compile(options_.filter, packet.link);
        if (!made) {
          stop(made.error().message());
          return false;
        }
        known = programs_.emplace(packet.link, std::move(*made)).first;
      }
      program_ = &known->second;
      program_link_ = packet.link;
    }
    return program_->matches(packet.data, packet.original_length);
  }

  void stop(std::string why) {
    report_.errors.push_back(std::move(why));
    go_on_ = false;
    give_up_ = true;
  }

  void finish() {
    for (target& each : targets_) {
      add_counts(report_.counts, each.output->writer().counts());
      if (give_up_) {
        continue;
      }
      if (const auto done = each.output->finish(); !done) {
        report_.errors.push_back(done.error().message());
      } else {
        report_.outputs.push_back(each.path);
      }
    }
    report_.lost = report_.counts.packets_left_out + report_.counts.packets_cut + not_cooked_;
    if (without_time_ != 0) {
      report_.remarks.push_back(std::to_string(without_time_) +
                                " packets have no time and were not taken");
    }
    for (std::string& each : describe_peculiarities(reader_.counts())) {
      report_.remarks.push_back(std::move(each));
    }
    if (not_cooked_ != 0) {
      report_.remarks.push_back(std::to_string(not_cooked_) +
                                " packets could not be given a cooked header");
    }
    if (cooked_ && cooked_->repaired() != 0) {
      report_.remarks.push_back(std::to_string(cooked_->repaired()) +
                                " headers of an old dietsniff log were put right");
    }
  }

  const convert_options& options_;
  capture_input& input_;
  capture_reader& reader_;
  progress progress_;
  std::vector<target> targets_;
  std::map<packet::link_type, capture::offline_filter> programs_;
  const capture::offline_filter* program_ = nullptr;
  packet::link_type program_link_ = packet::link_type::null;
  std::optional<cooked_converter> cooked_;
  bool changes_packets_ = false;
  bool append_pending_ = false;
  std::uint64_t not_cooked_ = 0;
  std::uint64_t without_time_ = 0;
  bool go_on_ = true;
  bool give_up_ = false;
  transfer_report report_;
};

constexpr command_words words{
    "convert", "[options] IN OUT",
    "Writes what IN holds into OUT, in the format that OUT's name or --format says: pcapng,\n"
    "pcap (.pcap, .cap), lpcap (.lpcap, with its times in .lpcap.meta); .gz and .zst behind it\n"
    "compress. IN may be of any format. What the format of OUT cannot hold is counted and\n"
    "said. \"-\" is standard input or output. Exit status: 0 all is well, 1 IN is broken (what\n"
    "is whole of it is in OUT) or packets could not be written, 2 wrong usage.\n",
    "  capturectl convert today.pcapng today.pcap\n"
    "  capturectl convert -f 'host 192.0.2.7 and tcp' today.pcapng.zst part.pcapng\n"
    "  capturectl convert --from 2024-02-20T12:00 --interface eth0 in.pcapng out.pcapng\n"
    "  capturectl convert --split mixed.pcapng out.pcap\n"};

void add_options(option_list& visible, convert_options& into) {
  visible
      .value("format,F", into.output.format,
             "pcapng, pcap (resolution as IN has it), pcap-us, pcap-ns, lpcap")
      .value("compress", into.output.compression, "gzip, zstd, none")
      .value("filter,f", into.filter, "only packets that match, in libpcap's syntax")
      .value("from", into.from_text, "only from this time on (UTC)")
      .value("to", into.to_text, "only before this time (UTC)")
      .value("interface,i", into.interfaces,
             "only of this interface, by name or number; may be repeated")
      .value("snaplen,s", into.snaplen, "keep at most so many octets of each packet")
      .flag("split", into.split, "one output for each link type: OUT with .linkNUMBER in its name")
      .value("cooked", into.cooked,
             "give Ethernet and Linux cooked packets a cooked header of version 1 or 2")
      .flag("append", into.output.append, "add to a pcap file that fits")
      .value("lpcap-link", into.lpcap_link, "lpcap with link type 0: the link type it is to be")
      .value("lpcap-first", into.lpcap_first, "lpcap without .meta: the time of its first packet")
      .flag("lenient", into.reading.lenient, "go on after damage where it is clear how")
      .flag("skip-unknown-versions", into.reading.skip_unknown_versions,
            "leave out pcapng sections of a version that is not known")
      .flag("json", into.json, "report as one JSON object")
      .flag("quiet,q", into.quiet, "do not say what was lost");
}

/// What the options mean; a failure is wrong usage.
base::result<> prepare(convert_options& options) {
  if (auto known = check_output_options(options.paths[1], options.output); !known) {
    return known;
  }
  for (const auto& [text, time] :
       {std::pair(&options.from_text, &options.from), std::pair(&options.to_text, &options.to),
        std::pair(&options.lpcap_first, &options.reading.lpcap_first)}) {
    if (!text->empty()) {
      const auto parsed = parse_time(*text);
      if (!parsed) {
        return parsed.error();
      }
      *time = *parsed;
    }
  }
  if (options.lpcap_link > UINT16_MAX) {
    return base::invalid_input("lpcap-link " + std::to_string(options.lpcap_link),
                               "link types go up to 65535");
  }
  options.reading.lpcap_unknown_link =
      packet::link_type{static_cast<std::uint16_t>(options.lpcap_link)};
  if (!options.cooked.empty() && options.cooked != "1" && options.cooked != "2") {
    return base::invalid_input("cooked \"" + options.cooked + "\"", "1 or 2 was expected");
  }
  if (!options.filter.empty()) {
    const auto compiled =
        capture::offline_filter::compile(options.filter, packet::link_type::ethernet);
    const auto raw = capture::offline_filter::compile(options.filter, packet::link_type::raw_ip);
    if (!compiled && !raw) {
      return compiled.error();  // other link types are tried when they come
    }
  }
  options.output.snaplen = options.snaplen;
  if (options.output.append && options.output.format.empty()) {
    options.output.format = "pcap";
  }
  if (options.paths[0] == options.paths[1] && options.paths[0] != "-") {
    return base::invalid_input("output " + options.paths[1], "it is the input");
  }
  return {};
}

}  // namespace

int convert(const std::vector<std::string>& arguments) {
  convert_options options;
  option_list visible;
  add_options(visible, options);
  if (const auto status = parse_arguments(words, visible, arguments, options.paths, 2, 2)) {
    return *status;
  }
  if (const auto usable = prepare(options); !usable) {
    complain(words.name, usable.error().message());
    return exit_usage;
  }
  auto input =
      capture_input::open(options.paths[0], options.reading, capture_input::access::streamed);
  if (!input) {
    complain(words.name, input.error().message());
    return exit_trouble;
  }
  const transfer_report report = converter(options, **input).run();
  const bool to_stdout = options.paths[1] == "-";
  return print_report(words.name, report,
                      {.json = options.json, .quiet = options.quiet, .to_error = to_stdout});
}

}  // namespace captured::capturectl
