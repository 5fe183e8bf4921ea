// jobs/http/host_limits.h - at most so many requests to one host at a time.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include "runtime/cancel.h"
#include "runtime/mutex.h"
#include "runtime/semaphore.h"

namespace gorun::jobs {

/// threads  any goroutine.
class HostLimits {
 public:
  /// per_host  requests at a time; 0: any number.
  explicit HostLimits(std::int64_t per_host) : per_host_(per_host) {}

  [[nodiscard]] bool is_limited() const { return per_host_ > 0; }

  /// One place at one host, given back when it goes.
  class Place {
   public:
    /// Parks until there is one, or `end` is cancelled.
    Place(HostLimits& limits, const std::string& origin, const runtime::Cancel& end)
        : limits_(limits),
          origin_(origin),
          is_taken_(!limits.is_limited() || limits.enter(origin_, end)) {}
    ~Place() {
      if (limits_.is_limited() && is_taken_) limits_.leave(origin_);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    /// False: the wait was cancelled.
    [[nodiscard]] bool is_taken() const { return is_taken_; }

   private:
    HostLimits& limits_;
    const std::string origin_;
    const bool is_taken_;
  };

 private:
  struct Host {
    explicit Host(std::int64_t places) : free(places) {}
    runtime::Semaphore free;
    std::size_t users = 0;  // guarded by lock_: those who wait and those who have a place
  };

  bool enter(const std::string& origin, const runtime::Cancel& end) {
    Host* host = nullptr;
    {
      const std::lock_guard locked(lock_);
      host = &hosts_.try_emplace(origin, per_host_).first->second;
      ++host->users;
    }
    if (host->free.acquire_or_cancelled(end) == runtime::AcquireEnd::kAcquired) return true;
    const std::lock_guard locked(lock_);
    forget(hosts_.find(origin));
    return false;
  }
  void leave(const std::string& origin) {
    const std::lock_guard locked(lock_);
    const auto host = hosts_.find(origin);
    host->second.free.release();
    forget(host);
  }
  // One user fewer. A host that nobody asks for is forgotten.
  void forget(std::unordered_map<std::string, Host>::iterator host) {
    if (--host->second.users == 0) hosts_.erase(host);
  }

  const std::int64_t per_host_;
  runtime::Mutex lock_;
  std::unordered_map<std::string, Host> hosts_;  // guarded by lock_; entries do not move
};

}  // namespace gorun::jobs
