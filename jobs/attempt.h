// jobs/attempt.h - what travels with an item that comes back to its stage.
#pragma once

#include <utility>

#include "jobs/batch.h"
#include "jobs/outcome.h"

namespace gorun::jobs {

class Attempt final : public Parcel {
 public:
  /// number   from 2.
  /// failure  of the attempt before.
  Attempt(int number, Failure failure) : number_(number), failure_(std::move(failure)) {}
  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] const Failure& failure() const { return failure_; }

 private:
  const int number_;
  const Failure failure_;
};

}  // namespace gorun::jobs
