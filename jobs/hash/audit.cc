#include "jobs/hash/audit.h"

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

namespace gorun::jobs {

std::string_view audit_verdict_name(AuditVerdict verdict) {
  static constexpr std::array<std::string_view, 5> kNames = {"matched", "changed", "moved", "added",
                                                             "missing"};
  return kNames[static_cast<std::size_t>(verdict)];
}

std::string comparable_path(std::string_view path) {
  std::string out(path.starts_with('/') ? "/" : "");
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view component = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (component.empty() || component == ".") continue;
    if (!out.empty() && out.back() != '/') out += '/';
    out += component;
  }
  return out.empty() ? "." : out;
}

bool Audit::expect(std::string_view path, std::string_view digest) {
  const auto [at, is_new] = known_.try_emplace(
      comparable_path(path), Known{std::string(path), std::string(digest), Known::State::kUnseen});
  return is_new || at->second.digest == digest;
}

Audit::Known* Audit::find(std::string_view path) {
  const auto found = known_.find(comparable_path(path));
  return found == known_.end() ? nullptr : &found->second;
}

std::optional<AuditFinding> Audit::see(std::string_view path, std::string_view digest) {
  Known* const known = find(path);
  if (known == nullptr) {
    strangers_.push_back({std::string(path), std::string(digest)});
    return std::nullopt;
  }
  const bool is_same = known->digest == digest;
  known->state = is_same ? Known::State::kMatched : Known::State::kChanged;
  return AuditFinding{
      is_same ? AuditVerdict::kMatched : AuditVerdict::kChanged, std::string(path), {}};
}

void Audit::see_unreadable(std::string_view path) {
  if (Known* const known = find(path)) known->state = Known::State::kUnreadable;
}

void Audit::see_closed(std::string_view path) { closed_.insert(comparable_path(path)); }

// True if it is one of the closed paths or lies below one.
bool Audit::is_closed(std::string_view path) const {
  if (closed_.empty()) return false;
  if (closed_.contains(path.starts_with('/') ? "/" : ".")) return true;
  for (std::size_t end = path.size(); end != std::string_view::npos && end > 0;
       end = path.rfind('/', end - 1)) {
    if (closed_.contains(std::string(path.substr(0, end)))) return true;
  }
  return false;
}

std::vector<AuditFinding> Audit::conclude() {
  std::vector<Known> left;  // known, and not there with that digest
  for (auto& [path, known] : known_) {
    const bool is_left = known.state == Known::State::kChanged ||
                         (known.state == Known::State::kUnseen && !is_closed(path));
    if (is_left) left.push_back(std::move(known));
  }
  known_.clear();
  std::ranges::sort(left, {}, &Known::path);
  std::ranges::sort(strangers_, {}, &Stranger::path);
  std::unordered_map<std::string_view, std::deque<std::size_t>> by_digest;
  for (std::size_t i = 0; i < left.size(); ++i) by_digest[left[i].digest].push_back(i);

  std::vector<AuditFinding> findings;
  std::vector<bool> has_moved(left.size());
  for (Stranger& stranger : strangers_) {
    const auto candidates = by_digest.find(stranger.digest);
    if (candidates == by_digest.end() || candidates->second.empty()) {
      findings.push_back({AuditVerdict::kAdded, std::move(stranger.path), {}});
      continue;
    }
    const std::size_t from = candidates->second.front();
    candidates->second.pop_front();
    has_moved[from] = true;
    findings.push_back({AuditVerdict::kMoved, std::move(stranger.path), left[from].path});
  }
  strangers_.clear();
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (has_moved[i] || left[i].state == Known::State::kChanged) continue;
    findings.push_back({AuditVerdict::kMissing, std::move(left[i].path), {}});
  }
  return findings;
}

}  // namespace gorun::jobs
