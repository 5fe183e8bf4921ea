// cli/graph_text.cc - the graph of a job for Graphviz and for Mermaid.

#include "cli/graph_text.h"

#include <string_view>

#include "cli/printable.h"

namespace gorun::cli {
namespace {

// A text between double quotes, as DOT reads it.
std::string dot_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// Mermaid knows no escapes, but entities by number.
std::string mermaid_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : printable(text)) {
    if (std::string_view("\"#<>&`").find(c) == std::string_view::npos) {
      out += c;
    } else {
      out += "#" + std::to_string(static_cast<unsigned char>(c)) + ";";
    }
  }
  return out + '"';
}

// The name as it may be shown. Masked names need not differ, so such a stage is a node by number.
std::string shown_name(const jobs::Graph& graph, std::size_t stage) {
  return graph.secrets.masked(graph.stages[stage].name);
}

std::string dot_node(const jobs::Graph& graph, std::size_t stage) {
  const std::string shown = shown_name(graph, stage);
  return dot_quoted(shown == graph.stages[stage].name ? shown : "s" + std::to_string(stage));
}

std::string edge_label(const jobs::Edge& edge) {
  std::string label = edge.port == jobs::kDefaultPort ? "" : edge.port;
  if (edge.buffer != jobs::kDefaultBuffer) {
    label += (label.empty() ? "" : ", ") + ("buffer " + std::to_string(edge.buffer));
  }
  return label;
}

std::string_view when_label(jobs::When when) {
  switch (when) {
    case jobs::When::kSuccess:
      return "";
    case jobs::When::kAlways:
      return "always";
    case jobs::When::kFailure:
      return "on failure";
  }
  return "";
}

}  // namespace

std::string dot_text(const jobs::Graph& graph) {
  const std::string_view title = graph.name.empty() ? "job" : std::string_view(graph.name);
  std::string out = "digraph " + dot_quoted(title) + " {\n  rankdir=LR;\n  node [shape=box];\n";
  for (std::size_t i = 0; i < graph.stages.size(); ++i) {
    std::string label = dot_quoted(shown_name(graph, i));
    label.insert(label.size() - 1, "\\n" + std::string(graph.stages[i].kind->name));
    out += "  " + dot_node(graph, i) + " [label=" + label + "];\n";
  }
  for (const jobs::Edge& edge : graph.edges) {
    out += "  " + dot_node(graph, edge.from) + " -> " + dot_node(graph, edge.to);
    const std::string label = edge_label(edge);
    out += label.empty() ? ";\n" : " [label=" + dot_quoted(label) + "];\n";
  }
  for (std::size_t i = 0; i < graph.stages.size(); ++i) {
    const jobs::StageSpec& stage = graph.stages[i];
    for (const std::size_t need : stage.needs) {
      out += "  " + dot_node(graph, need) + " -> " + dot_node(graph, i) + " [style=dashed";
      const std::string_view label = when_label(stage.when);
      out += (label.empty() ? "" : ", label=" + dot_quoted(label)) + "];\n";
    }
  }
  return out + "}\n";
}

std::string mermaid_text(const jobs::Graph& graph) {
  const auto id = [](std::size_t stage) { return "s" + std::to_string(stage); };
  const auto label = [](std::string_view text) {
    return text.empty() ? "" : "|" + mermaid_quoted(text) + "|";
  };
  std::string out = "flowchart LR\n";
  for (std::size_t i = 0; i < graph.stages.size(); ++i) {
    std::string text = mermaid_quoted(shown_name(graph, i));
    text.insert(text.size() - 1, "<br/>" + std::string(graph.stages[i].kind->name));
    out += "  " + id(i) + "[" + text + "]\n";
  }
  for (const jobs::Edge& edge : graph.edges) {
    out += "  " + id(edge.from) + " -->" + label(edge_label(edge)) + " " + id(edge.to) + "\n";
  }
  for (std::size_t i = 0; i < graph.stages.size(); ++i) {
    for (const std::size_t need : graph.stages[i].needs) {
      out +=
          "  " + id(need) + " -.->" + label(when_label(graph.stages[i].when)) + " " + id(i) + "\n";
    }
  }
  return out;
}

}  // namespace gorun::cli
