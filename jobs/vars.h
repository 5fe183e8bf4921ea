// jobs/vars.h - the variables of a job and their values for this run.
//
//   "vars": {"root": "data", "depth": 3, "target": {"required": true, "enum": ["a", "b"]},
//            "token": {"env": "API_TOKEN", "secret": true}}
//
// A value is a text; numbers and booleans count as they are written. `--set name=value` wins over
// the environment variable that "env" names, and that over "default". Vars do not refer to each
// other: their order would become a riddle. The value of a secret is never shown: its places in the
// job file are hidden, and secrets() tells what else to mask.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "jobs/diagnostic.h"
#include "jobs/json_value.h"
#include "jobs/load.h"
#include "jobs/load_world.h"
#include "jobs/near_names.h"
#include "jobs/secrets.h"
#include "jobs/source.h"

namespace gorun::jobs {

/// What the vars of a job file are given from outside of it.
struct GivenVars {
  const VarSettings& settings;             // the last of one name counts
  std::optional<ByteRange> pipeline = {};  // who gives them, in another file; nothing: --set does
};

class Vars {
 public:
  /// Reads the value of the key "vars" (nullptr: there is none) and applies what is `given`.
  /// Mistakes of both go to `errors`.
  Vars(Source* source, const JsonValue* vars, const GivenVars& given, const LoadWorld& world,
       Diagnostics* errors);
  Vars(const Vars&) = delete;  // names_ looks into declarations_
  Vars& operator=(const Vars&) = delete;

  /// True if the job file declares the name.
  [[nodiscard]] bool is_declared(std::string_view name) const;
  /// The value; nothing if the name is not declared or its declaration is wrong.
  [[nodiscard]] std::optional<std::string_view> value(std::string_view name) const;
  /// The declared name that was meant, as did_you_mean() says it; empty: none is near.
  [[nodiscard]] std::string near(std::string_view name) const;
  [[nodiscard]] const Secrets& secrets() const { return secrets_; }

 private:
  struct Declaration {
    std::optional<std::string> value;
    std::vector<std::string> choices;  // empty: any value
    bool is_required = false;
    bool is_wrong = false;  // blamed already
    bool is_secret = false;
    std::string environment;          // the variable that "env" names; empty: none
    std::string set_by;               // who gave the value, unless the job file did: "--set"
    std::optional<ByteRange> set_at;  // and where, if that was a pipeline
    ByteRange where;
  };
  void declare(const JsonMember& member);
  void read_long_form(const JsonMember& member, Declaration* declaration);
  [[nodiscard]] bool read_entry(const JsonMember& var, const JsonMember& entry,
                                Declaration* declaration);
  void apply(const VarSetting& setting);
  void check(const std::string& name, Declaration* declaration);
  void check_choice(const std::string& name, Declaration* declaration);
  void hide(const JsonMember& var);
  std::optional<std::string> scalar_text(std::string_view name, const JsonValue& value);
  void blame(std::optional<ByteRange> where, std::string what, std::string hint = "");

  Source& source_;
  const std::optional<ByteRange> pipeline_;
  const LoadWorld& world_;
  Diagnostics& errors_;
  std::unordered_map<std::string, Declaration> declarations_;
  Secrets secrets_;
  std::vector<std::string_view> names_;          // in file order; views of the map's keys
  mutable std::optional<NearNames> near_names_;  // made when the first name is unknown
};

}  // namespace gorun::jobs
