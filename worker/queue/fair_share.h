// What is fair: the order in which rows would end if the device were shared
// equally among all of them at every moment.
//
// Nobody runs a device that way, because then everything ends late. But serving
// rows one after the other in the order of those imagined ends lets no row end
// later than equal sharing would, and most much earlier: short rows overtake long
// ones, and a long one is overtaken only for so long. (Friedman and Henderson,
// "Fairness and Efficiency in Web Server Protocols", SIGMETRICS 2003.) See
// docs/adr/0007.

#pragma once

#include <set>

#include "common/clock.h"

namespace upscaler {

// Keeps the imagined, equally shared device. Its clock is the virtual time: the
// seconds of work that each row has had by now that has been there all along. It
// advances by the work that the real devices do, so it needs no clock.
//
// Not thread-safe: the queue guards it.
class FairShare {
 public:
  // A row with so much work arrives. Returns the virtual time at which it would
  // end, its fair finish.
  double Enter(TimePoint::duration work);

  // The row with this fair finish ends, `left` before its work was done. What the
  // devices did for it beyond its share the others are owed, and what they did for
  // the others instead these have had: so the imagined device never has more or less
  // to do than the real ones.
  void Leave(double fair_finish, TimePoint::duration left);

  // The devices have done so much work, for whichever rows.
  void Serve(TimePoint::duration work);

  double virtual_time() const { return virtual_time_; }

 private:
  void ServeSeconds(double left);

  double virtual_time_ = 0;
  std::multiset<double> finishes_;  // Of the rows that still share the imagined device.
};

}  // namespace upscaler
