// jobs/http/resolve_gate.h - how many names are being resolved at a time, and by whom.
//
// Resolving a name takes a thread. Of all that ask for a host whose name is not known, one goes
// first and the others wait for what comes of it; if it is not resolved they share that failure,
// because a host that does not answer takes seconds to find out about. A name counts as known for a
// while that is shorter than libcurl's cache keeps it.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace gorun::jobs {

/// threads  one at a time.
template <class Who>
class ResolveGate {
 public:
  using Time = std::chrono::nanoseconds;  // on any clock, of calls that do not go back

  /// Names that are resolved at the same time.
  static constexpr std::size_t kMostAtOnce = 8;
  /// libcurl keeps an address for 60 s.
  static constexpr Time kKnownFor = std::chrono::seconds(50);

  enum class Entry {
    kKnown,  // go on
    kFirst,  // go on, and tell what comes of it by resolved(), failed() or left()
    kWaits,  // `who` will be in what one of those returns
  };
  Entry enter(const std::string& host, Who who, Time now) {
    if (hosts_.size() >= kMostRemembered) forget_old(now);
    Host& entry = hosts_[host];
    if (entry.known_until > now) return Entry::kKnown;
    if (!entry.is_asked && asked_ < kMostAtOnce) {
      entry.is_asked = true;
      ++asked_;
      return Entry::kFirst;
    }
    entry.waiting.push_back(who);
    if (!entry.is_asked && entry.waiting.size() == 1) in_line_.push_back(host);
    return Entry::kWaits;
  }

  struct Released {
    std::vector<Who> known;  // may go on
    std::vector<Who> first;  // may go on, each the first for its host
    std::vector<Who> share;  // fail as the first did
  };
  /// The first found an address for `host`.
  Released resolved(const std::string& host, Time now) {
    Released all;
    hosts_[host].known_until = now + kKnownFor;
    all.known = std::exchange(hosts_[host].waiting, {});
    end_question(host, &all);
    return all;
  }
  /// There is none.
  Released failed(const std::string& host) {
    Released all;
    all.share = std::exchange(hosts_[host].waiting, {});
    end_question(host, &all);
    return all;
  }
  /// The first ended without an answer to that question.
  Released left(const std::string& host) {
    Released all;
    if (!hosts_[host].waiting.empty()) in_line_.push_front(host);
    end_question(host, &all);
    return all;
  }

  /// Forgets one that waits.
  void remove(const std::string& host, Who who) {
    const auto entry = hosts_.find(host);
    if (entry != hosts_.end()) std::erase(entry->second.waiting, who);
  }
  /// Forgets all that wait, and all hosts.
  void clear() {
    hosts_.clear();
    in_line_.clear();
    asked_ = 0;
  }

 private:
  struct Host {
    Time known_until{0};
    bool is_asked = false;
    std::vector<Who> waiting;
  };

  // Lets the first of the next hosts in line go.
  void end_question(const std::string& host, Released* all) {
    hosts_[host].is_asked = false;
    --asked_;
    while (asked_ < kMostAtOnce && !in_line_.empty()) {
      Host& next = hosts_[in_line_.front()];
      in_line_.pop_front();
      if (next.waiting.empty() || next.is_asked) continue;
      all->first.push_back(next.waiting.front());
      next.waiting.erase(next.waiting.begin());
      next.is_asked = true;
      ++asked_;
    }
  }

  void forget_old(Time now) {
    std::erase_if(hosts_, [now](const auto& entry) {
      const Host& host = entry.second;
      return host.known_until <= now && !host.is_asked && host.waiting.empty();
    });
  }

  static constexpr std::size_t kMostRemembered = 4096;

  std::unordered_map<std::string, Host> hosts_;
  std::deque<std::string> in_line_;  // hosts that wait for one of the places
  std::size_t asked_ = 0;            // hosts with is_asked
};

}  // namespace gorun::jobs
