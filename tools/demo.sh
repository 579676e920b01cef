#!/usr/bin/env bash
# The whole product once, for the eye: starts the server with the demo model,
# has one picture enlarged through each of its two doors, and leaves the result
# in demo-output/. `make demo` builds what this runs.
#
#   tools/demo.sh <picture>
set -euo pipefail

image=${1:?which picture?}
[ -r "$image" ] || { echo "demo: there is no picture $image" >&2; exit 1; }
image=$(realpath "$image")
cd "$(dirname "$0")/.."

prompt="a sharp, highly detailed photo"
bin=build/release/bin
out=demo-output
rest_port=8997 grpc_port=8998 admin_port=8999

for port in $rest_port $grpc_port $admin_port; do
  if (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    echo "demo: port $port is taken; the demo needs $rest_port, $grpc_port and $admin_port" >&2
    exit 1
  fi
done

rm -rf "$out" && mkdir -p "$out"
scratch=$(mktemp -d)
$bin/upscaler-server --model checkpoints/demo --grpc-address "127.0.0.1:$grpc_port" \
  --rest-address "127.0.0.1:$rest_port" --admin-address "127.0.0.1:$admin_port" \
  >"$out/server.log" 2>&1 &
server=$!

stop() {
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  rm -rf "$scratch"
}
trap stop EXIT
trap 'exit 130' INT TERM

fail() {
  echo "demo: $1; the server's last words ($out/server.log):" >&2
  tail -n 20 "$out/server.log" >&2
  exit 1
}

milliseconds() { echo $(($(date +%s%N) / 1000000)); }

echo "demo: waiting for the server"
start=$(milliseconds)
until curl -fs -o "$scratch/ready" "http://127.0.0.1:$rest_port/readyz"; do
  kill -0 "$server" 2>/dev/null || fail "the server has ended"
  [ $(($(milliseconds) - start)) -lt 60000 ] || fail "the server is not ready after 60 s"
  sleep 0.1
done
ready_ms=$(($(milliseconds) - start))

echo "demo: one request over REST"
start=$(milliseconds)
curl -sS -X POST "http://127.0.0.1:$rest_port/v1/images/upscale" \
  -F "image=@\"$image\"" -F "prompt=$prompt" -F "n=1" -F "guidance_scale=8" -o "$scratch/answer.json" ||
  fail "the REST request did not go through"
jq -e -r '.data[0].b64_json' "$scratch/answer.json" 2>/dev/null | base64 -d >"$out/rest.png" ||
  fail "the REST answer holds no picture: $(head -c 300 "$scratch/answer.json")"
rest_ms=$(($(milliseconds) - start))

echo "demo: the same over gRPC"
start=$(milliseconds)
$bin/upscale "$image" -o "$out/grpc.png" --server "127.0.0.1:$grpc_port" \
  --prompt "$prompt" --guidance-scale 8 || fail "the gRPC request did not go through"
grpc_ms=$(($(milliseconds) - start))

# Both halves the same way up, in the same colours and without transparency, or
# they cannot be joined. The left half is enlarged without inventing anything.
plain() {
  vips autorot "$1" "$scratch/upright.v"
  vips colourspace "$scratch/upright.v" "$scratch/srgb.v" srgb
  # libvips takes the last channel for transparency, whatever it is.
  if [ "$(vipsheader -f bands "$scratch/srgb.v")" = 4 ]; then
    vips flatten "$scratch/srgb.v" "$2" --background 255
  else
    vips copy "$scratch/srgb.v" "$2"
  fi
}
plain "$image" "$out/before.png"
plain "$out/rest.png" "$scratch/after.v"
vips resize "$out/before.png" "$scratch/enlarged.v" 2 --kernel nearest
vips join "$scratch/enlarged.v" "$scratch/after.v" "$out/side-by-side.png" horizontal \
  --shim 16 --background 255

size() { echo "$(vipsheader -f width "$1")x$(vipsheader -f height "$1")"; }
cat <<END

  before            $(size "$out/before.png")   $out/before.png
  over REST         $(size "$out/rest.png")   $out/rest.png   in $rest_ms ms
  over gRPC         $(size "$out/grpc.png")   $out/grpc.png   in $grpc_ms ms
  left and right    $out/side-by-side.png   (pixels enlarged, and the model's answer)

  The server was ready after $ready_ms ms. To keep one running: make serve
END
