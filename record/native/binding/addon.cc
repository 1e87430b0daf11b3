// What JavaScript sees of the addon. Each part registers its functions with state of its own for every environment, so that
// worker threads can load the addon independently; the only thing that is shared is the published dispatch table.
#include <node_api.h>

#include "bindings.h"

NAPI_MODULE_INIT() {
  const bool registered = xps::register_aead(env, exports) && xps::register_report(env, exports) && xps::register_plane(env, exports);
  if (registered) return exports;
  napi_throw_error(env, "ERR_XPS_LOAD", "the addon could not be initialised");
  return nullptr;
}
