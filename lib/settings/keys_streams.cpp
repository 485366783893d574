// SPDX-License-Identifier: MIT
//
// The part of the table that is about streams to collectors.
#include "settings/keys.hpp"
#include "settings/texts.hpp"

namespace captured::settings {

namespace {

constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t gib = 1 << 30;

key_table<stream::tls_options> tls_keys() {
  using self = stream::tls_options;
  return {
      value_key<self>(
          "authorities", "Who may sign the collector's certificate; empty: the system's.",
          text_value{}, [](auto& t) -> auto& { return t.authorities; }),
      value_key<self>(
          "certificate", "Our own, for a collector that demands one; PEM.", text_value{},
          [](auto& t) -> auto& { return t.certificate; }),
      value_key<self>(
          "key", "Of our certificate.", text_value{}, [](auto& t) -> auto& { return t.key; }),
      value_key<self>(
          "name", "What its certificate must say, where that is not its host.", text_value{},
          [](auto& t) -> auto& { return t.name; }),
      value_key<self>(
          "check", "false believes any certificate, and is for tests alone.", truth_value{},
          [](auto& t) -> auto& { return t.check_certificate; }),
  };
}

}  // namespace

key_table<stream_settings> stream_keys() {
  using self = stream_settings;
  return {
      value_key<self>(
          "name", "Unique; stands in figures and log lines.", text_value{check_output},
          [](auto& s) -> auto& { return s.name; }),
      value_key<self>(
          "to", "http://HOST:PORT, or https://HOST:PORT for TLS.", text_value{},
          [](auto& s) -> auto& { return s.to; }),
      value_key<self>(
          "interface", "Of which recorded interfaces: a name or a pattern.", text_value{},
          [](auto& s) -> auto& { return s.interface; }),
      value_key<self>(
          "service", "The service or the path of its method; empty: the usual one.", text_value{},
          [](auto& s) -> auto& { return s.service; }),
      value_key<self>(
          "queue", "What may wait for the collector; more is dropped from the stream.",
          size_value{.min = mib, .max = 4 * gib}, [](auto& s) -> auto& { return s.queue_bytes; }),
      value_key<self>(
          "all_link_types", "Others than Ethernet, which the interface has no word for.",
          truth_value{}, [](auto& s) -> auto& { return s.all_link_types; }),
      value_key<self>(
          "own_traffic", "The stream's own packets are captured, too.", truth_value{},
          [](auto& s) -> auto& { return s.own_traffic; }),
      section_key<self>(
          "tls", "Certificates; see https above.", tls_keys(),
          [](auto& s) -> auto& { return s.tls; }),
  };
}

}  // namespace captured::settings
