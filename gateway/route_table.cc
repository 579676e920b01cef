#include "gateway/route_table.h"

#include <cstddef>
#include <optional>
#include <set>

#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

namespace upscaler {
namespace {

std::vector<absl::string_view> Parts(std::string_view path) {
  return absl::StrSplit(absl::string_view(path.data(), path.size()), '/');
}

bool IsName(absl::string_view part) { return !part.empty() && part.front() == '{'; }

// What stands in `path` for the names of `pattern`, or nothing where it is another path.
std::optional<std::vector<std::string>> Match(std::string_view pattern, std::string_view path) {
  const std::vector<absl::string_view> wanted = Parts(pattern);
  const std::vector<absl::string_view> given = Parts(path);
  if (wanted.size() != given.size()) return std::nullopt;
  std::vector<std::string> parameters;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (IsName(wanted[i]) && !given[i].empty()) {
      parameters.emplace_back(given[i]);
    } else if (wanted[i] != given[i]) {
      return std::nullopt;
    }
  }
  return parameters;
}

}  // namespace

void RouteTable::Add(std::string method, std::string path, Handle handle) {
  routes_.push_back({std::move(method), std::move(path), std::move(handle)});
}

const RouteTable::Handle* RouteTable::Find(RoutedRequest& request) const {
  const std::string method = request.http.method == "HEAD" ? "GET" : request.http.method;
  for (const Route& route : routes_) {
    if (route.method != method) continue;
    if (auto parameters = Match(route.path, request.http.path)) {
      request.parameters = *std::move(parameters);
      return &route.handle;
    }
  }
  return nullptr;
}

std::string RouteTable::AllowedMethods(std::string_view path) const {
  std::set<std::string> methods;
  for (const Route& route : routes_) {
    if (!Match(route.path, path).has_value()) continue;
    methods.insert(route.method);
    if (route.method == "GET") methods.insert("HEAD");
  }
  if (!methods.empty()) methods.insert("OPTIONS");
  return absl::StrJoin(methods, ", ");
}

std::vector<std::pair<std::string, std::string>> RouteTable::List() const {
  std::vector<std::pair<std::string, std::string>> list;
  for (const Route& route : routes_) list.emplace_back(route.method, route.path);
  return list;
}

}  // namespace upscaler
