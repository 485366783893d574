// SPDX-License-Identifier: MIT
#include "stream/options.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

#include <arpa/inet.h>

namespace captured::stream {

namespace {

constexpr const char* expected = "http://HOST:PORT, or https://HOST:PORT for TLS, was expected";

bool is_v6(const std::string& host) {
  in6_addr ignored{};
  return ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

bool is_v4(const std::string& host) {
  in_addr ignored{};
  return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1;
}

bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() < 256 && std::all_of(host.begin(), host.end(), [](char each) {
    return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
           (each >= '0' && each <= '9') || each == '-' || each == '.' || each == '_';
  });
}

}  // namespace

std::string collector_address::target() const {
  const std::string tail = ":" + std::to_string(port);
  return is_v6(host) ? "[" + host + "]" + tail : host + tail;
}

bool collector_address::is_literal() const {
  return is_v4(host) || is_v6(host);
}

base::result<collector_address> parse_collector(const std::string& text) {
  const auto wrong = [&] { return base::invalid_input("\"" + text + "\"", expected); };
  collector_address made;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    made.is_encrypted = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return wrong();
  }
  if (rest.ends_with('/')) {
    rest.remove_suffix(1);
  }
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos) {
    return wrong();
  }
  std::string_view host = rest.substr(0, colon);
  const std::string_view port = rest.substr(colon + 1);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) {
    host = host.substr(1, host.size() - 2);
  }
  made.host = std::string(host);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), made.port);
  const bool good_host = bracketed ? is_v6(made.host) : is_host_name(host);
  if (!good_host || error != std::errc{} || end != port.data() + port.size() || made.port == 0) {
    return wrong();
  }
  return made;
}

base::result<std::string> parse_path(const std::string& text) {
  if (text.empty()) {
    return std::string(usual_path);
  }
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char each) { return each > ' ' && each < '\x7f'; });
  const bool whole = text.front() == '/';
  const auto slashes = std::count(text.begin(), text.end(), '/');
  if (!printable || text.size() > 256 || slashes != (whole ? 2 : 0) || text.ends_with('/')) {
    return base::invalid_input("\"" + text + "\"",
                               "the full name of a service, or /SERVICE/METHOD, was expected");
  }
  return whole ? text : "/" + text + "/Run";
}

}  // namespace captured::stream
