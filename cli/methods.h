// The daemon's methods, as it describes them itself (`rpc.discover`, OpenRPC).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"

namespace aribus::cli {

// The items of the list `name` of an object; none where it is no list.
[[nodiscard]] rapidjson::Value::ConstArray list_of(const JsonValue& object, std::string_view name);

// "text", "whole number", "one of none, any, *", …: what a JSON Schema takes.
[[nodiscard]] std::string type_text(const JsonValue& schema);

// One parameter in a method's help: its name, filled up to `width`, what it takes, and what it means.
[[nodiscard]] std::vector<std::string> parameter_help(std::string_view name, size_t width,
                                                      const std::string& takes, std::string_view description,
                                                      size_t columns);

class Methods {
 public:
  // `description` is the result of rpc.discover.
  // Errors: malformed, when it is none.
  [[nodiscard]] static Result<Methods> read(Json description);

  // Those of this version of aribus, without a daemon.
  [[nodiscard]] static const Methods& built_in();

  struct Parameter {
    std::string_view name;
    bool required;
    const JsonValue* schema;
    std::string_view description;
    std::string_view later_than;  // a version of Asterisk that lacks it, or ""
  };

  // The values that a parameter, or an item of its list, is one of; none when it may be others, too.
  [[nodiscard]] static std::vector<std::string> values_of(const Parameter& parameter);

  [[nodiscard]] bool has(std::string_view method) const { return find_method(method) != nullptr; }
  [[nodiscard]] std::vector<std::string_view> names() const;
  // Those of a method; none when there is no such method.
  [[nodiscard]] std::vector<Parameter> parameters(std::string_view method) const;
  // A method's summary; "" when there is no such method.
  [[nodiscard]] std::string_view summary(std::string_view method) const;
  // For people, in lines of `columns` characters; none when there is no such method.
  [[nodiscard]] std::vector<std::string> help(std::string_view method, size_t columns) const;

  // Words of a command line as the method's parameters, a JSON object. `name=text` becomes what the parameter
  // takes: a number, a boolean, a list, an object of JSON; one that takes lists may be given several times.
  // `name:=json` is JSON in any case. A method or parameter that is not known is left to the daemon to
  // refuse. Errors: invalid_params, with the word and what is expected.
  [[nodiscard]] Result<std::string> params(std::string_view method,
                                           const std::vector<std::string>& words) const;

 private:
  explicit Methods(Json description) : description_(std::move(description)) {}
  [[nodiscard]] const JsonValue* find_method(std::string_view name) const;

  Json description_;
};

}  // namespace aribus::cli
