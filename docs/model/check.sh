#!/bin/sh
# Runs every model and compares what ProVerif says with what it has to say. Needs `proverif`; takes minutes.
set -eu
cd "$(dirname "$0")"
command -v proverif >/dev/null || { echo 'proverif is not installed: nothing was checked' >&2; exit 2; }
failed=0

# check NAME "EXPECTED RESULTS, IN ORDER" ARGUMENTS…
check() {
  name=$1 expected=$2
  shift 2
  results=$(proverif "$@" | sed -n 's/^RESULT .* \(is true\|is false\|cannot be proved\)\..*$/\1/p' | sed 's/^is //' | tr '\n' ' ' | sed 's/ $//')
  if [ "$results" = "$expected" ]; then
    echo "ok    $name: $results"
  else
    echo "WRONG $name: $results, expected $expected"
    failed=1
  fi
}

handshake() {
  name=$1 expected=$2 leak=$3 model=$4
  check "$name" "$expected" -lib primitives.pvl -lib "leak-$leak.pvl" -lib handshake.pvl "$model"
}

handshake 'authentication' 'true true true true false' nothing auth.pv
handshake 'authentication, X25519 broken' 'true true true true false' x25519 auth.pv
handshake 'forward secrecy' 'true true' nothing secrecy.pv
handshake 'secrecy, X25519 broken' 'true true' x25519 secrecy.pv
handshake 'secrecy, ML-KEM broken' 'true true' kem secrecy.pv
handshake 'secrecy, both broken' 'false false' both secrecy.pv
check 'rekey after a theft' 'true true true true false' -lib primitives.pvl -lib rekey.pvl rekey.pv
check 'rekey without signatures, passive thief' 'true true' -lib primitives.pvl -lib rekey.pvl -lib passive.pvl rekey-unsigned.pv
check 'rekey without signatures, active thief' 'false false' -lib primitives.pvl -lib rekey.pvl rekey-unsigned.pv
check 'rekey by hashing' 'false false' -lib primitives.pvl -lib rekey.pvl rekey-hash-only.pv
exit $failed
