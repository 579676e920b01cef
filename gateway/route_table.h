// Which method and path lead where.

#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/http_message.h"
#include "gateway/http_server.h"

namespace upscaler {

// A request on its way to its route.
struct RoutedRequest {
  const HttpRequest& http;
  std::string id;  // Its name in logs and answers.
  // What stands in the path for the route's {names}, in their order; never empty.
  std::vector<std::string> parameters{};
};

// Not thread-safe; reading is.
class RouteTable {
 public:
  using Outcome = decltype(HttpServer::Decision::outcome);
  using Handle = std::function<Outcome(const RoutedRequest&)>;

  // `path` is "/v1/jobs/{job_id}", say, where a name in braces stands for one part without
  // a slash. A route for GET takes HEAD, too: the server leaves the body out.
  void Add(std::string method, std::string path, Handle handle);

  // What is to be done with a request: null where there is no such path, or not for its
  // method; AllowedMethods tells which. Sets the request's parameters.
  const Handle* Find(RoutedRequest& request) const;

  // The methods of a path, as the header Allow lists them: "GET, HEAD, OPTIONS". Empty where
  // there is no such path.
  std::string AllowedMethods(std::string_view path) const;

  // All routes, as methods and paths, in the order in which they were added.
  std::vector<std::pair<std::string, std::string>> List() const;

 private:
  struct Route {
    std::string method;
    std::string path;
    Handle handle;
  };

  std::vector<Route> routes_;
};

}  // namespace upscaler
