// SPDX-License-Identifier: MIT
#include "daemon/control_protocol.hpp"
#include "support/catch.hpp"

using namespace captured::daemon;

TEST_CASE("a request is an object with a name, and keeps what else it carries") {
  const auto request = parse_request(R"({"request":"status","wide":true})");
  REQUIRE(request.has_value());
  CHECK(request->name == "status");
  CHECK(request->values.at("wide").as_bool());
}

TEST_CASE("whatever is no request is refused in words") {
  const std::string deep(5000, '[');
  for (const std::string& line :
       {std::string(), std::string("status"), std::string("[]"), std::string("{}"),
        std::string(R"({"request":7})"), std::string(R"({"request":""})"),
        std::string(R"({"request":"status"} {})"), std::string("{\"request\":\"\xff\"}"), deep,
        R"({"request":")" + std::string(100, 'x') + "\"}"}) {
    const auto request = parse_request(line);
    REQUIRE_FALSE(request.has_value());
    CHECK_FALSE(request.error().message().empty());
  }
}

TEST_CASE("a refusal goes over with each of its errors, word for word") {
  const std::vector<std::string> errors{"captured.yaml:3:5: unknown key 'fliter'",
                                        "line\nbreak, \"quotes\" and \xe9"};
  const std::string line = refusal(errors);
  REQUIRE(line.back() == '\n');
  REQUIRE(line.find('\n') == line.size() - 1);
  const auto answer = parse_answer({line.data(), line.size() - 1});
  REQUIRE(answer.has_value());
  CHECK_FALSE(answer->ok);
  CHECK(answer->errors == errors);
}

TEST_CASE("an acceptance goes over with its values") {
  const std::string line = acceptance({{"status", {{"version", "1"}}}});
  const auto answer = parse_answer({line.data(), line.size() - 1});
  REQUIRE(answer.has_value());
  CHECK(answer->ok);
  CHECK(answer->values.at("status").at("version").as_string() == "1");
}

TEST_CASE("an answer without a verdict is none, and a refusal always has a reason") {
  CHECK_FALSE(parse_answer("{}").has_value());
  CHECK_FALSE(parse_answer("7").has_value());
  const auto answer = parse_answer(R"({"ok":false})");
  REQUIRE(answer.has_value());
  CHECK(answer->errors.size() == 1);
}
