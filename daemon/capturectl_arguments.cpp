// SPDX-License-Identifier: MIT
#include "capturectl_arguments.hpp"

#include <cstdio>
#include <ctime>
#include <sstream>

#include <boost/program_options.hpp>

#include "capturectl.hpp"

namespace captured::capturectl {
namespace {

namespace json = boost::json;
namespace po = boost::program_options;

/// How many octets the UTF-8 character at the front has; 0 when it is none.
std::size_t utf8_length(std::string_view text) {
  const auto octet = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned first = octet(0);
  const std::size_t length = first < 0x80             ? 1u
                             : (first & 0xE0) == 0xC0 ? 2u
                             : (first & 0xF0) == 0xE0 ? 3u
                             : (first & 0xF8) == 0xF0 ? 4u
                                                      : 0u;
  if (length == 0 || length > text.size()) {
    return 0;
  }
  unsigned code = length == 1 ? first : first & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((octet(i) & 0xC0) != 0x80) {
      return 0;
    }
    code = code << 6 | (octet(i) & 0x3Fu);
  }
  const bool overlong = (length == 2 && code < 0x80) || (length == 3 && code < 0x800) ||
                        (length == 4 && code < 0x10000);
  return overlong || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) ? 0 : length;
}

void print_usage(const command_words& words, const po::options_description& options,
                 std::FILE* to) {
  std::ostringstream text;
  text << options;
  std::fprintf(to, "usage: capturectl %s %s\n\n%s\n%s", words.name, words.synopsis, words.text,
               text.str().c_str());
  if (*words.examples != '\0') {
    std::fprintf(to, "\nexamples:\n%s", words.examples);
  }
}

template <class Counts>
json::object to_json(const Counts& counts) {
  json::object object;
  for (const auto& each : format::meanings_of(counts)) {
    object[each.key] = counts.*each.count;
  }
  return object;
}

json::array to_json(const std::vector<std::string>& texts) {
  json::array array;
  for (const std::string& each : texts) {
    array.emplace_back(printable(each));
  }
  return array;
}

}  // namespace

option_list::option_list() : description_(std::make_unique<po::options_description>("options")) {}
option_list::~option_list() = default;

option_list& option_list::flag(const char* name, bool& to, const char* text) {
  description_->add_options()(name, po::bool_switch(&to)->default_value(to), text);
  return *this;
}

option_list& option_list::value(const char* name, std::string& to, const char* text) {
  description_->add_options()(name, po::value(&to), text);
  return *this;
}

option_list& option_list::value(const char* name, std::vector<std::string>& to, const char* text) {
  description_->add_options()(name, po::value(&to), text);
  return *this;
}

option_list& option_list::value(const char* name, std::uint32_t& to, const char* text) {
  description_->add_options()(name, po::value(&to), text);
  return *this;
}

option_list& option_list::required(const char* name, std::string& to, const char* text) {
  description_->add_options()(name, po::value(&to)->required(), text);
  return *this;
}

std::optional<int> parse_arguments(const command_words& words, const option_list& known,
                                   const std::vector<std::string>& arguments,
                                   std::vector<std::string>& paths, std::size_t least,
                                   std::size_t most) {
  po::options_description options("options");
  for (const auto& each : known.description().options()) {
    options.add(each);
  }
  options.add_options()("help,h", "print this and do nothing");
  po::options_description all;
  all.add(options).add_options()("path", po::value(&paths));
  po::positional_options_description positional;
  positional.add("path", -1);
  po::variables_map seen;
  try {
    po::store(po::command_line_parser(arguments).options(all).positional(positional).run(), seen);
    if (seen.count("help") != 0) {
      print_usage(words, options, stdout);
      return exit_well;
    }
    po::notify(seen);
  } catch (const po::error& error) {
    complain(words.name, error.what());
    std::fprintf(stderr, "capturectl %s --help tells more.\n", words.name);
    return exit_usage;
  }
  if (paths.size() < least || paths.size() > most) {
    print_usage(words, options, stderr);
    return exit_usage;
  }
  return std::nullopt;
}

void complain(const char* name, const std::string& what) {
  std::fprintf(stderr, "capturectl %s: %s\n", name, what.c_str());
}

