// The state of channels and bridges, inside of channel.cpp and calls*.cpp.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "json/json.h"

namespace aribus::client {

struct ChannelState {
  std::string id{}, server{}, app{};
  std::vector<std::string> args{};
  Json data{};
  bool is_gone = false;
  bool is_handed_over = false;                        // something else controls it: it must not be hung up
  bool is_leaving = false;                            // it was hung up and has not left yet
  std::deque<char> digits{};                          // pressed and not taken yet
  std::vector<std::shared_ptr<ChannelState>> legs{};  // originated for it
};

struct BridgeState {
  std::string id{}, server{};
  bool is_gone = false;
  std::vector<std::shared_ptr<ChannelState>> channels{};  // added and still in it
  std::deque<std::shared_ptr<ChannelState>> left{};       // left it, and not returned by left() yet
};

}  // namespace aribus::client
