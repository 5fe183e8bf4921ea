// runtime/panic.h - an exception that nobody catches: report the goroutine and where it was thrown.
//
//   fatal: panic: std::runtime_error: cannot open "a.txt" (goroutine 7 "reader", M2, P0)
//   goroutine 7 was spawned at jobs/stage.cc:12
//   goroutines: 1 running; parked: 1 wait group
//     #0  gorun::jobs::open(...) + 0x7a  (gorun+0x5d9fa)
//     ...
//
// A goroutine's body is called without a handler around it, and the unwinder stops at the bottom of
// its stack: an exception that nobody catches calls std::terminate() where it was thrown, before
// any frame is gone. A handler at the bottom could only report from the bottom, with every
// destructor run; catching it there to pass it on is for those who collect failures (a group of
// goroutines).
#pragma once

#include <exception>

namespace gorun::runtime {

/// While it lives std::terminate() on a goroutine prints the report and aborts; elsewhere it does
/// what it did before. One at a time.
class PanicReports {
 public:
  PanicReports();
  ~PanicReports();
  PanicReports(const PanicReports&) = delete;
  PanicReports& operator=(const PanicReports&) = delete;

 private:
  std::terminate_handler previous_;
};

}  // namespace gorun::runtime
