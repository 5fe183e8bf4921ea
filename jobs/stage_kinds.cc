#include "jobs/stage_kinds.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

#include "jobs/stages/rows.h"

namespace gorun::jobs {
namespace {

struct KindCode {
  std::string_view kind;
  StageRow (*make)(const StageSpec& spec);
};

// Its stages took its place when the job file was loaded (jobs/pipelines.h).
StageRow make_pipeline(const StageSpec& spec) {
  throw std::logic_error("the pipeline " + spec.name + " was not replaced by its stages");
}

constexpr std::array<KindCode, 24> kCodes = {{
    {"walk", make_walk},     {"glob", make_glob},         {"lines", make_lines},
    {"items", make_items},   {"manifest", make_manifest}, {"range", make_range},
    {"read", make_read},     {"split", make_split},       {"filter", make_filter},
    {"map", make_map},       {"exec", make_exec},         {"http", make_http},
    {"hash", make_hash},     {"verify", make_verify},     {"reduce", make_reduce},
    {"sort", make_sort},     {"top", make_top},           {"take", make_take},
    {"dedupe", make_dedupe}, {"batch", make_batch},       {"merge", make_merge},
    {"route", make_route},   {"pipeline", make_pipeline}, {"write", make_write},
}};

const KindCode* find_code(std::string_view kind) {
  const auto code = std::ranges::find(kCodes, kind, &KindCode::kind);
  return code == kCodes.end() ? nullptr : &*code;
}

}  // namespace

StageRow make_stages(const StageSpec& spec) {
  const KindCode* code = find_code(spec.kind->name);
  if (code == nullptr) throw std::logic_error("no code for kind " + std::string(spec.kind->name));
  return code->make(spec);
}

bool has_code(std::string_view kind) { return find_code(kind) != nullptr; }

}  // namespace gorun::jobs
