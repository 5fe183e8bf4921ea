// jobs/pool_places.h - what a worker must have before it works: places in its pool, a permit to run
// a command.
#pragma once

#include <optional>

#include "jobs/exec/command_gate.h"
#include "jobs/surroundings.h"
#include "runtime/cancel.h"

namespace gorun::jobs {

/// The places of one worker in its pool, and its permit to run a command. It holds them while it
/// works, and not while it waits for items or for room in front of its readers: they may be in the
/// same pool, or want the last token of a jobserver. Places are taken first: who waits for a permit
/// may hold places, and who waits for places never holds a permit.
class PoolPlaces {
 public:
  explicit PoolPlaces(const Surroundings& where) : where_(where) {}
  ~PoolPlaces() { give_back(); }
  PoolPlaces(const PoolPlaces&) = delete;
  PoolPlaces& operator=(const PoolPlaces&) = delete;

  [[nodiscard]] bool is_held() const { return has_places_ || permit_; }
  /// Parks until there are places. Does nothing if they are held, or there is no pool.
  void take();
  /// The same, and passes the gate if there is one. false: nothing more is to begin.
  [[nodiscard]] bool take_for_command();
  void give_back();  // does not park

  /// Gives back what is held, and takes it again when it goes.
  class Lent {
   public:
    explicit Lent(PoolPlaces& places);
    ~Lent();
    Lent(const Lent&) = delete;
    Lent& operator=(const Lent&) = delete;

   private:
    PoolPlaces& places_;
    const bool had_places_;
    const bool had_permit_;
  };

  /// Gives them back when it goes.
  class ReturnedAtEnd {
   public:
    explicit ReturnedAtEnd(PoolPlaces& places) : places_(places) {}
    ~ReturnedAtEnd() { places_.give_back(); }
    ReturnedAtEnd(const ReturnedAtEnd&) = delete;
    ReturnedAtEnd& operator=(const ReturnedAtEnd&) = delete;

   private:
    PoolPlaces& places_;
  };

 private:
  [[nodiscard]] bool pass_gate(const runtime::Cancel& cancel);

  const Surroundings& where_;
  bool has_places_ = false;
  std::optional<CommandGate::Permit> permit_;
};

}  // namespace gorun::jobs
