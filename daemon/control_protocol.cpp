// SPDX-License-Identifier: MIT
#include "daemon/control_protocol.hpp"

#include <utility>

#include <boost/json.hpp>

namespace captured::daemon {

namespace {

namespace json = boost::json;

constexpr std::size_t depth_max = 8;
constexpr std::size_t request_name_bytes_max = 64;

enum class octets { utf8, any };

base::result<json::object> parse_object(std::string_view line, const char* context, octets which) {
  json::parse_options options;
  options.max_depth = depth_max;
  options.allow_invalid_utf8 = which == octets::any;
  json::error_code error;
  json::value read = json::parse({line.data(), line.size()}, error, {}, options);
  if (error) {
    return base::failure{error, context};
  }
  if (!read.is_object()) {
    return base::invalid_input(context, "not a JSON object");
  }
  return std::move(read.get_object());
}

std::string line_of(const json::object& object) {
  return json::serialize(object) + '\n';
}

}  // namespace

base::result<control_request> parse_request(std::string_view line) {
  constexpr const char* context = "request";
  auto values = parse_object(line, context, octets::utf8);
  if (!values) {
    return values.error();
  }
  const json::value* const name = values->if_contains("request");
  if (name == nullptr || !name->is_string() || name->get_string().empty() ||
      name->get_string().size() > request_name_bytes_max) {
    return base::invalid_input(context, R"("request" must be the name of one, such as "status")");
  }
  control_request made;
  made.name = std::string(name->get_string());
  made.values = std::move(*values);
  return made;
}

std::string refusal(const std::vector<std::string>& errors) {
  json::array texts;
  for (const std::string& each : errors) {
    texts.emplace_back(each);
  }
  return line_of({{"ok", false}, {"errors", std::move(texts)}});
}

std::string acceptance(json::object values) {
  values["ok"] = true;
  return line_of(values);
}

base::result<control_answer> parse_answer(std::string_view line) {
  constexpr const char* context = "answer of captured";
  // Errors quote file names and configurations, which may be in any encoding.
  auto values = parse_object(line, context, octets::any);
  if (!values) {
    return values.error();
  }
  control_answer made;
  const json::value* const ok = values->if_contains("ok");
  if (ok == nullptr || !ok->is_bool()) {
    return base::invalid_input(context, R"(it has no "ok")");
  }
  made.ok = ok->get_bool();
  if (const json::value* const errors = values->if_contains("errors");
      errors != nullptr && errors->is_array()) {
    for (const json::value& each : errors->get_array()) {
      if (each.is_string()) {
        made.errors.emplace_back(each.get_string());
      }
    }
  }
  if (!made.ok && made.errors.empty()) {
    made.errors.emplace_back("refused without a reason");
  }
  made.values = std::move(*values);
  return made;
}

}  // namespace captured::daemon
