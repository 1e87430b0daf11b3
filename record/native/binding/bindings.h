#pragma once

#include <node_api.h>

namespace xps {

// Each adds its functions to `exports`. False when the environment cannot take them.
bool register_aead(napi_env env, napi_value exports);
bool register_report(napi_env env, napi_value exports);
bool register_plane(napi_env env, napi_value exports);

}  // namespace xps
