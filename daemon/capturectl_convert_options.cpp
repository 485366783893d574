// SPDX-License-Identifier: MIT
#include "capturectl_convert_options.hpp"

#include <utility>

#include "capturectl.hpp"
#include "capturectl_arguments.hpp"

namespace captured::capturectl {
namespace {

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
  if (options.split && options.paths[1] == "-") {
    return base::invalid_input("split", "one output for each link type needs a name, not \"-\"");
  }
  options.output.snaplen = options.snaplen;
  if (options.output.append && options.output.format.empty()) {
    options.output.format = "pcap";
  }
  if (!options.split && is_same_file(options.paths[0], options.paths[1])) {
    return base::invalid_input("output " + options.paths[1], "it is the input");
  }
  return {};
}

}  // namespace

std::optional<int> parse_convert_options(const std::vector<std::string>& arguments,
                                         convert_options& options) {
  option_list visible;
  add_options(visible, options);
  if (const auto status = parse_arguments(words, visible, arguments, options.paths, 2, 2)) {
    return status;
  }
  if (const auto usable = prepare(options); !usable) {
    complain(words.name, usable.error().message());
    return exit_usage;
  }
  return std::nullopt;
}

}  // namespace captured::capturectl
