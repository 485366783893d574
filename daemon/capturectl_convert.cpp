// SPDX-License-Identifier: MIT
//
// capturectl convert: from one format into another, all of it or a part.
#include <algorithm>

#include "capturectl.hpp"
#include "capturectl_arguments.hpp"
#include "capturectl_convert_options.hpp"
#include "capturectl_filters.hpp"
#include "capturectl_input.hpp"
#include "capturectl_output.hpp"
#include "format/capture_copier.hpp"
#include "format/cooked_header.hpp"

namespace captured::capturectl {
namespace {

using namespace format;

/// "a.pcap" and 113 give "a.link113.pcap".
std::string split_name(const std::string& path, packet::link_type link) {
  const std::size_t slash = path.find_last_of('/');
  const std::size_t dot = path.find('.', slash == std::string::npos ? 1 : slash + 2);
  const std::string part = ".link" + std::to_string(static_cast<unsigned>(link));
  return dot == std::string::npos ? path + part : path.substr(0, dot) + part + path.substr(dot);
}

/// Is no packet looked at to choose or change it?
bool takes_all(const convert_options& options) {
  return options.snaplen == 0 && options.cooked.empty() && !options.split && !options.from &&
         !options.to && options.filter.empty();
}

class converter {
 public:
  converter(const convert_options& options, capture_input& input)
      : options_(options),
        input_(input),
        reader_(input.reader()),
        progress_(options.quiet ? std::nullopt : std::optional(input.size())),
        filters_(options.filter) {
    if (!options.cooked.empty()) {
      cooked_.emplace(wanted_cooked());
    }
    changes_packets_ = options.snaplen != 0 || cooked_.has_value();
    takes_all_ = takes_all(options);
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
      while (go_on_ && take_run()) {
      }
      item = go_on_ ? reader_.next() : item;
    }
    if (item == capture_item::failed) {
      report_.errors.push_back(options_.paths[0] + ": " + reader_.failure().message());
    }
    finish();
    return std::move(report_);
  }

  /// Was it only seen from the input that what is asked for makes no sense?
  [[nodiscard]] bool wrong_usage() const noexcept { return wrong_usage_; }

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
    if (item == capture_item::interface) {
      prepare_filter();
    }
    if (item == capture_item::section && !options_.split && targets_.empty()) {
      add_target(std::nullopt);
    }
    for (target& each : targets_) {
      each.copier->copy(reader_, item);
      go_on_ = go_on_ && !each.output->writer().failed();  // finish() says why
    }
    if (item == capture_item::interface && options_.split) {
      const packet::link_type link = reader_.interfaces().back().description.link;
      if (find_target(link) == nullptr) {
        add_target(link);
      }
    }
  }

  void prepare_filter() {
    const interface_description_block& description = reader_.interfaces().back().description;
    if (!is_wanted(description, static_cast<std::uint32_t>(reader_.interfaces().size() - 1))) {
      return;
    }
    if (const auto usable = filters_.prepare(description.link); !usable) {
      refuse_filter(usable.error());
    }
  }

  void refuse_filter(const base::failure& why) {
    stop(why.message());
    wrong_usage_ = true;
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
    if (is_same_file(options_.paths[0], made.path)) {
      stop("output " + made.path + " is the input");
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
    if (!filters_.matches(packet)) {
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
        if (is_relabelled(changed.link)) {
          return;  // its interface has the new type
        }
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

  /// Where nothing is chosen or changed, what follows need not be looked at packet by packet.
  bool take_run() {
    if (!takes_all_ || targets_.empty() || !targets_.front().copier->takes_runs()) {
      return false;
    }
    target& to = targets_.front();
    const capture_input::run found = input_.next_run(to.output.get());
    if (found.totals.packets != 0) {
      report_.packets_read += found.totals.packets;
      if (found.copied != 0) {
        to.output->pass_run(found.copied, found.totals.packets);
      } else {
        to.copier->copy_run(found.octets, found.totals.packets, reader_.stable());
      }
      go_on_ = !to.output->writer().failed();  // finish() says why
      progress_.step_to(reader_.octets_read());
    }
    return found.totals.packets != 0;
  }

  void stop(std::string why) {
    report_.errors.push_back(std::move(why));
    go_on_ = false;
    give_up_ = true;
  }

  void finish() {
    input_.end_runs();
    if (filters_.useless() && !give_up_) {
      refuse_filter(*filters_.useless());
    }
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
    add_counts(report_.input, reader_.counts());
    sum_up(report_);
    report_.lost += not_cooked_;
    if (without_time_ != 0) {
      report_.remarks.push_back(std::to_string(without_time_) +
                                " packets have no time and were not taken");
    }
    for (std::string& each : filters_.remarks()) {
      report_.remarks.push_back(std::move(each));
    }
    if (not_cooked_ != 0) {
      report_.remarks.push_back(std::to_string(not_cooked_) +
                                " packets could not be given a cooked header; those that are "
                                "too short for one are left out");
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
  filter_set filters_;
  std::optional<cooked_converter> cooked_;
  bool changes_packets_ = false;
  bool takes_all_ = false;
  std::uint64_t not_cooked_ = 0;
  std::uint64_t without_time_ = 0;
  bool go_on_ = true;
  bool give_up_ = false;
  bool wrong_usage_ = false;
  transfer_report report_;
};

}  // namespace

int convert(const std::vector<std::string>& arguments) {
  convert_options options;
  if (const auto status = parse_convert_options(arguments, options)) {
    return *status;
  }
  auto input = capture_input::open(
      options.paths[0], options.reading,
      takes_all(options) ? capture_input::access::copied : capture_input::access::streamed);
  if (!input) {
    complain("convert", input.error().message());
    return exit_trouble;
  }
  converter work(options, **input);
  const transfer_report report = work.run();
  const bool to_stdout = options.paths[1] == "-";
  const int status = print_report(
      "convert", report, {.json = options.json, .quiet = options.quiet, .to_error = to_stdout});
  return work.wrong_usage() ? exit_usage : status;
}

}  // namespace captured::capturectl
