#include "jobs/read_cuts.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "jobs/quote.h"

namespace gorun::jobs {
namespace {

bool is_kind(const StageDecl& stage, std::string_view kind) {
  return stage.kind != nullptr && stage.are_options_right && stage.kind->name == kind;
}

// What the stage wants a reader in front of it to cut between; empty: nothing that it must know of.
std::string wanted_cut(const StageDecl& stage) {
  if (!is_kind(stage, "split")) return {};
  const std::string& by = stage.options.text("by");
  return by == "csv" ? "csv" : by == "json" ? "jsonl" : "";
}

bool wants_words(const StageDecl& stage) {
  return is_kind(stage, "split") && stage.options.text("by") == "words";
}

// Chunks that tell nothing of where they come from, and are for whoever reads them.
bool is_plain(std::string_view cut) { return cut == "lines" || cut == "words"; }

bool fits(const StageDecl& reader, const StageDecl& split) {
  const std::string& cut = reader.options.text("cut");
  const std::string wanted = wanted_cut(split);
  if (cut == "words" && is_kind(split, "split")) return wants_words(split);
  if (is_plain(cut) || wanted.empty()) return is_plain(cut) == wanted.empty();
  if (wanted == "jsonl") return cut == "jsonl" || cut == "json";
  return cut == wanted && reader.options.text("separator") == split.options.text("separator");
}

void take_over(const StageDecl& split, StageDecl* reader) {
  const std::string wanted = wanted_cut(split);
  if (wanted.empty()) return;
  if (!reader->options.is_given("cut")) reader->options.set("cut", wanted);
  if (wanted == "csv" && !reader->options.is_given("separator")) {
    reader->options.set("separator", split.options.text("separator"));
  }
}

// Kinds that pass texts on: what they send may be chunks of files.
constexpr std::array<std::string_view, 9> kPassingKinds = {
    "batch", "dedupe", "filter", "map", "merge", "route", "sort", "take", "top"};

class Cuts {
 public:
  Cuts(const std::vector<Edge>& edges, std::vector<StageDecl>* stages, Diagnostics* errors)
      : edges_(edges), stages_(*stages), errors_(*errors) {}

  void settle() {
    for (const Edge& edge : edges_) {
      if (reads(edge)) take_over(stages_[edge.to], &stages_[edge.from]);
    }
    for (std::size_t s = 0; s < stages_.size(); ++s) cut_words(s);
    for (const Edge& edge : edges_) check(edge);
  }

 private:
  [[nodiscard]] bool reads(const Edge& edge) const {
    return edge.port == kDefaultPort && is_kind(stages_[edge.from], "read");
  }

  // A line may be of any length where nobody looks for one.
  void cut_words(std::size_t reader) {
    if (!is_kind(stages_[reader], "read") || stages_[reader].options.is_given("cut")) return;
    bool is_read = false;
    for (const Edge& edge : edges_) {
      if (edge.from != reader || !reads(edge)) continue;
      if (!wants_words(stages_[edge.to])) return;
      is_read = true;
    }
    if (is_read) stages_[reader].options.set("cut", std::string("words"));
  }

  void check(const Edge& edge) {
    const StageDecl& from = stages_[edge.from];
    const StageDecl& to = stages_[edge.to];
    if (to.kind == nullptr || !to.are_options_right) return;
    if (reads(edge)) {
      if (!fits(from, to)) blame_reader(edge);
    } else if (!wanted_cut(to).empty()) {
      std::vector<bool> seen(stages_.size());
      if (const StageDecl* reader = find_reader(edge.from, &seen)) {
        blame(edge.where,
              "chunks of " + quote(reader->group) + " reach stage " + quote(to.group) +
                  " by way of " + quote(from.group),
              "what splits by " + to.options.text("by") + " reads from it directly");
      }
    }
  }

  // A stage whose chunks `stage` passes on.
  const StageDecl* find_reader(std::size_t stage, std::vector<bool>* seen) const {
    const StageDecl& decl = stages_[stage];
    if ((*seen)[stage] || decl.kind == nullptr) return nullptr;
    (*seen)[stage] = true;
    if (decl.kind->name == "read") return &decl;
    if (std::ranges::find(kPassingKinds, decl.kind->name) == kPassingKinds.end()) return nullptr;
    for (const Edge& edge : edges_) {
      if (edge.to != stage || edge.port == kErrorsPort) continue;
      if (const StageDecl* reader = find_reader(edge.from, seen)) return reader;
    }
    return nullptr;
  }

  void blame_reader(const Edge& edge) {
    const StageDecl& reader = stages_[edge.from];
    const StageDecl& stage = stages_[edge.to];
    const std::string& cut = reader.options.text("cut");
    const std::string wanted = wanted_cut(stage);
    const std::string whom = is_plain(cut)  ? cut
                             : cut == "csv" ? "a split by csv"
                                            : "a split by json";
    blame(edge.where,
          "stage " + quote(stage.group) + " cannot read what " + quote(reader.group) +
              " cuts for " + whom,
          !wanted.empty() && reader.options.is_given("cut")
              ? "\"cut\": " + quote(wanted) + " would fit"
              : R"(give it a stage of the kind "read" of its own)");
  }

  void blame(ByteRange where, std::string what, std::string hint) {
    errors_.push_back({.where = where, .what = std::move(what), .hint = std::move(hint)});
  }

  const std::vector<Edge>& edges_;
  std::vector<StageDecl>& stages_;
  Diagnostics& errors_;
};

}  // namespace

void settle_cuts(const std::vector<Edge>& edges, std::vector<StageDecl>* stages,
                 Diagnostics* errors) {
  Cuts(edges, stages, errors).settle();
}

}  // namespace gorun::jobs
