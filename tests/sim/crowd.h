// Many channels and bridges at once, for tests of size.
#pragma once

#include <cstdint>
#include <string>

#include "asterisk.h"

namespace aribus::sim {

// What POST /sim/crowd asks for.
struct Crowd {
  std::string app = "demo";
  int channels = 0;
  int bridges = 0;    // each with two of the channels
  int variables = 0;  // `channelvars` of each channel
};

// Puts channels and bridges into the lists that requests answer, without an event. The channels are called crowd-000000,
// crowd-000001, … and are in Stasis; the first bridge has the first two, and so on.
void add_crowd(Asterisk& asterisk, const Crowd& crowd);

// Of the channels and bridges of the crowd, except the first `kept` channels and their bridges: every `nth` is taken
// away, or (`change`) gets another state, without an event.
void lose_crowd(Asterisk& asterisk, int kept, int nth, bool change);

// Sends `rate` ChannelVarset a second about channels of the crowd from now on; their value is "@", the time in
// nanoseconds (CLOCK_MONOTONIC) and "@". 0: no more.
void talk(Asterisk& asterisk, uint64_t rate);

}  // namespace aribus::sim
