// SPDX-License-Identifier: MIT
#include "settings/utf8.hpp"
#include "support/catch.hpp"

using namespace captured;

TEST_CASE("an octet that belongs to no character is replaced, and only that one") {
  CHECK(settings::valid_utf8("").empty());
  CHECK(settings::valid_utf8("é…𝄞 plain") == "é…𝄞 plain");
  CHECK(settings::valid_utf8("a\xff"
                             "b") ==
        "a\xef\xbf\xbd"
        "b");
  CHECK(settings::valid_utf8("\xe2\x80") == "\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(settings::valid_utf8("\xc0\xaf") == "\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(settings::valid_utf8("\xed\xa0\x80") == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}
