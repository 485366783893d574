// SPDX-License-Identifier: MIT
//
// capturectl merge: many files into one, by time. An input is open only from its first packet's
// turn to its last one's, so that thousands of files that follow one another cost nothing.
#include <algorithm>
#include <limits>

#include "capturectl.hpp"
#include "capturectl_arguments.hpp"
#include "capturectl_comments.hpp"
#include "capturectl_input.hpp"
#include "capturectl_output.hpp"
#include "capturectl_spool.hpp"
#include "format/capture_copier.hpp"

namespace captured::capturectl {
namespace {

using namespace format;

struct merge_options {
  std::vector<std::string> paths;
  std::string out;
  output_options output;
  bool json = false;
  bool quiet = false;
  bool lenient = false;
};

struct merge_input {
  std::string path;
  std::size_t number = 0;
  std::unique_ptr<capture_input> file;
  std::optional<capture_copier> copier;
  /// Its next packet; without a record only the time is, and the rest is the reader's. Other than
  /// in a copy of it, the processor need not wait for the time before it goes on.
  plain_packet next{.time = std::numeric_limits<std::int64_t>::min(),
                    .interface_id = 0,
                    .captured = 0,
                    .original = 0,
                    .record = {}};
  bool once = false;      ///< it cannot be opened again
  bool buffered = false;  ///< it is open and takes more memory than a mapping
};

class merger {
 public:
  merger(const merge_options& options, capture_output& output)
      : options_(options),
        output_(output),
        progress_(options.quiet ? std::nullopt : std::optional(total_size(options.paths))) {}

  transfer_report run() {
    for (const std::string& path : options_.paths) {
      add_input(path);
    }
    begin_output();
    start_piped();
    std::make_heap(heap_.begin(), heap_.end(), is_later);
    while (!heap_.empty() && !output_.writer().failed()) {
      step();
    }
    add_counts(report_.counts, output_.writer().counts());
    if (const auto done = output_.finish(); !done) {
      report_.errors.push_back(done.error().message());
    } else {
      report_.outputs.push_back(options_.out);
    }
    sum_up(report_);
    report_left_out(report_, shared_);
    if (headers_merged_ != 0) {
      report_.remarks.push_back(section_remark(headers_merged_, comments_));
    }
    return std::move(report_);
  }

 private:
  static bool is_later(const merge_input* left, const merge_input* right) {
    return left->next.time != right->next.time ? left->next.time > right->next.time
                                               : left->number > right->number;
  }

  void begin_output() {
    capture_section section;
    section.format = capture_format::pcapng;
    section.header.comments.push_back("merged from " + std::to_string(options_.paths.size()) +
                                      " files");
    for (const std::string& each : comments_.texts()) {
      section.header.comments.push_back(each);
    }
    output_.writer().begin_section(section);
  }

  bool open(merge_input& input) {
    // What is mapped costs next to nothing, however large its records are; of those that need
    // buffers only some are open at once.
    constexpr std::size_t buffered_max = 8;
    const read_options reading{.lenient = options_.lenient};
    std::string error;
    auto opened = input.once || buffered_ < buffered_max ? capture_input::open(input.path, reading)
                                                         : open_mapped(input.path, reading, error);
    if (!opened) {
      report_.errors.push_back(opened.error().message());
      return false;
    }
    if (!error.empty()) {
      report_.errors.push_back(std::move(error));
    }
    input.file = std::move(*opened);
    return true;
  }

  /// Looks at the first time; a file is closed again, a pipe cannot be.
  void add_input(const std::string& path) {
    auto input = std::make_unique<merge_input>();
    input->path = path;
    input->number = inputs_.size();
    input->once = is_stream(path);
    if (input->once) {
      if (!open(*input)) {
        return;
      }
      if (input->file->reader().next() == capture_item::section) {
        comments_.add(input->file->reader().section().header);
      }
    } else {
      auto peek = capture_input::open(path, {.lenient = options_.lenient});
      if (!peek) {
        report_.errors.push_back(peek.error().message());
        return;
      }
      capture_item item = capture_item::section;
      while (item != capture_item::packet && item != capture_item::end &&
             item != capture_item::failed) {
        item = (*peek)->reader().next();
        if (item == capture_item::section && (*peek)->reader().section().index == 0) {
          comments_.add((*peek)->reader().section().header);
        }
      }
      if (item == capture_item::packet) {
        input->next.time = (*peek)->reader().packet().time;
      }
    }
    heap_.push_back(input.get());
    inputs_.push_back(std::move(input));
  }

  /// Those that were opened to look at them and cannot be opened again.
  void start_piped() {
    for (const auto& input : inputs_) {
      if (input->file && !start(*input)) {
        std::erase(heap_, input.get());
      }
    }
  }

  /// To the first packet, with all that stands before it; false when there is none.
  bool start(merge_input& input) {
    input.copier.emplace(output_.writer(), shared_);
    if (input.once) {  // its first item was looked at
      input.copier->copy(input.file->reader(), capture_item::section);
    }
    const bool more = advance(input);
    input.buffered = more && input.file->reader().compression().has_value();
    buffered_ += input.buffered ? 1u : 0u;
    return more;
  }

