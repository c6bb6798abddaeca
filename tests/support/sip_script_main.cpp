// Prints a scenario for sipp: sip_script STEP…, with the steps of SipScript.
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <string_view>

#include "tests/support/sip_script.h"

namespace {

using aribus::test::SipScript;

const std::map<std::string_view, std::function<void(SipScript&, const std::string&)>> steps{
    {"call", [](SipScript& script, const std::string&) { script.call(); }},
    {"answer", [](SipScript& script, const std::string&) { script.answer_call(); }},
    {"forward", [](SipScript& script, const std::string& extension) { script.forward_call(extension); }},
    {"digit", [](SipScript& script, const std::string&) { script.wait_for_digit(); }},
    {"hold", [](SipScript& script, const std::string&) { script.set_direction("sendonly"); }},
    {"resume", [](SipScript& script, const std::string&) { script.set_direction("sendrecv"); }},
    {"refer", [](SipScript& script,
                 const std::string& to) { script.send("REFER", "Refer-To: <" + to + ">\n", {}, 202); }},
    {"bye", [](SipScript& script, const std::string&) { script.send("BYE"); }},
    {"end", [](SipScript& script, const std::string&) { script.wait_for_end(); }},
};

}  // namespace

int main(int argc, char** argv) {
  SipScript script;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument(argv[i]);
    const size_t equals = std::min(argument.find('='), argument.size());
    const auto step = steps.find(argument.substr(0, equals));
    if (step == steps.end()) {
      std::cerr << "sip_script: no step is called " << argument << "\n";
      return 2;
    }
    step->second(script, std::string(argument.substr(std::min(equals + 1, argument.size()))));
  }
  std::cout << script.xml();
}
