# The addon: build/Release/xpscerpto.node. One static library for each instruction set, so that no code compiled for one
# set can be linked into a function that runs without it. The tests read this file for the flags (test/support/native-build.ts).
{
  'variables': {
    'addon_sources': [
      'record/native/binding/addon.cc',
      'record/native/binding/arguments.cc',
      'record/native/binding/aead_binding.cc',
      'record/native/binding/report_binding.cc',
    ],
    'core_sources': [
      'record/native/locked_memory.cc',
      'record/native/record_cipher.cc',
      'record/native/dispatch/autotune.cc',
      'record/native/dispatch/cpu.cc',
      'record/native/dispatch/dispatch.cc',
      'record/native/dispatch/known_answers.cc',
    ],
    'plane_sources': [
      'record/native/plane/application.cc',
      'record/native/plane/channel.cc',
      'record/native/plane/loop.cc',
      'record/native/plane/messages.cc',
      'record/native/plane/outbox.cc',
      'record/native/plane/plane_binding.cc',
      'record/native/plane/record.cc',
      'record/native/plane/route.cc',
    ],
  },
  'target_defaults': {
    'defines': ['NAPI_VERSION=9'],
    'cflags': ['-fvisibility=hidden', '-fstack-protector-strong', '-Wall', '-Wextra', '-Wno-ignored-attributes'],
    'cflags_cc': ['-std=c++20', '-O3', '-fno-exceptions', '-fno-rtti'],
    'cflags_cc!': ['-std=gnu++20', '-std=gnu++17', '-O2'],
    'cflags!': ['-O2', '-Wno-unused-parameter'],
  },
  'targets': [
    # The data plane throws where a rule is broken and catches where a channel is entered; nothing else has exceptions.
    {
      'target_name': 'plane',
      'type': 'static_library',
      'sources': ['<@(plane_sources)'],
      'cflags_cc': ['-fexceptions'],
      'cflags_cc!': ['-fno-exceptions'],
    },
    {
      'target_name': 'xpscerpto',
      'sources': ['<@(addon_sources)', '<@(core_sources)'],
      'dependencies': ['kernels_portable', 'plane'],
      'ldflags': ['-Wl,-z,relro', '-Wl,-z,now', '-Wl,-z,noexecstack'],
      'conditions': [
        ['target_arch=="x64"', {
          'dependencies': ['kernels_aesni', 'kernels_vaes256', 'kernels_vaes512', 'kernels_avx2', 'kernels_avx512'],
        }],
        ['target_arch=="arm64"', {
          'dependencies': ['kernels_neon', 'kernels_armaes'],
        }],
      ],
    },
    {
      'target_name': 'kernels_portable',
      'type': 'static_library',
      'sources': ['record/native/kernels/aes_gcm_portable.cc', 'record/native/kernels/chacha_portable.cc'],
    },
  ],
  'conditions': [
    ['target_arch=="x64"', {
      'targets': [
        {
          'target_name': 'kernels_aesni',
          'type': 'static_library',
          'sources': ['record/native/kernels/aes_gcm_aesni.cc'],
          'cflags_cc': ['-maes', '-mpclmul', '-mssse3', '-msse4.1'],
        },
        {
          'target_name': 'kernels_vaes256',
          'type': 'static_library',
          'sources': ['record/native/kernels/aes_gcm_vaes256.cc'],
          'cflags_cc': ['-maes', '-mpclmul', '-mavx2', '-mbmi2', '-mvaes', '-mvpclmulqdq'],
        },
        {
          'target_name': 'kernels_vaes512',
          'type': 'static_library',
          'sources': ['record/native/kernels/aes_gcm_vaes512.cc'],
          'cflags_cc': ['-maes', '-mpclmul', '-mavx2', '-mbmi2', '-mvaes', '-mvpclmulqdq', '-mavx512f', '-mavx512bw',
                        '-mavx512dq', '-mavx512vl', '-Wno-uninitialized', '-Wno-maybe-uninitialized'],
        },
        {
          'target_name': 'kernels_avx2',
          'type': 'static_library',
          'sources': ['record/native/kernels/chacha_avx2.cc'],
          'cflags_cc': ['-mavx2', '-mbmi2'],
        },
        {
          'target_name': 'kernels_avx512',
          'type': 'static_library',
          'sources': ['record/native/kernels/chacha_avx512.cc'],
          'cflags_cc': ['-mavx2', '-mbmi2', '-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mavx512ifma',
                        '-Wno-uninitialized', '-Wno-maybe-uninitialized'],
        },
      ],
    }],
    ['target_arch=="arm64"', {
      'targets': [
        {
          'target_name': 'kernels_neon',
          'type': 'static_library',
          'sources': ['record/native/kernels/chacha_neon.cc'],
        },
        {
          'target_name': 'kernels_armaes',
          'type': 'static_library',
          'sources': ['record/native/kernels/aes_gcm_neon.cc'],
          'cflags_cc': ['-march=armv8-a+crypto'],
        },
      ],
    }],
  ],
}
