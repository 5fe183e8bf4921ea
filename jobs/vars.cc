#include "jobs/vars.h"

#include <algorithm>
#include <array>
#include <utility>

#include "jobs/edit_distance.h"
#include "jobs/quote.h"

namespace gorun::jobs {
namespace {

constexpr std::array<std::string_view, 3> kLongFormKeys = {"default", "required", "enum"};

// The text of a scalar; nothing, and a Diagnostic, for anything else.
std::optional<std::string> scalar_text(const Source& source, std::string_view name,
                                       const JsonValue& value, Diagnostics* errors) {
  std::string text;
  if (value.text()) {
    text = *value.text();
  } else if (value.is_number() || value.flag()) {
    text = source.slice(value.where);
  } else {
    errors->push_back({.where = value.where,
                       .what = "var " + quote(name) +
                               ": expected a string, a number or a boolean, got " +
                               std::string(value.type_phrase()),
                       .hint = {}});
    return std::nullopt;
  }
  if (text.find("${{") != std::string::npos) {
    errors->push_back({.where = value.where,
                       .what = "var " + quote(name) + " refers to something else",
                       .hint = "the value of a var is taken as it is"});
    return std::nullopt;
  }
  return text;
}

}  // namespace

Vars::Vars(const Source& source, const JsonValue* vars, const VarSettings& settings,
           Diagnostics* errors) {
  if (vars != nullptr && vars->object() == nullptr) {
    errors->push_back(
        {.where = vars->where,
         .what = "\"vars\": expected an object, got " + std::string(vars->type_phrase()),
         .hint = {}});
  } else if (vars != nullptr) {
    for (const JsonMember& member : *vars->object()) declare(source, member, errors);
  }
  for (const VarSetting& setting : settings) apply(setting, errors);
  for (const std::string_view name : names_) {
    const auto entry = declarations_.find(std::string(name));
    check(entry->first, &entry->second, errors);
  }
}

void Vars::declare(const Source& source, const JsonMember& member, Diagnostics* errors) {
  const auto [entry, is_new] = declarations_.try_emplace(member.key);
  Declaration& declaration = entry->second;
  declaration.where = member.value.where;
  names_.push_back(entry->first);
  if (member.value.object()) {
    read_long_form(source, member, &declaration, errors);
    return;
  }
  declaration.value = scalar_text(source, member.key, member.value, errors);
  declaration.is_wrong = !declaration.value;
}

void Vars::read_long_form(const Source& source, const JsonMember& member, Declaration* declaration,
                          Diagnostics* errors) {
  for (const JsonMember& entry : *member.value.object()) {
    const JsonValue& value = entry.value;
    bool is_right = true;
    if (entry.key == "default") {
      declaration->value = scalar_text(source, member.key, value, errors);
      is_right = declaration->value.has_value();
    } else if (entry.key == "required" && value.flag()) {
      declaration->is_required = *value.flag();
    } else if (entry.key == "enum" && value.array() && !value.array()->empty()) {
      for (const JsonValue& choice : *value.array()) {
        auto text = scalar_text(source, member.key, choice, errors);
        is_right = is_right && text.has_value();
        declaration->choices.push_back(std::move(text).value_or(""));
      }
    } else if (std::ranges::find(kLongFormKeys, entry.key) != kLongFormKeys.end()) {
      const std::string wanted = entry.key == "enum" ? "an array of values" : "true or false";
      errors->push_back({.where = value.where,
                         .what = quote(entry.key) + ": expected " + wanted + ", got " +
                                 std::string(value.type_phrase()),
                         .hint = {}});
      is_right = false;
    } else if (!entry.key.starts_with("x-")) {
      errors->push_back({.where = entry.key_where,
                         .what = "unknown key " + quote(entry.key),
                         .hint = did_you_mean(entry.key, kLongFormKeys)});
      is_right = false;
    }
    declaration->is_wrong = declaration->is_wrong || !is_right;
  }
}

void Vars::apply(const VarSetting& setting, Diagnostics* errors) {
  const auto entry = declarations_.find(setting.name);
  if (entry == declarations_.end()) {
    std::string hint = did_you_mean(setting.name, names_);
    if (hint.empty()) {
      hint = names_.empty() ? "it has no \"vars\"" : "it has " + quote_list(names_);
    }
    errors->push_back({.where = std::nullopt,
                       .what = "--set: the job file has no var " + quote(setting.name),
                       .hint = std::move(hint),
                       .culprit = Culprit::kCommandLine});
    return;
  }
  entry->second.value = setting.value;
  entry->second.is_set = true;
}

void Vars::check(const std::string& name, Declaration* declaration, Diagnostics* errors) const {
  if (declaration->is_wrong) return;
  if (!declaration->value) {
    declaration->is_wrong = true;
    if (declaration->is_required) {
      errors->push_back({.where = std::nullopt,
                         .what = "var " + quote(name) + " has to be set",
                         .hint = "--set " + name + "=VALUE",
                         .culprit = Culprit::kCommandLine});
    } else {
      errors->push_back({.where = declaration->where,
                         .what = "var " + quote(name) + " has no value",
                         .hint = "give it \"default\" or \"required\": true"});
    }
    return;
  }
  const std::vector<std::string>& choices = declaration->choices;
  if (choices.empty() || std::ranges::find(choices, *declaration->value) != choices.end()) return;
  declaration->is_wrong = true;
  const std::vector<std::string_view> views(choices.begin(), choices.end());
  Diagnostic error{.where = declaration->where,
                   .what = "var " + quote(name) + ": expected " + quote_list(views, "or") +
                           ", got " + quote(*declaration->value),
                   .hint = did_you_mean(*declaration->value, views)};
  if (declaration->is_set) {
    error.where.reset();
    error.culprit = Culprit::kCommandLine;
    error.what = "--set: " + error.what;
  }
  errors->push_back(std::move(error));
}

bool Vars::is_declared(std::string_view name) const {
  return declarations_.contains(std::string(name));
}

std::optional<std::string_view> Vars::value(std::string_view name) const {
  const auto entry = declarations_.find(std::string(name));
  if (entry == declarations_.end() || entry->second.is_wrong || !entry->second.value) {
    return std::nullopt;
  }
  return *entry->second.value;
}

}  // namespace gorun::jobs
