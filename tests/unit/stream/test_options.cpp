// SPDX-License-Identifier: MIT
#include "stream/options.hpp"
#include "support/catch.hpp"

using namespace captured::stream;

TEST_CASE("a collector is named by its URL") {
  const auto plain = parse_collector("http://collector.example:50051");
  REQUIRE(plain.has_value());
  CHECK(plain->target() == "collector.example:50051");
  CHECK_FALSE(plain->is_encrypted);
  CHECK_FALSE(plain->is_literal());
  const auto six = parse_collector("https://[2001:db8::7]:443/");
  REQUIRE(six.has_value());
  CHECK(six->host == "2001:db8::7");
  CHECK(six->target() == "[2001:db8::7]:443");
  CHECK(six->is_encrypted);
  CHECK(six->is_literal());
  CHECK(parse_collector("http://192.0.2.7:1")->is_literal());
}

TEST_CASE("what is no URL of a collector is refused") {
  for (const char* const text :
       {"", "collector:50051", "ftp://a:1", "http://a", "http://:1", "http://a:0", "http://a:65536",
        "http://a:1x", "http://a b:1", "http://[192.0.2.7]:1", "http://2001:db8::7:1",
        "http://a:1/path", "http://unix:/run/x:1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_collector(text).has_value());
  }
}

TEST_CASE("a service or a whole path names the method") {
  CHECK(*parse_path("") == usual_path);
  CHECK(*parse_path("packet_streaming.PacketStreaming") == usual_path);
  CHECK(*parse_path("/PacketStreaming/Run") == bare_path);
  for (const char* const text : {"/", "/a", "a/b", "/a/b/c", "/a/", "a b"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_path(text).has_value());
  }
}
