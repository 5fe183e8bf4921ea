#include "jobs/vars.h"

#include <algorithm>
#include <array>
#include <utility>

#include "jobs/edit_distance.h"
#include "jobs/job_keys.h"
#include "jobs/quote.h"
#include "jobs/template.h"

namespace gorun::jobs {

Vars::Vars(Source* source, const JsonValue* vars, const GivenVars& given, const LoadWorld& world,
           Diagnostics* errors)
    : source_(*source), pipeline_(given.pipeline), world_(world), errors_(*errors) {
  if (vars != nullptr && vars->object() == nullptr) {
    blame(vars->where, "\"vars\": expected an object, got " + std::string(vars->type_phrase()));
  } else if (vars != nullptr) {
    for (const JsonMember& member : *vars->object()) declare(member);
  }
  for (const VarSetting& setting : given.settings) apply(setting);
  for (const std::string_view name : names_) {
    const auto entry = declarations_.find(std::string(name));
    check(entry->first, &entry->second);
  }
}

// A mistake without a place is one of the command line.
void Vars::blame(std::optional<ByteRange> where, std::string what, std::string hint) {
  errors_.push_back({.where = where,
                     .what = std::move(what),
                     .hint = std::move(hint),
                     .culprit = where ? Culprit::kJobFile : Culprit::kCommandLine});
}

// The text of a scalar; nothing, and a Diagnostic, for anything else.
std::optional<std::string> Vars::scalar_text(std::string_view name, const JsonValue& value) {
  std::string text;
  if (value.text()) {
    text = *value.text();
  } else if (value.is_number() || value.flag()) {
    text = source_.slice(value.where);
  } else {
    blame(value.where, "var " + quote(name) + ": expected a string, a number or a boolean, got " +
                           std::string(value.type_phrase()));
    return std::nullopt;
  }
  if (text.find("${{") != std::string::npos) {
    blame(value.where, "var " + quote(name) + " refers to something else",
          "the value of a var is taken as it is");
    return std::nullopt;
  }
  return text;
}

void Vars::declare(const JsonMember& member) {
  const auto [entry, is_new] = declarations_.try_emplace(member.key);
  Declaration& declaration = entry->second;
  declaration.where = member.value.where;
  names_.push_back(entry->first);
  if (!is_expression_name(member.key)) {
    blame(member.key_where, quote(member.key) + " is not a name",
          "${{ vars.NAME }} has letters, digits, \"_\" and \"-\", and no digit first");
  }
  if (member.value.object()) {
    read_long_form(member, &declaration);
    return;
  }
  declaration.value = scalar_text(member.key, member.value);
  declaration.is_wrong = !declaration.value;
}

void Vars::read_long_form(const JsonMember& member, Declaration* declaration) {
  for (const JsonMember& entry : *member.value.object()) {
    if (!read_entry(member, entry, declaration)) declaration->is_wrong = true;
  }
  if (declaration->is_secret) hide(member);
}

bool Vars::read_entry(const JsonMember& var, const JsonMember& entry, Declaration* declaration) {
  const JsonValue& value = entry.value;
  if (entry.key.starts_with("x-")) return true;
  const OptionRow* row = find_key(var_keys(), entry.key);
  if (row == nullptr) {
    // Meant to hide the value, it should not have it shown.
    if (closest(entry.key, key_names(var_keys())) == "secret") declaration->is_secret = true;
    blame(entry.key_where, "unknown key " + quote(entry.key),
          did_you_mean(entry.key, key_names(var_keys())));
    return false;
  }
  if (entry.key == "default") {
    declaration->value = scalar_text(var.key, value);
    return declaration->value.has_value();
  }
  bool is_right = false;
  if (entry.key == "secret" && !value.flag()) declaration->is_secret = true;  // likewise
  if (row->type == OptionType::kSwitch && value.flag()) {
    (entry.key == "required" ? declaration->is_required : declaration->is_secret) = *value.flag();
    is_right = true;
  } else if (entry.key == "env" && value.text() && !value.text()->empty() &&
             value.text()->find('\0') == std::string::npos) {
    declaration->environment = *value.text();
    is_right = true;
  } else if (entry.key == "enum" && value.array() && !value.array()->empty()) {
    is_right = true;
    for (const JsonValue& choice : *value.array()) {
      auto text = scalar_text(var.key, choice);
      is_right = is_right && text.has_value();
      declaration->choices.push_back(std::move(text).value_or(""));
    }
    return is_right;
  }
  if (!is_right) {
    blame(value.where, quote(entry.key) + ": expected " + std::string(type_phrase(row->type)) +
                           ", got " + std::string(value.type_phrase()));
  }
  return is_right;
}

// What a secret may be is as secret as what it is.
void Vars::hide(const JsonMember& var) {
  for (const std::string_view key : {"default", "enum"}) {
    const JsonMember* entry = find_member(*var.value.object(), key);
    if (entry == nullptr) continue;
    source_.hide(entry->value.where);
    const JsonArray* choices = entry->value.array();
    if (choices == nullptr && entry->value.text()) secrets_.add(*entry->value.text());
    if (choices == nullptr) continue;
    for (const JsonValue& choice : *choices) {
      if (choice.text()) secrets_.add(*choice.text());
    }
  }
}

void Vars::apply(const VarSetting& setting) {
  const auto entry = declarations_.find(setting.name);
  if (entry == declarations_.end()) {
    std::string hint = did_you_mean(setting.name, names_);
    if (hint.empty()) {
      hint = names_.empty() ? "it has no \"vars\"" : "it has " + quote_list(names_);
    }
    blame(std::nullopt, "--set: the job file has no var " + quote(setting.name), std::move(hint));
    return;
  }
  entry->second.value = setting.value;
  entry->second.set_by = pipeline_ ? "the pipeline" : "--set";
  entry->second.set_at = pipeline_;
}

void Vars::check(const std::string& name, Declaration* declaration) {
  if (declaration->set_by.empty() && !declaration->environment.empty()) {
    if (auto value = world_.environment(declaration->environment)) {
      declaration->value = std::move(value);
      declaration->set_by = "environment variable " + quote(declaration->environment);
    }
  }
  if (declaration->is_secret && declaration->value) secrets_.add(*declaration->value);
  if (declaration->is_secret && declaration->set_at) source_.hide(*declaration->set_at);
  if (declaration->is_wrong) return;
  if (declaration->value) {
    check_choice(name, declaration);
    return;
  }
  declaration->is_wrong = true;
  const std::string setting =
      pipeline_ ? "\"vars\": {" + quote(name) + ": \"VALUE\"}" : "--set " + name + "=VALUE";
  if (!declaration->environment.empty()) {
    blame(pipeline_, "var " + quote(name) + " has to be set",
          setting + ", or the environment variable " + declaration->environment);
  } else if (declaration->is_required) {
    blame(pipeline_, "var " + quote(name) + " has to be set", setting);
  } else {
    blame(declaration->where, "var " + quote(name) + " has no value",
          "give it \"default\" or \"required\": true");
  }
}

void Vars::check_choice(const std::string& name, Declaration* declaration) {
  const std::vector<std::string>& choices = declaration->choices;
  if (choices.empty() || std::ranges::find(choices, *declaration->value) != choices.end()) return;
  declaration->is_wrong = true;
  const std::vector<std::string_view> views(choices.begin(), choices.end());
  const std::string& set_by = declaration->set_by;
  const bool has_place = set_by.empty() || declaration->set_at;
  std::string what = (has_place ? "" : set_by + ": ") + "var " + quote(name) + ": ";
  if (declaration->is_secret) {
    what += "the value is none of \"enum\"";
  } else {
    what += "expected " + quote_list(views, "or") + ", got " + quote(*declaration->value);
  }
  blame(set_by.empty() ? std::optional(declaration->where) : declaration->set_at, std::move(what),
        declaration->is_secret ? "" : did_you_mean(*declaration->value, views));
}

bool Vars::is_declared(std::string_view name) const {
  return declarations_.contains(std::string(name));
}

std::string Vars::near(std::string_view name) const {
  if (!near_names_) near_names_.emplace(names_);
  return did_you_mean(near_names_->closest(name));
}

std::optional<std::string_view> Vars::value(std::string_view name) const {
  const auto entry = declarations_.find(std::string(name));
  if (entry == declarations_.end() || entry->second.is_wrong || !entry->second.value) {
    return std::nullopt;
  }
  return *entry->second.value;
}

}  // namespace gorun::jobs
