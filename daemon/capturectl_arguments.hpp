// SPDX-License-Identifier: MIT
//
// What the subcommands have in common in reading their arguments and in printing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "base/error.hpp"
#include "daemon/capturectl.hpp"
#include "format/capture_copier.hpp"
#include "format/capture_time.hpp"
#include "format/capture_writer.hpp"
#include "format/count_meaning.hpp"

namespace boost::program_options {
class options_description;
}

namespace captured::capturectl {

/// One subcommand's options and the words that explain it.
struct command_words {
  const char* name;      ///< "info"
  const char* synopsis;  ///< "[options] FILE..."
  const char* text;      ///< what it does, in full sentences
  const char* examples;  ///< lines, each with its own indent
};

/// The options of a subcommand, each bound to a variable that must outlive it. "name,n" has a short
/// form; a variable that is not given keeps its value.
class option_list {
 public:
  option_list();
  ~option_list();
  option_list(const option_list&) = delete;
  option_list& operator=(const option_list&) = delete;

  option_list& flag(const char* name, bool& to, const char* text);
  option_list& value(const char* name, std::string& to, const char* text);
  option_list& value(const char* name, std::vector<std::string>& to, const char* text);
  option_list& value(const char* name, std::uint32_t& to, const char* text);
  option_list& required(const char* name, std::string& to, const char* text);

  [[nodiscard]] const boost::program_options::options_description& description() const noexcept {
    return *description_;
  }

 private:
  std::unique_ptr<boost::program_options::options_description> description_;
};

/// Fills `paths` with the positional arguments and the variables of `options`, beside which --help
/// is known. Gives an exit status when there is nothing more to do: help was wanted, or the
/// arguments are wrong, which was said. `least` paths are needed.
[[nodiscard]] std::optional<int> parse_arguments(const command_words& words,
                                                 const option_list& options,
                                                 const std::vector<std::string>& arguments,
                                                 std::vector<std::string>& paths, std::size_t least,
                                                 std::size_t most);

/// Says "capturectl NAME: WHAT" on standard error.
void complain(const char* name, const std::string& what);

/// Reads the arguments of a command with exactly so many paths into its options, which `prepare`
/// then checks and completes. The exit status when the command ends here, which was said.
template <class Options>
[[nodiscard]] std::optional<int> take_options(const command_words& words,
                                              const std::vector<std::string>& arguments,
                                              std::size_t path_count,
                                              void (*add_options)(option_list&, Options&),
                                              base::result<> (*prepare)(Options&), Options& into) {
  option_list visible;
  add_options(visible, into);
  if (const auto status =
          parse_arguments(words, visible, arguments, into.paths, path_count, path_count)) {
    return status;
  }
  if (const auto usable = prepare(into); !usable) {
    complain(words.name, usable.error().message());
    return exit_usage;
  }
  return std::nullopt;
}

/// Text from a file made fit for a terminal and for JSON: what is not UTF-8, and control
/// characters, are replaced.
[[nodiscard]] std::string printable(std::string_view text);

/// A number where one holds it, else a string of digits.
[[nodiscard]] boost::json::value to_json(format::time_ns time);

/// "2018-02-20 12:00:00.195312500" (UTC).
[[nodiscard]] std::string to_text(format::time_ns time);

/// "2018-02-20T12:00:00.5Z", with a blank for the T and without the Z, or seconds since 1970,
/// "1519128000.5". UTC.
[[nodiscard]] base::result<format::time_ns> parse_time(const std::string& text);

/// What a transfer read and wrote, and how it ended.
struct transfer_report {
  std::uint64_t packets_read = 0;
  std::vector<std::string> outputs;
  format::write_counts counts;  ///< of all outputs together
  format::read_counts input;    ///< of all inputs together
  std::vector<std::string> remarks;
  std::vector<std::string> errors;  ///< of inputs and outputs
  /// Packets, blocks and sections that should be in the output and are not, or not as they were.
  std::uint64_t lost = 0;
};

/// At the end, when all counts are in the report: what of them was lost, and remarks on the rest.
void sum_up(transfer_report& report);
/// Says that there were more interfaces than one section can have.
void report_left_out(transfer_report& report, const format::shared_interfaces& shared);

struct report_options {
  bool json = false;
  bool quiet = false;     ///< only errors
  bool to_error = false;  ///< JSON on standard error: standard output is a capture
};

/// Prints it, losses and errors on standard error, or all as JSON; gives the exit status.
[[nodiscard]] int print_report(const char* name, const transfer_report& report,
                               const report_options& how);

}  // namespace captured::capturectl
