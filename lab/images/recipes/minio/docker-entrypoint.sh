#!/bin/sh
# As in the official image, `minio` may be left out: `server /data` is the same as `minio server /data`.
set -eu
[ "${1:-}" = minio ] || set -- minio "$@"
exec "$@"
