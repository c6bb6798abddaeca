// The parameters of one request, from its query and its body, taken as Asterisk takes them.
//
// A JSON body is accepted with every method and wins over the query. In it a number must be a number and a
// text a text: anything else counts as not given. A form body counts as a further query.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <rapidjson/document.h>

#include "http.h"

namespace aribus::sim {

class Params {
 public:
  // False: the body is not JSON.
  [[nodiscard]] bool read(const HttpRequest& request);

  [[nodiscard]] bool has(const char* name) const;
  // "" when not given.
  [[nodiscard]] std::string text(const char* name) const;
  [[nodiscard]] int number(const char* name, int otherwise) const;
  [[nodiscard]] bool flag(const char* name) const;
  // Split at commas in the query; an array or one text, unsplit, in JSON.
  [[nodiscard]] std::vector<std::string> list(const char* name) const;
  // The JSON body's member, or nullptr.
  [[nodiscard]] const rapidjson::Value* member(const char* name) const;
  [[nodiscard]] const rapidjson::Value& body() const { return body_; }

 private:
  std::map<std::string, std::string> query_;
  rapidjson::Document body_;
};

}  // namespace aribus::sim
