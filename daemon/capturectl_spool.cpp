// SPDX-License-Identifier: MIT
#include "capturectl_spool.hpp"

#include <cerrno>
#include <cstdlib>

#include <unistd.h>

#include "capturectl_output.hpp"
#include "format/capture_copier.hpp"
#include "format/pcapng_writer.hpp"

namespace captured::capturectl {
namespace {

using namespace format;

/// Copies all that can be read.
base::result<> lay_down(capture_input& from, octet_sink& to, std::string& error) {
  pcapng_writer writer(to, {.custom = copyability::keep_all});
  capture_copier copier(writer);
  progress shown(from.size());
  capture_item item = from.reader().next();
  while (item != capture_item::end && item != capture_item::failed && !writer.failed()) {
    copier.copy(from.reader(), item);
    shown.at(from.reader().octets_read());
    item = from.reader().next();
  }
  if (item == capture_item::failed) {
    error = from.path() + ": " + from.reader().failure().message();
  }
  return writer.flush();
}

base::result<std::unique_ptr<capture_input>> spool(capture_input& from, std::string& error) {
  const char* const folder = std::getenv("TMPDIR");
  std::string name = std::string(folder != nullptr ? folder : "/var/tmp") + "/capturectl-XXXXXX";
  const base::unique_fd fd(::mkstemp(name.data()));
  if (!fd) {
    return base::system_failure(errno, "make a file " + name);
  }
  auto sink = file_sink::open(name, file_sink::mode::append);
  auto done = sink ? lay_down(from, **sink, error) : base::result<>(sink.error());
  done = done ? (*sink)->commit() : done;
  auto input =
      done ? capture_input::open(name) : base::result<std::unique_ptr<capture_input>>(done.error());
  ::unlink(name.c_str());
  return input;
}

}  // namespace

base::result<std::unique_ptr<capture_input>> open_mapped(const std::string& path,
                                                         const format::read_options& reading,
                                                         std::string& error) {
  auto input = capture_input::open(path, reading);
  if (!input || path == "-") {
    return input ? spool(**input, error) : std::move(input);
  }
  static_cast<void>((*input)->reader().next());  // now it is known whether it is compressed
  const bool stable = (*input)->reader().stable();
  input = capture_input::open(path, reading);
  return !input || stable ? std::move(input) : spool(**input, error);
}

}  // namespace captured::capturectl