std::string printable(std::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const auto first = static_cast<unsigned char>(text[0]);
    const bool control = length == 1 && (first < 0x20 || first == 0x7F) && first != '\n' &&
                         first != '\t' && first != '\r';
    if (length == 0 || control) {
      clean += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    } else {
      clean += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return clean;
}

json::value to_json(format::time_ns time) {
  if (time >= INT64_MIN && time <= INT64_MAX) {
    return static_cast<std::int64_t>(time);
  }
  if (time >= 0 && time <= UINT64_MAX) {
    return static_cast<std::uint64_t>(time);
  }
  return json::string(format::to_decimal(time));
}

std::string to_text(format::time_ns time) {
  format::time_ns seconds = time / format::nanoseconds_per_second;
  format::time_ns fraction = time % format::nanoseconds_per_second;
  if (fraction < 0) {
    fraction += format::nanoseconds_per_second;
    seconds -= 1;
  }
  const auto when = static_cast<std::time_t>(seconds);
  std::tm parts{};
  char text[64];
  if (seconds != when || ::gmtime_r(&when, &parts) == nullptr ||
      std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts) == 0) {
    return format::to_decimal(time) + " ns";
  }
  char tail[16];
  std::snprintf(tail, sizeof tail, ".%09lld", static_cast<long long>(fraction));
  return std::string(text) + tail;
}

base::result<format::time_ns> parse_time(const std::string& text) {
  const auto wrong = [&] {
    return base::invalid_input("time \"" + text + "\"",
                               "2018-02-20T12:00:00.5 or 1519128000.5 was expected, both UTC");
  };
  std::string whole = text.ends_with('Z') ? text.substr(0, text.size() - 1) : text;
  format::time_ns fraction = 0;
  if (const std::size_t dot = whole.find('.'); dot != std::string::npos) {
    std::string digits = whole.substr(dot + 1);
    constexpr std::size_t digits_max = 9;
    if (digits.empty() || digits.size() > digits_max ||
        digits.find_first_not_of("0123456789") != std::string::npos) {
      return wrong();
    }
    digits.resize(digits_max, '0');
    fraction = std::stol(digits);
    whole.resize(dot);
  }
  constexpr std::size_t seconds_digits_max = 12;
  if (!whole.empty() && whole.size() <= seconds_digits_max &&
      whole.find_first_not_of("0123456789") == std::string::npos) {
    return format::time_ns{std::stoll(whole)} * format::nanoseconds_per_second + fraction;
  }
  std::tm parts{};
  for (const char* const shape :
       {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"}) {
    parts = {};
    const char* const end = ::strptime(whole.c_str(), shape, &parts);
    if (end != nullptr && *end == '\0') {
      return format::time_ns{::timegm(&parts)} * format::nanoseconds_per_second + fraction;
    }
  }
  return wrong();
}

void sum_up(transfer_report& report) {
  report.lost += report.counts.packets_left_out + report.counts.packets_cut +
                 report.counts.times_out_of_range + report.input.blocks_left_out +
                 report.input.sections_left_out;
  for (std::string& each : format::describe_peculiarities(report.input)) {
    report.remarks.push_back(std::move(each));
  }
}

void report_left_out(transfer_report& report, const format::shared_interfaces& shared) {
  if (shared.left_out() != 0) {
    report.errors.push_back(std::to_string(shared.left_out()) +
                            " interfaces, with their packets, do not fit into one section");
  }
}

int print_report(const char* name, const transfer_report& report, const report_options& how) {
  if (how.json) {
    json::object object{
        {"packets_read", report.packets_read}, {"packets_written", report.counts.packets},
        {"outputs", to_json(report.outputs)},  {"counts", to_json(report.counts)},
        {"input", to_json(report.input)},      {"lost", report.lost},
        {"remarks", to_json(report.remarks)}};
    if (!report.errors.empty()) {
      object["errors"] = to_json(report.errors);
    }
    std::fprintf(how.to_error ? stderr : stdout, "%s\n", json::serialize(object).c_str());
  } else if (!how.quiet) {
    for (const std::string& each : format::describe_losses(report.counts)) {
      complain(name, each);
    }
    for (const std::string& each : report.remarks) {
      complain(name, each);
    }
  }
  for (const std::string& each : report.errors) {
    complain(name, each);
  }
  return report.errors.empty() && report.lost == 0 ? exit_well : exit_trouble;
}

}  // namespace captured::capturectl
