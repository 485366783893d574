// SPDX-License-Identifier: MIT
#include <string>

#include "storage/file_name.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace std::chrono_literals;
using storage::file_name;

namespace {

/// 2018-02-20 12:00:00.195312500 UTC, a Tuesday.
const base::wall_time tuesday(1519128000195312500ns);

file_name parsed(std::string_view pattern, std::string_view output = "main") {
  auto names = file_name::parse(pattern, output);
  REQUIRE(names.has_value());
  return *names;
}

std::string refusal(std::string_view pattern, std::string_view output = "main") {
  const auto names = file_name::parse(pattern, output);
  return names ? "accepted" : names.error().message();
}

}  // namespace

TEST_CASE("the default template gives the moment in UTC, the output and six digits") {
  const auto names = parsed("%Y%m%dT%H%M%SZ-{output}-{sequence}");
  CHECK(names.make(tuesday, 17) == "20180220T120000Z-main-000017");
}

TEST_CASE("names do not depend on the time zone of the process") {
  ::setenv("TZ", "Asia/Tokyo", 1);
  ::tzset();
  const auto name = parsed("%H%s-{sequence}").make(tuesday, 1);
  ::unsetenv("TZ");
  ::tzset();
  CHECK(name == "121519128000-000001");
}

TEST_CASE("a name holds the second in which the file began, not the nearest one") {
  CHECK(parsed("%S-{sequence}").make(base::wall_time(1999999999ns), 1) == "01-000001");
}

TEST_CASE("sequences have six digits until they need more") {
  const auto names = parsed("{sequence}");
  CHECK(names.make(tuesday, 0) == "000000");
  CHECK(names.make(tuesday, 999999) == "999999");
  CHECK(names.make(tuesday, 1000000) == "1000000");
  CHECK(names.make(tuesday, storage::sequence_max) == "999999999999999");
}

TEST_CASE("every known conversion is made and read back") {
  struct example {
    const char* pattern;
    const char* name;
  };
  const auto each = GENERATE(values<example>({
      {"%Y-{sequence}", "2018-000005"},
      {"%y-{sequence}", "18-000005"},
      {"%m-{sequence}", "02-000005"},
      {"%d-{sequence}", "20-000005"},
      {"%j-{sequence}", "051-000005"},
      {"%H-{sequence}", "12-000005"},
      {"%M-{sequence}", "00-000005"},
      {"%S-{sequence}", "00-000005"},
      {"%F-{sequence}", "2018-02-20-000005"},
      {"%T-{sequence}", "12:00:00-000005"},
      {"%G-{sequence}", "2018-000005"},
      {"%V-{sequence}", "08-000005"},
      {"%u-{sequence}", "2-000005"},
      {"%w-{sequence}", "2-000005"},
      {"%s-{sequence}", "1519128000-000005"},
      {"%%-{sequence}", "%-000005"},
      {"{output}{sequence}{output}", "main000005main"},
  }));
  const auto names = parsed(each.pattern);
  CHECK(names.make(tuesday, 5) == each.name);
  CHECK(names.sequence_of(std::string(each.name) + ".pcapng") == std::uint64_t{5});
}

TEST_CASE("moments before 1970 are named as 1970, so that names keep their width") {
  CHECK(parsed("%Y%s-{sequence}").make(base::wall_time::min(), 1) == "19700000000000-000001");
}

TEST_CASE(
    "a sequence is read back from names of whole files, open files and what is made of them") {
  const auto names = parsed("%Y%m%dT%H%M%SZ-{output}-{sequence}");
  const std::string stem = "20180220T120000Z-main-1234567";
  CHECK(names.sequence_of(stem + ".pcapng") == std::uint64_t{1234567});
  CHECK(names.sequence_of(stem + ".pcapng.part") == std::uint64_t{1234567});
  CHECK(names.sequence_of(stem + ".pcapng.zst") == std::uint64_t{1234567});
}

TEST_CASE("a name that was kept apart from one that was taken gives its sequence too") {
  const auto names = parsed("{output}-{sequence}");
  CHECK(names.sequence_of("main-000017+1.pcapng") == std::uint64_t{17});
  CHECK(names.sequence_of("main-000017+12.pcapng.damaged") == std::uint64_t{17});
  CHECK_FALSE(names.sequence_of("main-000017+.pcapng").has_value());
  CHECK_FALSE(names.sequence_of("main-000017+1x.pcapng").has_value());
  CHECK_FALSE(names.sequence_of("main-000017+1+2.pcapng").has_value());
  CHECK(parsed("{sequence}+1").sequence_of("000017+1.pcapng") == std::uint64_t{17});
}

