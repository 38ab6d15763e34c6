#!/bin/sh
# Makes what docker-compose.yml asks for, in .env: a token for senders and a password for Redis. What stands there already stays.
set -eu
cd "$(dirname "$0")/.."
umask 077
touch .env
for name in VCON_OTEL_TOKEN REDIS_PASSWORD; do
  grep -q "^$name=." .env || printf '%s=%s\n' "$name" "$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')" >> .env
done