  /// To the next packet; false at the end.
  bool advance(merge_input& input) {
    capture_reader& reader = input.file->reader();
    if (input.copier->takes_plain() && reader.next_plain(input.next)) [[likely]] {
      ++report_.packets_read;
      return true;
    }
    input.next.record = {};
    while (true) {
      const capture_item item = reader.next();
      if (item == capture_item::packet) [[likely]] {
        ++report_.packets_read;
        input.next.time = reader.packet().has_time ? reader.packet().time : input.next.time;
        return true;
      }
      if (item == capture_item::end || item == capture_item::failed) {
        if (item == capture_item::failed) {
          report_.errors.push_back(input.path + ": " + reader.failure().message());
        }
        // What was said to stay must be out before the file is unmapped.
        if (const auto done = output_.writer().flush(); !done) {
          heap_.clear();  // finish() says why
        }
        finished_octets_ += input.file->size();
        add_counts(report_.input, reader.counts());
        headers_merged_ += input.copier->sections_merged();
        input.copier.reset();
        input.file.reset();
        buffered_ -= input.buffered ? 1u : 0u;
        return false;
      }
      input.copier->copy(reader, item);
    }
  }

  /// The earliest packet, and the heap in order again.
  void step() {
    merge_input& input = *heap_.front();
    bool more = true;
    if (!input.file) {
      more = open(input) && start(input);
    } else {
      const capture_reader& reader = input.file->reader();
      if (!input.next.record.empty()) [[likely]] {
        input.copier->copy_plain(input.next, reader.stable());
      } else {
        input.copier->copy_packet(reader.packet(), reader.stable());
      }
      progress_.at(finished_octets_ + input.file->reader().octets_read());
      input.file->moved();
      more = advance(input);
    }
    if (heap_.empty()) {
      return;
    }
    if (more && is_still_first(input)) [[likely]] {
      return;
    }
    std::pop_heap(heap_.begin(), heap_.end(), is_later);
    if (more) {
      std::push_heap(heap_.begin(), heap_.end(), is_later);
    } else {
      heap_.pop_back();
    }
  }

  /// Often the next packet is of the same file; its heap need not be touched then.
  [[nodiscard]] bool is_still_first(const merge_input& input) const {
    for (std::size_t child = 1; child < std::min<std::size_t>(3, heap_.size()); ++child) {
      if (is_later(&input, heap_[child])) {
        return false;
      }
    }
    return true;
  }

  const merge_options& options_;
  capture_output& output_;
  progress progress_;
  shared_interfaces shared_;
  std::vector<std::unique_ptr<merge_input>> inputs_;
  std::vector<merge_input*> heap_;
  std::size_t buffered_ = 0;
  std::uint64_t finished_octets_ = 0;
  std::uint64_t headers_merged_ = 0;
  kept_comments comments_;
  transfer_report report_;
};

constexpr command_words words{
    "merge", "[options] -o OUT FILE...",
    "Writes the packets of all files into OUT, by time: at each step the file whose next\n"
    "packet is the earliest. Files may be of different formats. Interfaces that are\n"
    "described alike become one. Memory does not grow with the number or size of files that\n"
    "follow one another. Files that are not in order themselves: capturectl sort. Exit\n"
    "status: 0 all is well, 1 a file is broken or packets could not be written, 2 wrong usage.\n",
    "  capturectl merge -o day.pcapng captures/*.pcapng\n"
    "  capturectl merge -o - a.pcap.gz b.pcapng | tshark -r -\n"};

}  // namespace

int merge(const std::vector<std::string>& arguments) {
  merge_options options;
  option_list visible;
  visible.required("output,o", options.out, "the file to write")
      .value("format,F", options.output.format,
             "pcapng, pcap, pcap-us, pcap-ns, lpcap; else by the name")
      .value("compress", options.output.compression, "gzip, zstd, none")
      .flag("lenient", options.lenient, "go on after damage where it is clear how")
      .flag("json", options.json, "report as one JSON object")
      .flag("quiet,q", options.quiet, "do not say what was lost");
  constexpr std::size_t files_max = 1'000'000;
  if (const auto status = parse_arguments(words, visible, arguments, options.paths, 1, files_max)) {
    return *status;
  }
  if (const auto known = check_output_options(options.out, options.output); !known) {
    complain(words.name, known.error().message());
    return exit_usage;
  }
  if (std::any_of(options.paths.begin(), options.paths.end(),
                  [&](const std::string& each) { return is_same_file(each, options.out); })) {
    complain(words.name, "output " + options.out + " is one of the inputs");
    return exit_usage;
  }
  auto output = capture_output::open(options.out, options.output);
  if (!output) {
    complain(words.name, output.error().message());
    return exit_trouble;
  }
  const transfer_report report = merger(options, **output).run();
  return print_report(
      words.name, report,
      {.json = options.json, .quiet = options.quiet, .to_error = options.out == "-"});
}

}  // namespace captured::capturectl