TEST_CASE("names that the template cannot have made give no sequence") {
  const auto names = parsed("%Y%m%dT%H%M%SZ-{output}-{sequence}");
  const auto name = GENERATE(values<std::string>({
      "",
      ".pcapng",
      "20180220T120000Z-main-000017",
      "20180220T120000Z-main-000017.pcap",
      "20180220T120000Z-main-000017.pcapngx",
      "20180220T120000Z-main-00017.pcapng",
      "20180220T120000Z-main-0000017.pcapng",
      "20180220T120000Z-main-00001x.pcapng",
      "20180220T120000Z-main--00017.pcapng",
      "20180220T120000Z-other-000017.pcapng",
      "2018022xT120000Z-main-000017.pcapng",
      "20180220-120000Z-main-000017.pcapng",
      "20180220T120000Z-main-1000000000000000.pcapng",
      "20180220T120000Z-main-99999999999999999999999.pcapng",
      "x20180220T120000Z-main-000017.pcapng",
  }));
  CHECK_FALSE(names.sequence_of(name).has_value());
}

TEST_CASE("a sequence between digits is found by its width") {
  const auto names = parsed("%Y{sequence}%m");
  CHECK(names.make(tuesday, 12345678) == "20181234567802");
  CHECK(names.sequence_of("20181234567802.pcapng") == std::uint64_t{12345678});
}

TEST_CASE("a wrong template is refused with words that say what is wrong") {
  CHECK(refusal("%Y-{host}-{sequence}") ==
        "file name '%Y-{host}-{sequence}': unknown placeholder {host}; known are {output} and "
        "{sequence}");
  CHECK(refusal("%Q{sequence}") ==
        "file name '%Q{sequence}': unknown conversion %Q; known are %Y %y %m %d %j %H %M %S %V %u "
        "%F %T %G %w %s");
  CHECK(refusal("%Y") == "file name '%Y': {sequence} is missing; without it names would repeat");
  CHECK(refusal("") == "file name '': {sequence} is missing; without it names would repeat");
  CHECK(refusal("%Y/{sequence}") ==
        "file name '%Y/{sequence}': '/' is not allowed; the folder is given by 'directory'");
  CHECK(refusal("{sequence}%") ==
        "file name '{sequence}%': a '%' at the end; write %% for a percent sign");
  CHECK(refusal("{sequence") == "file name '{sequence': a '{' without '}'");
  CHECK(refusal("sequence}") == "file name 'sequence}': a '}' without '{'");
  CHECK(refusal("{sequence}{sequence}") ==
        "file name '{sequence}{sequence}': {sequence} stands twice");
  CHECK(refusal(".{sequence}") == "file name '.{sequence}': names that begin with '.' are hidden");
  CHECK(refusal("a\nb{sequence}") == "file name: a control character is not allowed");
  CHECK(refusal("a\x7f{sequence}") == "file name: a control character is not allowed");
  // These depend on a locale, on the time zone, or hold a '/'.
  for (const char letter : std::string("DxXcaAbBZzpPrRhCegkln+EO0 ")) {
    CHECK(refusal(std::string("{sequence}%") + letter).find("unknown conversion") !=
          std::string::npos);
  }
}

TEST_CASE("names longer than a file system takes are refused, the longest that fits is not") {
  const std::string longest(255 - 15 - (storage::final_suffix.size() + storage::open_suffix.size()),
                            'x');
  CHECK(refusal(longest + "{sequence}") == "accepted");
  CHECK(refusal(longest + "x{sequence}").find("longer than 255 octets") != std::string::npos);
  CHECK(refusal(std::string(1 << 20, '%') + "{sequence}").find("255") != std::string::npos);
}

TEST_CASE("an output's name must be fit for a file name") {
  for (const auto* const good : {"main", "a", "A-1_b.c", "9", "-x"}) {
    CHECK(storage::check_output_name(good).has_value());
  }
  const auto why = [](const std::string& name) {
    return storage::check_output_name(name).error().message();
  };
  CHECK(why("") == "output name: it is empty");
  CHECK(why(std::string(65, 'x')) == "output name: it is longer than 64 octets");
  for (const auto* const bad : {"a/b", ".x", "a b", "ä", "a{b", "%Y", "a\n"}) {
    CHECK(why(bad) ==
          "output name: only letters, digits, '-', '_' and, not at the start, '.' are allowed");
  }
  CHECK(refusal("{output}{sequence}", "a/b").find("output name") == 0);
}

TEST_CASE("the next file's hidden name is known again, for its own output alone") {
  const auto name = storage::prepared_name("main", 18);
  CHECK(name == ".main-000018.next");
  CHECK(storage::is_prepared_name(name, "main"));
  CHECK_FALSE(storage::is_prepared_name(name, "mai"));
  CHECK_FALSE(storage::is_prepared_name(".main-2-000018.next", "main"));
  CHECK_FALSE(storage::is_prepared_name(".main-.next", "main"));
  CHECK_FALSE(storage::is_prepared_name(".main-000018.nex", "main"));
  CHECK_FALSE(storage::is_prepared_name("main-000018.next", "main"));
  CHECK_FALSE(storage::is_prepared_name(".main-next", "main"));
}

TEST_CASE("templates are equal when they give the same names") {
  CHECK(parsed("a{output}-{sequence}", "b") == parsed("ab-{sequence}", "c"));
  CHECK_FALSE(parsed("{output}-{sequence}", "a") == parsed("{output}-{sequence}", "b"));
}
