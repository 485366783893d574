// SPDX-License-Identifier: MIT
#include "capturectl_spool.hpp"

#include <cerrno>
#include <cstdlib>
#include <vector>

#include <fcntl.h>
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

/// In TMPDIR; it is gone when nobody has it open any more, however the program ends.
base::result<base::unique_fd> make_unnamed_file() {
  const char* const folder = std::getenv("TMPDIR");
  std::string name = std::string(folder != nullptr ? folder : "/var/tmp") + "/capturectl-XXXXXX";
  base::unique_fd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd) {
    return base::system_failure(errno, "make a file " + name);
  }
  ::unlink(name.c_str());
  return fd;
}

base::result<std::unique_ptr<capture_input>> spool(capture_input& from, std::string& error) {
  const auto fd = make_unnamed_file();
  if (!fd) {
    return fd.error();
  }
  auto sink = file_sink::open(path_of(*fd), file_sink::mode::append);
  auto done = sink ? lay_down(from, **sink, error) : base::result<>(sink.error());
  done = done ? (*sink)->commit() : done;
  return done ? capture_input::open(path_of(*fd))
              : base::result<std::unique_ptr<capture_input>>(done.error());
}

}  // namespace

std::string path_of(const base::unique_fd& fd) {
  return "/proc/self/fd/" + std::to_string(fd.get());
}

base::result<base::unique_fd> spool_stream(const std::string& path) {
  auto fd = make_unnamed_file();
  auto from = pipeline::file_source::open(path);
  if (!fd || !from) {
    return fd ? from.error() : std::move(fd);
  }
  auto sink = file_sink::open(path_of(*fd), file_sink::mode::append);
  if (!sink) {
    return sink.error();
  }
  std::vector<std::byte> part(std::size_t{1} << 18);
  while (true) {
    const auto count = from->read(part);
    if (!count) {
      return count.error();
    }
    if (*count == 0) {
      break;
    }
    if (const auto done = (*sink)->write(std::span(part).first(*count)); !done) {
      return done.error();
    }
  }
  if (const auto done = (*sink)->commit(); !done) {
    return done.error();
  }
  return fd;
}

base::result<std::unique_ptr<capture_input>> open_mapped(const std::string& path,
                                                         const format::read_options& reading,
                                                         std::string& error) {
  auto input = capture_input::open(path, reading);
  if (!input || is_stream(path)) {
    return input ? spool(**input, error) : std::move(input);
  }
  static_cast<void>((*input)->reader().next());  // now it is known whether it is compressed
  const bool stable = (*input)->reader().stable();
  input = capture_input::open(path, reading);
  return !input || stable ? std::move(input) : spool(**input, error);
}

}  // namespace captured::capturectl
