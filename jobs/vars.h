// jobs/vars.h - the variables of a job and their values for this run.
//
//   "vars": {"root": "data", "depth": 3, "target": {"required": true, "enum": ["a", "b"]}}
//
// A value is a text; numbers and booleans count as they are written. `--set name=value` wins
// over the job file. Vars do not refer to each other: their order would become a riddle.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "jobs/diagnostic.h"
#include "jobs/json_value.h"
#include "jobs/load.h"
#include "jobs/source.h"

namespace gorun::jobs {

class Vars {
 public:
  /// Reads the value of the key "vars" (nullptr: there is none) and applies `settings`, of which
  /// the last of one name counts. Mistakes of both go to `errors`.
  Vars(const Source& source, const JsonValue* vars, const VarSettings& settings,
       Diagnostics* errors);
  Vars(const Vars&) = delete;  // names_ looks into declarations_
  Vars& operator=(const Vars&) = delete;

  /// True if the job file declares the name.
  [[nodiscard]] bool is_declared(std::string_view name) const;
  /// The value; nothing if the name is not declared or its declaration is wrong.
  [[nodiscard]] std::optional<std::string_view> value(std::string_view name) const;
  [[nodiscard]] const std::vector<std::string_view>& names() const { return names_; }

 private:
  struct Declaration {
    std::optional<std::string> value;
    std::vector<std::string> choices;  // empty: any value
    bool is_required = false;
    bool is_wrong = false;  // blamed already
    bool is_set = false;    // by a --set
    ByteRange where;
  };
  void declare(const Source& source, const JsonMember& member, Diagnostics* errors);
  void read_long_form(const Source& source, const JsonMember& member, Declaration* declaration,
                      Diagnostics* errors);
  void apply(const VarSetting& setting, Diagnostics* errors);
  void check(const std::string& name, Declaration* declaration, Diagnostics* errors) const;

  std::unordered_map<std::string, Declaration> declarations_;
  std::vector<std::string_view> names_;  // in file order; views of the map's keys
};

}  // namespace gorun::jobs
